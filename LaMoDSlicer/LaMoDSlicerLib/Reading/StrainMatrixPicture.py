from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Reading.PictureCanvas import PictureCanvas, PictureStyle
from LaMoDSlicerLib.Results.ResultNumbers import SliceNumbers


class StrainMatrixPicture:
    """Draws Ecc of 24 sectors over the cycle, with the onset of shortening, end-diastole and end-systole.

    Args:
        slice_: contains the matrix.
        referenceFrame: end-diastole, time zero of the onset.
        endSystole: a frame index.
    """

    #: Position of the matrix: left, bottom, width, height as fractions of the picture.
    BOX = (0.27, 0.17, 0.55, 0.68)
    #: Lines on the colours of the matrix.
    DARK = "#20262e"

    def __init__(self, slice_: SliceNumbers, referenceFrame: int, endSystole: int = 0) -> None:
        self._slice, self._referenceFrame, self._endSystole = slice_, referenceFrame, endSystole

    def draw(
        self,
        path: Path,
        size: tuple[int, int],
        chosen: int | None = None,
        style: PictureStyle | None = None,
    ) -> None:
        """Write the picture as PNG.

        Args:
            path: the file.
            size: (width, height) in pixels of the widget.
            chosen: index of the segment with an outline, or None.
            style: colours and scales.
        """
        from matplotlib import colormaps
        from matplotlib.colors import Normalize

        slice_ = self._slice
        percent = 100 * slice_.matrix
        scale, colors = Normalize(*ColourRanges.limits("ecc")), colormaps["RdBu_r"]
        with PictureCanvas(path, size, style or PictureStyle()) as canvas:
            ax = canvas.figure.add_axes(self.BOX)
            count = len(percent)
            ax.pcolormesh(self._edges(), np.arange(count + 1), percent, cmap=colors, norm=scale)
            ax.set_facecolor(canvas.style.empty)
            self._drawOnset(ax)
            self._drawMoments(canvas, ax)
            self._nameSegments(canvas, ax, count)
            if chosen is not None and chosen < len(slice_.segmentNames):
                self._drawChosen(canvas, ax, count, chosen)
            ax.set(ylim=(count, 0))
            ax.set_xlabel("time after the R wave (ms)\ndots: onset of shortening", fontsize=canvas.points(8))
            ax.tick_params(length=2.5, pad=2, labelsize=canvas.points(7.5))
            canvas.title(f"Ecc (%) by sector and time, {slice_.label.lower()}")
            canvas.colorBar(colors, scale, (0.86, self.BOX[1], 0.022, self.BOX[3]), percent)

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

    def _drawOnset(self, ax: Any) -> None:
        slice_ = self._slice
        start = slice_.timesMs[self._referenceFrame]
        rows = np.arange(len(slice_.onsetMs)) + 0.5
        known = np.isfinite(slice_.onsetMs)
        onset = np.mod(start + slice_.onsetMs - slice_.timesMs[0], slice_.rrMs) + slice_.timesMs[0]
        ax.plot(np.where(known, onset, np.nan), rows, color=self.DARK, linewidth=1.2, marker="o", markersize=3.2)

    def _drawMoments(self, canvas: PictureCanvas, ax: Any) -> None:
        for text, frame in (("ED", self._referenceFrame), ("ES", self._endSystole)):
            time = self._slice.timesMs[frame]
            ax.axvline(time, color=self.DARK, linewidth=1.0, linestyle=":")
            ax.annotate(
                text, (time, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
                ha="center", fontsize=canvas.points(7.5),
            )  # fmt: skip

    def _drawChosen(self, canvas: PictureCanvas, ax: Any, count: int, chosen: int) -> None:
        """A frame around the rows of a segment, which may begin at the bottom and continue at the top."""
        edges = self._edges()
        first, width = self._rowsOf(chosen, count)
        for start in (first, first - count):
            low, high = max(start, 0.0), min(start + width, count)
            if high > low:
                x, y = edges[[0, -1, -1, 0, 0]], [low, low, high, high, low]
                ax.plot(x, y, color=self.DARK, linewidth=2.5, clip_on=False)

    def _rowsOf(self, segment: int, count: int) -> tuple[float, float]:
        """(first row, number of rows) of a segment; apical ones start 75° before and 15° after the insertion (AHA)."""
        segments = len(self._slice.segmentNames)
        shift = -count * 75 / 360 if segments == 4 else 0.0
        return (shift + segment * count / segments) % count, count / segments

    def segmentAt(self, x: float, y: float, size: tuple[int, int]) -> int | None:
        """The segment whose name is at a pixel of the picture, counted from the top left corner, or None."""
        count = len(self._slice.matrix)
        row = (y / size[1] - (1 - self.BOX[1] - self.BOX[3])) / self.BOX[3] * count
        if x >= self.BOX[0] * size[0] or not 0 <= row < count:
            return None
        for segment in range(len(self._slice.segmentNames)):
            first, width = self._rowsOf(segment, count)
            if (row - first) % count < width:
                return segment
        return None

    def _nameSegments(self, canvas: PictureCanvas, ax: Any, count: int) -> None:
        """Sectors start at the RV insertion."""
        titles = self._slice.segmentTitles
        rows = [self._rowsOf(i, count) for i in range(len(titles))]
        middles = [(first + width / 2) % count for first, width in rows]
        ax.set_yticks(middles, titles, fontsize=canvas.points(7.5))
        for first, _width in rows:
            ax.axhline(first, color="white", linewidth=0.8)
