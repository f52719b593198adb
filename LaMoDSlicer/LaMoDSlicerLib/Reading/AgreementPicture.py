from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Reading.PictureCanvas import PictureCanvas, PictureStyle
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Widgets import Numbering


class AgreementPicture:
    """Bland–Altman plot of the peak Ecc of segments, with one colour per wall.

    Args:
        comparison: of two results.
    """

    #: Position of the plot: left, bottom, width, height as fractions of the picture.
    BOX = (0.15, 0.36, 0.62, 0.52)
    #: Width from which the legend has four columns, pixels.
    WIDE = 420
    #: Height of a label, pixels.
    LINE_OF_TEXT = 12

    def __init__(self, comparison: ResultComparison) -> None:
        self._comparison = comparison

    def draw(self, path: Path, size: tuple[int, int], style: PictureStyle | None = None) -> None:
        """Write the picture as PNG, size = (width, height) in pixels of the widget."""
        from LaMoDCore.report.style import WALL_COLOURS

        first, second, walls = self._comparison.pairs("ecc_extreme")
        mean, difference = 50 * (first + second), 100 * (first - second)
        with PictureCanvas(path, size, style or PictureStyle()) as canvas:
            box, columns = self._box(canvas, len(set(walls))), self._columns(size[0])
            ax = canvas.figure.add_axes(box)
            for wall in dict.fromkeys(walls):
                members = np.array([w == wall for w in walls])
                ax.scatter(mean[members], difference[members], s=34, color=WALL_COLOURS[wall], label=wall, zorder=3)
            reach = max(3.0, 1.3 * float(np.abs(difference).max(initial=0.0)))
            if len(mean) > 1:
                limits = self._comparison.statistics("ecc_extreme", 100.0)
                reach = max(reach, 1.2 * abs(limits["lower"]), 1.2 * abs(limits["upper"]))
            ax.set(ylim=(-reach, reach))
            if len(mean) > 1:
                self._lines(canvas, ax, reach)
            ax.set_xlabel("mean of both results (%)", fontsize=canvas.points(8))
            ax.tick_params(labelsize=canvas.points(7.5))
            ax.margins(x=0.15)
            ax.axhline(0, color=canvas.style.empty, linewidth=0.8, zorder=0)
            canvas.title("Bland–Altman: peak Ecc, first − second [% points]")
            canvas.figure.legend(
                *ax.get_legend_handles_labels(), loc="lower center", ncol=columns,
                fontsize=canvas.points(7.5), frameon=False, handletextpad=0.1, columnspacing=0.8, borderpad=0.1,
            )  # fmt: skip

    def _columns(self, width: int) -> int:
        return 3 if width < self.WIDE else 4

    def _box(self, canvas: PictureCanvas, walls: int) -> tuple[float, float, float, float]:
        """The place of the plot above its label and the legend: left, bottom, width, height as fractions."""
        left, _bottom, width, height = self.BOX
        lines = -(-walls // self._columns(canvas.width)) + 3
        bottom = min(lines * canvas.points(8) * 2.0 / canvas.height, 0.6)
        top = self.BOX[1] + height
        return left, bottom, width, max(top - bottom, 0.2)

    def _lines(self, canvas: PictureCanvas, ax: Any, reach: float) -> None:
        """Bias and limits of agreement; one label for all three if three would overlap."""
        s = self._comparison.statistics("ecc_extreme", 100.0)
        names = {"bias": "bias", "lower": "−1.96 SD", "upper": "+1.96 SD"}
        number = {key: Numbering.signed(s[key]) for key in names}
        labels = {key: f"{name} {number[key]}" for key, name in names.items()}
        room = (s["upper"] - s["bias"]) / (2 * reach) * self.BOX[3] * canvas.height
        if room < self.LINE_OF_TEXT:
            labels = {"bias": f"bias {number['bias']}\nlimits {number['lower']}\nto {number['upper']}"}
        for key in names:
            style = "-" if key == "bias" else "--"
            ax.axhline(s[key], color=canvas.style.ink, linewidth=1.0, linestyle=style, zorder=1)
        for key, text in labels.items():
            ax.annotate(
                text, (1, s[key]), xycoords=("axes fraction", "data"), xytext=(3, 0),
                textcoords="offset points", fontsize=canvas.points(7.5), color=canvas.style.soft, va="center",
                annotation_clip=False,
            )  # fmt: skip
