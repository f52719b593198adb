import enum


class GlyphColor(enum.Enum):
    """How displacement arrows are coloured."""

    YELLOW = "yellow"
    WHITE = "white"
    BLACK = "black"
    MAGNITUDE = "magnitude"

    def label(self) -> str:
        return {"magnitude": "By displacement"}.get(self.value, self.value.capitalize())

    @property
    def rgb(self) -> tuple[float, float, float]:
        return {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}.get(self.value, (1.0, 0.9, 0.2))
