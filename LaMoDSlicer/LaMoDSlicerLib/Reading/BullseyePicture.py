from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Display.Quantities import ShownQuantity
from LaMoDSlicerLib.Reading.PictureCanvas import PictureCanvas, PictureStyle
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers, SliceNumbers
from LaMoDSlicerLib.Widgets import Numbering


class BullseyeQuantity(ShownQuantity):
    """The quantity of each segment that the bullseye shows."""

    PEAK_ECC = "peakEcc", "Peak Ecc", "%", True
    ES_ECC = "esEcc", "Ecc at end-systole", "%", True
    PEAK_ERR = "peakErr", "Peak Err", "%", True
    TIME_TO_PEAK = "timeToPeak", "Time to peak Ecc", "ms"
    UNCERTAINTY = "uncertainty", "Uncertainty of peak Ecc", "± % points"
    #: Of long-axis views, not of slices: see `BullseyeRing.ofLongAxis`.
    LONGITUDINAL = "longitudinal", "Longitudinal, systolic peak", "%", True

    def label(self) -> str:
        """Entry in the selector."""
        return f"{self.text} ({self.unit})"

    def title(self, values: np.ndarray) -> str:
        """Title of a picture of these values: a segment that stretches shows its systolic stretch, a positive value."""
        if self is BullseyeQuantity.PEAK_ECC and (values > 0).any():
            return f"{self.text}, or systolic stretch (+) ({self.unit})"
        return self.label()

    @property
    def definition(self) -> str:
        """Tooltip in the selector."""
        return {
            "peakEcc": "minimum Ecc of the segment's mean curve over the cycle; the maximum systolic stretch if that "
            "is larger",
            "esEcc": "the segment's mean Ecc in the frame with the smallest cavity area",
            "peakErr": "maximum Err of the segment's mean curve over the cycle",
            "timeToPeak": "from end-diastole to the minimum Ecc of the segment's mean curve; none if it stretches",
            "uncertainty": "half the width of the 90 % interval at the segment's peak",
            "longitudinal": "change of the length of the drawn mid-wall line, L / L_ED − 1, of three long-axis views; "
            "the three segments of a wall share one strain; not predicted",
        }[self.value]

    @property
    def colorMap(self) -> str:
        """Name in Matplotlib. Blue shortens and red stretches; other quantities have neutral colours."""
        if self.isStrain:
            return "RdBu_r"
        return "cividis" if self is BullseyeQuantity.TIME_TO_PEAK else "Purples"

    def valuesOf(self, slice_: SliceNumbers) -> np.ndarray:
        """[S] in the unit of `label`; NaN for unknown values."""
        if self is BullseyeQuantity.UNCERTAINTY:
            return 50.0 * np.diff(slice_.peakInterval(), axis=1)[:, 0]
        if self is BullseyeQuantity.TIME_TO_PEAK:
            return slice_.segmentValues("time_to_peak_ms")
        keys = {"peakEcc": "ecc_extreme", "esEcc": "ecc_es", "peakErr": "err_peak"}
        return 100.0 * slice_.segmentValues(keys[self.value])

    def limits(self, values: np.ndarray) -> tuple[float, float]:
        """Limits of the colour scale: for strain those of the Display section, otherwise round numbers."""
        if self.isStrain:
            ranges = {BullseyeQuantity.PEAK_ERR: "err", BullseyeQuantity.LONGITUDINAL: "longitudinal"}
            return ColourRanges.limits(ranges.get(self, "ecc"))
        finite = values[np.isfinite(values)]
        if not finite.size:
            return 0.0, 1.0
        if self is BullseyeQuantity.TIME_TO_PEAK:
            # at least 100 ms, so that differences of a few milliseconds do not stand out
            low, high = 50.0 * np.floor(finite.min() / 50.0), 50.0 * np.ceil(finite.max() / 50.0)
            return low, max(high, low + 100.0)
        return 0.0, max(2.0, float(np.ceil(finite.max())))

    def number(self, value: float, isSmall: bool = False) -> str:
        """The text in a segment."""
        if not np.isfinite(value):
            return "–"
        if self is BullseyeQuantity.TIME_TO_PEAK:
            return f"{value:.0f}"
        text = Numbering.signed(value, 0 if isSmall else 1)
        return text if self.isStrain else text.removeprefix("+")


