from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Reading.PictureCanvas import PictureCanvas
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison


class AgreementPicture:
    """Bland–Altman plot of the peak Ecc of segments, with one colour per wall.

    Args:
        comparison: of two results.
    """

    INK, SOFT = "#20262e", "#6b7480"
    #: Position of the plot: left, bottom, width, height as fractions of the picture.
    BOX = (0.12, 0.21, 0.45, 0.65)
    #: Height of a label, pixels.
    LINE_OF_TEXT = 12

    def __init__(self, comparison: ResultComparison) -> None:
        self._comparison = comparison

    def draw(self, path: Path, size: tuple[int, int]) -> None:
        """Write the picture as PNG, size = (width, height) in pixels."""
        from LaMoDCore.report.style import WALL_COLOURS

        first, second, walls = self._comparison.pairs("ecc_extreme")
        mean, difference = 50 * (first + second), 100 * (first - second)
        with PictureCanvas(path, size) as canvas:
            ax = canvas.figure.add_axes(self.BOX)
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
            ax.set_xlabel("mean of both results [%]", fontsize=canvas.points(8))
            ax.set_ylabel("first − second", fontsize=canvas.points(8))
            ax.tick_params(labelsize=canvas.points(7.5))
            ax.margins(x=0.15)
            ax.axhline(0, color="#d9dee4", linewidth=0.8, zorder=0)
            canvas.title("Bland–Altman: peak Ecc [% points]")
            canvas.figure.legend(
                *ax.get_legend_handles_labels(), loc="upper right", bbox_to_anchor=(1.0, 0.99),
                fontsize=canvas.points(7.5), frameon=False, handletextpad=0.2,
            )  # fmt: skip

    def _lines(self, canvas: PictureCanvas, ax: Any, reach: float) -> None:
        """Bias and limits of agreement; one label for all three if three would overlap."""
        s = self._comparison.statistics("ecc_extreme", 100.0)
        names = {"bias": "bias", "lower": "−1.96 SD", "upper": "+1.96 SD"}
        labels = {key: f"{name} {s[key]:+.1f}" for key, name in names.items()}
        room = (s["upper"] - s["bias"]) / (2 * reach) * self.BOX[3] * canvas.height
        if room < self.LINE_OF_TEXT:
            labels = {"bias": f"bias {s['bias']:+.1f}\n({s['lower']:+.1f} … {s['upper']:+.1f})"}
        for key in names:
            style = "-" if key == "bias" else "--"
            ax.axhline(s[key], color=self.INK, linewidth=1.0, linestyle=style, zorder=1)
        for key, text in labels.items():
            ax.annotate(
                text.replace("-", "−"), (1, s[key]), xycoords=("axes fraction", "data"), xytext=(3, 0),
                textcoords="offset points", fontsize=canvas.points(7.5), color=self.SOFT, va="center",
                annotation_clip=False,
            )  # fmt: skip
