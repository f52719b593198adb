from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from LaMoDSlicerLib.LongAxis import ViewNames
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Reading.PictureCanvas import PictureCanvas, PictureStyle


class StrainByViewPicture:
    """Draws mid-wall strain of each view, and the mean of several, over the time since end-diastole.

    Args:
        node: the result.
    """

    #: Left side and width of the plot as fractions of the picture.
    LEFT, WIDTH = 0.13, 0.84
    #: Height of title, and of axis label and legend, in pixels.
    ABOVE, BELOW = 44, 84
    #: Colours that are legible on light and dark paper.
    COLOURS: ClassVar = ("#5b8fd6", "#3fa65a", "#e8813a")

    def __init__(self, node: LongAxisNode) -> None:
        self._node = node

    def box(self, height: int) -> tuple[float, float, float, float]:
        """Position of the plot in a picture: left, bottom, width, height as fractions."""
        bottom, top = min(self.BELOW / height, 0.4), 1 - min(self.ABOVE / height, 0.25)
        return self.LEFT, bottom, self.WIDTH, top - bottom

    def draw(self, path: Path, size: tuple[int, int], style: PictureStyle | None = None) -> None:
        """Write the picture as PNG, size = (width, height) in pixels of the widget."""
        summary, views = self._node.summary, self._node.views()
        rrMs = float(summary["rr_ms"])
        with PictureCanvas(path, size, style or PictureStyle()) as canvas:
            ax = canvas.figure.add_axes(self.box(size[1]))
            for number, view in enumerate(views):
                since, order = view.phases() * rrMs, np.argsort(view.phases())
                curve = 100 * np.array(view.numbers["curves"]["mid_wall"], float)
                color = self.COLOURS[number % len(self.COLOURS)]
                ax.plot(since[order], curve[order], color=color, linewidth=1.6, label=ViewNames.textOf(view.view))
            if len(views) > 1:
                mean = summary["curves"]
                curve = 100 * np.array(mean["mid_wall"], float)
                ax.plot(mean["time_ms"], curve, color=canvas.style.ink, linewidth=2.4, label="mean of the views")
            ax.axhline(0, color=canvas.style.soft, linewidth=0.8)
            ax.axvline(summary["es_time_ms"], color=canvas.style.soft, linewidth=1.0, linestyle=":")
            ax.annotate(
                "ES", (summary["es_time_ms"], 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                textcoords="offset points", ha="center", fontsize=canvas.points(7.5), color=canvas.style.ink,
            )  # fmt: skip
            ax.set(xlim=(0, rrMs))
            ax.set_xlabel("time since end-diastole (ms)", fontsize=canvas.points(8))
            ax.tick_params(labelsize=canvas.points(7.5))
            canvas.title("Mid-wall strain by view, L / L_ED − 1 (%)")
            columns = min(len(views) + 1, 2 if size[0] < 380 else 4)
            canvas.figure.legend(
                *ax.get_legend_handles_labels(), loc="lower center", ncol=columns,
                fontsize=canvas.points(7.5), frameon=False, borderpad=0.1, columnspacing=1.0, handlelength=1.6,
            )  # fmt: skip

    def timeAt(self, x: float, width: int) -> float:
        """Time since end-diastole in ms at a column of a picture `width` pixels wide."""
        share = (x / width - self.LEFT) / self.WIDTH
        return float(np.clip(share, 0, 1) * self._rrMs())

    def columnOf(self, phase: float, width: int) -> float:
        """The column of a picture `width` pixels wide at a phase since end-diastole."""
        return (self.LEFT + phase * self.WIDTH) * width

    def _rrMs(self) -> float:
        return float(self._node.summary["rr_ms"])


def frameAt(view: Any, timeMs: float, rrMs: float) -> int:
    """The frame of a MeasuredView nearest to a time since end-diastole in a cycle of length `rrMs`."""
    away = np.abs(view.phases() - timeMs / rrMs)
    return int(np.argmin(np.minimum(away, 1.0 - away)))
