from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Reading.PictureCanvas import PictureCanvas
from LaMoDSlicerLib.Results.ResultNumbers import SliceNumbers


class StrainMatrixPicture:
    """Draws Ecc of 24 sectors over the cycle, with the onset of shortening.

    Args:
        slice_: contains the matrix.
        referenceFrame: end-diastole, time zero of the onset.
    """

    #: Position of the matrix: left, bottom, width, height as fractions of the picture.
    BOX = (0.27, 0.15, 0.58, 0.72)
    INK = "#20262e"

    def __init__(self, slice_: SliceNumbers, referenceFrame: int) -> None:
        self._slice, self._referenceFrame = slice_, referenceFrame

    def draw(self, path: Path, size: tuple[int, int]) -> None:
        """Write the picture as PNG, size = (width, height) in pixels."""
        from matplotlib import colormaps
        from matplotlib.colors import Normalize

        slice_ = self._slice
        percent = 100 * slice_.matrix
        top = max(20.0, 5.0 * np.ceil(np.nanmax(np.abs(percent)) / 5.0)) if np.isfinite(percent).any() else 20.0
        scale, colors = Normalize(-top, top), colormaps["RdBu_r"]
        with PictureCanvas(path, size) as canvas:
            ax = canvas.figure.add_axes(self.BOX)
            count = len(percent)
            ax.pcolormesh(self._edges(), np.arange(count + 1), percent, cmap=colors, norm=scale)
            ax.set_facecolor("#e4e7eb")
            self._drawOnset(canvas, ax)
            self._nameSegments(canvas, ax, count)
            ax.set(ylim=(count, 0))
            ax.set_xlabel("time after the R wave [ms]", fontsize=canvas.points(8))
            ax.tick_params(length=2.5, pad=2, labelsize=canvas.points(7.5))
            canvas.title(f"Ecc [%] by sector and time, {slice_.label.lower()}")
            canvas.colorBar(colors, scale, (0.89, self.BOX[1], 0.022, self.BOX[3]))

    def timeAt(self, x: float, width: int) -> float:
        """Time in ms at a column of a picture `width` pixels wide."""
        edges = self._edges()
        share = (x / width - self.BOX[0]) / self.BOX[2]
        return float(edges[0] + share * (edges[-1] - edges[0]))

    def columnOf(self, timeMs: float, width: int) -> float:
        """The column of a picture `width` pixels wide at a time."""
        edges = self._edges()
        share = (timeMs - edges[0]) / (edges[-1] - edges[0])
        return (self.BOX[0] + share * self.BOX[2]) * width

    def _edges(self) -> np.ndarray:
        """[T + 1]: borders of the cells, half-way between the times of the frames."""
        times = self._slice.timesMs
        middle = (times[1:] + times[:-1]) / 2
        return np.concatenate([[times[0] - (middle[0] - times[0])], middle, [times[-1] + (times[-1] - middle[-1])]])

    def _drawOnset(self, canvas: PictureCanvas, ax: Any) -> None:
        slice_ = self._slice
        start = slice_.timesMs[self._referenceFrame]
        rows = np.arange(len(slice_.onsetMs)) + 0.5
        known = np.isfinite(slice_.onsetMs)
        onset = np.mod(start + slice_.onsetMs - slice_.timesMs[0], slice_.rrMs) + slice_.timesMs[0]
        ax.plot(np.where(known, onset, np.nan), rows, color=self.INK, linewidth=1.2, marker="o", markersize=3.2)
        ax.set_title("dots: onset of shortening", fontsize=canvas.points(8), fontweight="normal", loc="right")

    def _nameSegments(self, canvas: PictureCanvas, ax: Any, count: int) -> None:
        """Sectors start at the RV insertion; apical segments start 75° before and 15° after it (AHA)."""
        names = self._slice.segmentNames
        width = count / len(names)
        shift = -count * 75 / 360 if len(names) == 4 else 0.0
        middles = [(shift + (i + 0.5) * width) % count for i in range(len(names))]
        ax.set_yticks(middles, [f"{i + 1} {name}" for i, name in enumerate(names)], fontsize=canvas.points(7.5))
        for i in range(len(names)):
            ax.axhline((shift + i * width) % count, color="white", linewidth=0.8)
