from pathlib import Path
from typing import Any


class PictureCanvas:
    """A Matplotlib figure as a context manager; leaving it writes a PNG file. Equal drawings give equal pixels.

    The picture goes through a file because PythonQt loads files the same way on every system.

    Args:
        path: the file.
        size: (width, height) in pixels.
    """

    DPI = 96
    #: Side length from which fonts have their full size, pixels.
    FULL_SIZE = 330
    #: Smallest font scale that is legible.
    LEAST_SIZE = 0.9

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        self._style: Any = None
        self.figure: Any = None

    def __enter__(self) -> "PictureCanvas":
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from LaMoDCore.report.style import page_style

        self._style = page_style()
        self._style.__enter__()
        width, height = (max(side, 120) / self.DPI for side in self._size)
        self.figure = Figure(figsize=(width, height), dpi=self.DPI, facecolor="white")
        FigureCanvasAgg(self.figure)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
                self.figure.savefig(self._path, dpi=self.DPI, metadata={"Software": None})
        finally:
            self._style.__exit__(kind, error, trace)

    @property
    def height(self) -> int:
        """Height of the picture, pixels."""
        return self._size[1]

    def points(self, size: float) -> float:
        """A font size, scaled to the size of the picture."""
        return size * min(max(min(self._size) / self.FULL_SIZE, self.LEAST_SIZE), 1.25)

    def title(self, text: str) -> None:
        self.figure.text(0.02, 0.985, text, fontsize=min(self.points(10), 10.5), fontweight="bold", va="top")

    def colorBar(self, colors: Any, scale: Any, box: tuple[float, float, float, float]) -> None:
        """Add a colour bar.

        Args:
            colors: colour map.
            scale: Normalize.
            box: (left, bottom, width, height) as fractions of the picture.
        """
        from matplotlib.cm import ScalarMappable

        bar = self.figure.colorbar(ScalarMappable(scale, colors), cax=self.figure.add_axes(box))
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=2, pad=2, labelsize=self.points(7.5))
