import numpy as np

from LaMoDSlicerLib.Display.ShownQuantity import ShownQuantity
from LaMoDSlicerLib.Reading.SliceReading import SliceReading


class BullseyeQuantity(ShownQuantity):
    """What the bullseye shows of each segment."""

    PEAK_ECC = "peakEcc", "Peak Ecc", "%", True
    ES_ECC = "esEcc", "Ecc at end-systole", "%", True
    PEAK_ERR = "peakErr", "Peak Err", "%", True
    TIME_TO_PEAK = "timeToPeak", "Time to peak Ecc", "ms"
    UNCERTAINTY = "uncertainty", "Uncertainty of peak Ecc", "± %-points"

    def label(self) -> str:
        """For the selector and the picture's title."""
        return f"{self.text} [{self.unit}]"

    @property
    def definition(self) -> str:
        return {
            "peakEcc": "least Ecc of the segment's mean curve over the cycle; of one that stretches more in systole "
            "than it ever shortens, that stretch",
            "esEcc": "the segment's mean Ecc in the frame of least cavity area",
            "peakErr": "greatest Err of the segment's mean curve over the cycle",
            "timeToPeak": "from end-diastole to the least Ecc of the segment's mean curve; none where it stretches",
            "uncertainty": "half the width of the 90 % interval at the segment's peak",
        }[self.value]

    @property
    def colorMap(self) -> str:
        """Matplotlib's name: blue shortens and red stretches; nothing else is coloured as if it were a verdict."""
        if self.isStrain:
            return "RdBu_r"
        return "cividis" if self is BullseyeQuantity.TIME_TO_PEAK else "Purples"

    def valuesOf(self, slice_: SliceReading) -> np.ndarray:
        """[S] in the unit of `label`; NaN where unknown."""
        if self is BullseyeQuantity.UNCERTAINTY:
            return 50.0 * np.diff(slice_.peakInterval(), axis=1)[:, 0]
        if self is BullseyeQuantity.TIME_TO_PEAK:
            return slice_.segmentValues("time_to_peak_ms")
        keys = {"peakEcc": "ecc_extreme", "esEcc": "ecc_es", "peakErr": "err_peak"}
        return 100.0 * slice_.segmentValues(keys[self.value])

    def limits(self, values: np.ndarray) -> tuple[float, float]:
        """The colour scale's ends: round numbers, symmetric about zero for strain."""
        finite = values[np.isfinite(values)]
        if not finite.size:
            return (-20.0, 20.0) if self.isStrain else (0.0, 1.0)
        if self.isStrain:
            top = max(20.0, 5.0 * np.ceil(np.abs(finite).max() / 5.0))
            return -top, top
        if self is BullseyeQuantity.TIME_TO_PEAK:
            # at least 100 ms wide, so that a millisecond of difference looks like one
            low, high = 50.0 * np.floor(finite.min() / 50.0), 50.0 * np.ceil(finite.max() / 50.0)
            return low, max(high, low + 100.0)
        return 0.0, max(2.0, float(np.ceil(finite.max())))

    def number(self, value: float, isSmall: bool = False) -> str:
        """The number in a segment."""
        if not np.isfinite(value):
            return "–"
        if self is BullseyeQuantity.TIME_TO_PEAK:
            return f"{value:.0f}"
        sign = "+" if self.isStrain else ""
        return f"{value:{sign}.{0 if isSmall else 1}f}".replace("-", "−")
