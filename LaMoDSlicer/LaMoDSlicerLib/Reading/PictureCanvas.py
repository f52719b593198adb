from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import qt


@dataclass(frozen=True)
class PictureStyle:
    """Colours and scales of a picture.

    Attributes:
        paper: colour of the background, and of lines between coloured parts.
        ink: colour of text and outlines.
        soft: colour of less important text.
        empty: colour of parts without a value.
        textScale: size of the text relative to the default.
        pixelRatio: pixels of the screen per pixel of the widget.
        isTransparent: whether the widget's own background is seen instead of `paper`.
    """

    paper: str = "#ffffff"
    ink: str = "#20262e"
    soft: str = "#6b7480"
    empty: str = "#e4e7eb"
    textScale: float = 1.0
    pixelRatio: float = 1.0
    isTransparent: bool = False

    #: Height in pixels of the text for which the sizes were chosen.
    TEXT_PIXELS = 12.5
    LARGEST_TEXT = 1.8

    @classmethod
    def ofWidget(cls, widget: Any) -> "PictureStyle":
        """The style of a widget: its palette, font and screen."""
        palette = widget.palette
        paper, ink = (palette.color(role) for role in (qt.QPalette.Window, qt.QPalette.WindowText))
        height = qt.QFontInfo(widget.font).pixelSize()
        return cls(
            paper=paper.name(),
            ink=ink.name(),
            soft=cls._mixed(ink, paper, 0.35),
            empty=cls._mixed(paper, ink, 0.12),
            textScale=min(max(height / cls.TEXT_PIXELS, 1.0), cls.LARGEST_TEXT),
            pixelRatio=cls._ratioOf(widget),
            isTransparent=True,
        )

    @staticmethod
    def _mixed(color: Any, other: Any, share: float) -> str:
        """A colour with a share of another one."""
        parts = ((a(), b()) for a, b in ((color.red, other.red), (color.green, other.green), (color.blue, other.blue)))
        return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)

    @staticmethod
    def _ratioOf(widget: Any) -> float:
        """Pixels of the screen per pixel of the widget; 1 where Qt does not give it."""
        ratio = getattr(widget, "devicePixelRatioF", None) or getattr(widget, "devicePixelRatio", None)
        value = ratio() if callable(ratio) else ratio
        return float(value) if value else 1.0


class PictureCanvas:
    """A Matplotlib figure as a context manager; leaving it writes a PNG file. Equal drawings give equal pixels.

    The picture goes through a file because PythonQt loads files the same way on every system.

    Args:
        path: the file.
        size: (width, height) in pixels of the widget.
        style: colours and scales.
    """

    DPI = 96
    #: Side length from which fonts have their full size, pixels.
    FULL_SIZE = 330
    #: Smallest font scale that is legible.
    LEAST_SIZE = 0.9

    def __init__(self, path: Path, size: tuple[int, int], style: PictureStyle) -> None:
        self._path, self._size, self.style = path, size, style
        self._contexts: tuple[Any, ...] = ()
        self.figure: Any = None

    def __enter__(self) -> "PictureCanvas":
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from LaMoDCore.report.style import page_style

        style = self.style
        self._contexts = (page_style(), rc_context(self._colors()))
        for context in self._contexts:
            context.__enter__()
        width, height = (max(side, 120) / self.DPI for side in self._size)
        self.figure = Figure(figsize=(width, height), dpi=self.DPI * style.pixelRatio, facecolor=style.paper)
        FigureCanvasAgg(self.figure)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
                ratio = self.style.pixelRatio
                if self.style.isTransparent:
                    self.figure.patch.set_alpha(0.0)
                self.figure.savefig(self._path, dpi=self.DPI * ratio, metadata={"Software": None})
        finally:
            for context in reversed(self._contexts):
                context.__exit__(kind, error, trace)

    @staticmethod
    def _ticks(scale: Any) -> np.ndarray:
        """Both limits and values between them, at equal steps."""
        return np.linspace(scale.vmin, scale.vmax, 5)

    def _colors(self) -> dict[str, str]:
        """Settings of Matplotlib for the colours of the style."""
        ink, soft = self.style.ink, self.style.soft
        colors = dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), ink)
        colors |= dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), soft)
        background = "none" if self.style.isTransparent else self.style.paper
        return colors | {"axes.facecolor": background, "savefig.facecolor": background}

    @property
    def width(self) -> int:
        """Width of the picture, pixels."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Height of the picture, pixels."""
        return self._size[1]

    def points(self, size: float) -> float:
        """A font size, scaled to the size of the picture and to the text of the widget."""
        scale = min(max(min(self._size) / self.FULL_SIZE, self.LEAST_SIZE), 1.25)
        return size * max(scale, self.style.textScale)

    def title(self, text: str) -> None:
        size = min(self.points(10), 10.5 * self.style.textScale)
        shown = self.figure.text(0.02, 0.985, text, fontsize=size, fontweight="bold", va="top")
        width = shown.get_window_extent().width / self.style.pixelRatio
        shown.set_fontsize(size * min(1.0, 0.93 * self._size[0] / max(width, 1.0)))

    def colorBar(self, colors: Any, scale: Any, box: tuple[float, float, float, float], values: np.ndarray) -> None:
        """Add a colour bar; arrowheads show that values are beyond its limits.

        Args:
            colors: colour map.
            scale: Normalize.
            box: (left, bottom, width, height) as fractions of the picture.
            values: that are shown.
        """
        known = values[np.isfinite(values)]
        below, above = bool((known < scale.vmin).any()), bool((known > scale.vmax).any())
        extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}.get((below, above), "both")
        from matplotlib.cm import ScalarMappable

        place = self.figure.add_axes(box)
        ticks = self._ticks(scale)
        bar = self.figure.colorbar(ScalarMappable(scale, colors), cax=place, extend=extend, ticks=ticks)
        bar.ax.set_yticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=2, pad=2, labelsize=self.points(7.5))