@dataclass(frozen=True, eq=False)
class BullseyeRing:
    """One ring of a bullseye.

    Attributes:
        label: the level or the slice.
        names: the segments.
        values: [S].
        slices: indices of the slices that the ring shows; empty for long-axis views.
    """

    label: str
    names: tuple[str, ...]
    values: np.ndarray
    slices: tuple[int, ...]

    LEVELS = ("base", "mid", "apex")
    #: Names of the segments in the order of their AHA numbers.
    _SIX = ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral")
    _FOUR = ("anterior", "septal", "inferior", "lateral")

    @classmethod
    def ofLongAxis(cls, summary: dict[str, Any]) -> list["BullseyeRing"]:
        """The 17 segments of three long-axis views, in per cent; the last ring is the apical cap.

        Args:
            summary: ``long_axis`` of strain.json.
        """
        values = 100 * np.array([np.nan if value is None else value for value in summary["bullseye"]], float)
        parts = ((cls._SIX, 0, 6), (cls._SIX, 6, 12), (cls._FOUR, 12, 16), (("cap",), 16, 17))
        labels = (*cls.LEVELS, "cap")
        return [
            cls(label, names, values[first:end], ()) for label, (names, first, end) in zip(labels, parts, strict=True)
        ]

    @classmethod
    def ofNumbers(
        cls, numbers: ResultNumbers, quantity: BullseyeQuantity, perSlice: bool = False
    ) -> list["BullseyeRing"]:
        """Rings from the outermost (base) inwards: AHA-16 if base, mid and apex are present, else one per slice.

        Args:
            numbers: of the result.
            quantity: of each segment; the mean over several slices of a level.
            perSlice: always one ring per slice.
        """
        slices = numbers.slices
        values = [quantity.valuesOf(s) for s in slices]
        if perSlice or {s.level for s in slices} != set(cls.LEVELS):
            return [
                cls(f"{s.number} {s.level}", s.segmentNames, v, (i,))
                for i, (s, v) in enumerate(zip(slices, values, strict=True))
            ]
        rings = []
        for level in cls.LEVELS:
            members = tuple(i for i, s in enumerate(slices) if s.level == level)
            mean = np.nanmean([values[i] for i in members], axis=0)
            rings.append(cls(level, slices[members[0]].segmentNames, mean, members))
        return rings


