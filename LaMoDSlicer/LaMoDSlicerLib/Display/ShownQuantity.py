import enum


class ShownQuantity(enum.Enum):
    """A quantity that colours show. Each member is: its value in files and scenes, what it is called, its unit, and
    whether it is a strain: those have a sign, and diverging colours about zero."""

    def __new__(cls, value: str, text: str, unit: str, isStrain: bool = False) -> "ShownQuantity":
        member = object.__new__(cls)
        member._value_ = value
        member.text, member.unit, member.isStrain = text, unit, isStrain
        return member

    def label(self) -> str:
        """For selectors."""
        return self.text