class BullseyePicture:
    """Draws the bullseye as seen from the apex: anterior up, septum to the left.

    Args:
        rings: from the outermost inwards.
        quantity: of the rings.
    """

    #: Half the side of the drawn square; the radius of the outermost ring is 1.
    REACH = 1.3
    #: Width of a number with a decimal in pixels, relative to its size in points; narrower rings show integers.
    WIDTH_OF_DECIMALS = 4.0
    #: Largest size of a number per pixel of the ring's width, and its least size, points.
    TEXT_PER_PIXEL, LEAST_TEXT = 0.36, 6.0
    #: Text on light colours.
    DARK = "#20262e"

    def __init__(self, rings: list[BullseyeRing], quantity: BullseyeQuantity) -> None:
        self._cap = rings[-1] if rings[-1].names == ("cap",) else None
        self._rings, self._quantity = rings[:-1] if self._cap is not None else rings, quantity
        self._unit = 0.0
        self._edges = np.linspace(1.0, 0.42 if len(self._rings) == 1 else 0.2, len(self._rings) + 1)

    def draw(
        self,
        path: Path,
        size: tuple[int, int],
        chosen: tuple[int, int] | None = None,
        middle: str = "",
        style: PictureStyle | None = None,
    ) -> None:
        """Write the picture as PNG.

        Args:
            path: the file.
            size: (width, height) in pixels of the widget.
            chosen: (ring, segment) with an outline, or None.
            middle: text in the hole of a single ring.
            style: colours and scales.
        """
        from matplotlib import colormaps
        from matplotlib.colors import Normalize

        self._unit = self._pixelsOfRadius(size)
        with PictureCanvas(path, size, style or PictureStyle()) as canvas:
            quantity = self._quantity
            everything = np.concatenate([ring.values for ring in self._rings])
            scale = Normalize(*quantity.limits(everything))
            colors = colormaps[quantity.colorMap]
            ax = canvas.figure.add_axes((0.0, 0.0, 0.84, 0.93))
            for r, ring in enumerate(self._rings):
                for s, value in enumerate(ring.values):
                    color = colors(scale(value)) if np.isfinite(value) else canvas.style.empty
                    self._sector(canvas, ax, r, s, color, float(value))
            if self._cap is not None:
                self._drawCap(canvas, ax, colors, scale)
            self._walls(canvas, ax)
            if chosen is not None and chosen[0] < len(self._rings):
                self._outline(canvas, ax, *chosen)
            if len(self._rings) == 1:
                size_ = canvas.points(10)
                ax.text(0, 0, middle, ha="center", va="center", color=canvas.style.ink, fontsize=size_, linespacing=1.5)
            ax.set(xlim=(-self.REACH, self.REACH), ylim=(-self.REACH, self.REACH), aspect="equal")
            ax.axis("off")
            bottom = max(0.15, self._ringLabels(canvas) + 0.03)
            canvas.title(quantity.title(everything))
            canvas.colorBar(colors, scale, (0.87, bottom, 0.025, 0.77 - bottom), everything)

    def segmentAt(self, x: float, y: float, size: tuple[int, int]) -> tuple[int, int] | None:
        """(ring, segment) at a pixel of the picture, counted from the top left corner; None outside the rings."""
        from LaMoDCore.report.bullseye import sector

        width, height = 0.84 * size[0], 0.93 * size[1]
        unit = self._pixelsOfRadius(size)
        dx, dy = (x - width / 2) / unit, (size[1] - y - height / 2) / unit
        radius, angle = np.hypot(dx, dy), np.degrees(np.arctan2(dy, dx))
        for r, ring in enumerate(self._rings):
            if self._edges[r + 1] <= radius < self._edges[r]:
                for s, name in enumerate(ring.names):
                    first, last = sector(name, len(ring.names))
                    if np.mod(angle - first, 360) < last - first:
                        return r, s
        return None

    def _pixelsOfRadius(self, size: tuple[int, int]) -> float:
        """Radius of the outermost ring in a picture of this size."""
        return min(0.84 * size[0], 0.93 * size[1]) / (2 * self.REACH)

    def _sector(self, canvas: PictureCanvas, ax: Any, r: int, s: int, color: Any, value: float) -> None:
        from matplotlib.patches import Wedge

        from LaMoDCore.report.bullseye import sector

        ring, outer, inner = self._rings[r], self._edges[r], self._edges[r + 1]
        first, last = sector(ring.names[s], len(ring.names))
        wedge = Wedge(
            (0, 0), outer, first, last, width=outer - inner, facecolor=color, edgecolor=canvas.style.paper, linewidth=1
        )
        ax.add_patch(wedge)
        count = len(self._rings)
        if count > 6:
            return
        ink = self._inkOn(wedge)
        angle, radius = np.deg2rad((first + last) / 2), (outer + inner) / 2
        width = (outer - inner) * self._unit
        size = min(
            canvas.points({1: 11, 2: 9.5, 3: 9}.get(count, 7.5)), max(self.TEXT_PER_PIXEL * width, self.LEAST_TEXT)
        )
        isSmall = count > 3 or width < self.WIDTH_OF_DECIMALS * size
        ax.text(
            radius * np.cos(angle), radius * np.sin(angle), self._quantity.number(value, isSmall),
            ha="center", va="center", color=ink, fontweight="bold", fontsize=size,
        )  # fmt: skip

    def _drawCap(self, canvas: PictureCanvas, ax: Any, colors: Any, scale: Any) -> None:
        """The apical cap, segment 17, in the middle."""
        from matplotlib.patches import Circle

        value = float(self._cap.values[0])
        color = colors(scale(value)) if np.isfinite(value) else canvas.style.empty
        circle = Circle((0, 0), 0.97 * self._edges[-1], facecolor=color, edgecolor="none")
        ax.add_patch(circle)
        size = max(min(canvas.points(9), self.TEXT_PER_PIXEL * self._edges[-1] * self._unit), self.LEAST_TEXT)
        ax.text(
            0, 0, self._quantity.number(value, isSmall=True), ha="center", va="center", fontweight="bold",
            color=self._inkOn(circle), fontsize=size,
        )  # fmt: skip

    def _inkOn(self, patch: Any) -> str:
        """A colour of text that is legible on a patch."""
        red, green, blue, _alpha = patch.get_facecolor()
        return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else self.DARK

    def _outline(self, canvas: PictureCanvas, ax: Any, r: int, s: int) -> None:
        from matplotlib.patches import Wedge

        from LaMoDCore.report.bullseye import sector

        outer, inner = self._edges[r], self._edges[r + 1]
        if s < len(self._rings[r].names):
            first, last = sector(self._rings[r].names[s], len(self._rings[r].names))
            frame = Wedge(
                (0, 0), outer, first, last, width=outer - inner, fill=False, edgecolor=canvas.style.ink, linewidth=3
            )
            ax.add_patch(frame)

    def _walls(self, canvas: PictureCanvas, ax: Any) -> None:
        """The names of the segments around the outermost ring, each next to the colour of its curve."""
        from matplotlib.patches import Wedge

        from LaMoDCore.report.bullseye import sector
        from LaMoDCore.report.style import WALL_COLOURS

        names = self._rings[0].names
        for name in names:
            first, last = sector(name, len(names))
            color = WALL_COLOURS[name]
            ax.add_patch(Wedge((0, 0), 1.07, first + 1, last - 1, width=0.04, facecolor=color, edgecolor="none"))
            middle = np.deg2rad((first + last) / 2)
            turn = np.rad2deg(middle) - 90
            turn = turn + 180 if np.cos(np.deg2rad(turn)) < -0.01 else turn
            ax.text(
                1.17 * np.cos(middle), 1.17 * np.sin(middle), name, ha="center", va="center", fontsize=canvas.points(8),
                color=canvas.style.soft, rotation=turn, rotation_mode="anchor",
            )  # fmt: skip

    def _ringLabels(self, canvas: PictureCanvas) -> float:
        """List the rings in the corner, where they leave the names of the walls alone; returns the height that this
        takes, as a fraction of the picture."""
        if len(self._rings) == 1:
            return 0.0
        listed = [ring.label for ring in self._rings[:6]] + (["…"] if len(self._rings) > 6 else [])
        size, soft = canvas.points(7.5), canvas.style.soft
        text = "\n".join(["from outside:", *listed])
        canvas.figure.text(0.985, 0.015, text, fontsize=size, color=soft, va="bottom", ha="right")
        pixels = (1 + len(listed)) * 1.25 * size * canvas.DPI / 72
        return min(pixels / canvas.height, 0.5)
