from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class SliceReading:
    """The numbers of one slice, as the reading room shows them. S segments, T frames; strain as fractions.

    Attributes:
        number: counted from 1, the most basal.
        level: base, mid or apex.
        rrMs: length of the cycle.
        timesMs: [T] from the R wave.
        segmentNames, aha: one a segment, counter-clockwise from the anterior RV insertion, seen from the apex.
        curves: "ecc", "err": [S, T], means over the segment's pixels.
        low, high: the same keys, the 90 % interval of each value; empty with one sample.
        spread: the same keys: SD of each value over the samples; empty with one.
        calibrated: the interval was calibrated on hearts whose motion is known, and is not merely 1.645 × the samples'
            spread.
        mean: the same keys: [T], mean over the slice's wall.
        matrix: [24, T] Ecc of sectors counter-clockwise from the RV insertion; NaN where a sector is empty.
        onsetMs: [24] from the reference frame; NaN where a sector does not shorten.
        ijkToLps: [4, 4] of the slice; (column, row, slice) to LPS mm.
        centerLps: [3] mm, the middle of the wall at the reference frame.
        insertionLps: [3] mm, a point in the direction from which the segments are counted.
        summary: the slice's part of strain.json.
    """

    number: int
    level: str
    rrMs: float
    timesMs: np.ndarray
    segmentNames: tuple[str, ...]
    aha: tuple[int, ...]
    curves: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]
    calibrated: bool
    mean: dict[str, np.ndarray]
    matrix: np.ndarray
    onsetMs: np.ndarray
    ijkToLps: np.ndarray
    centerLps: np.ndarray
    insertionLps: np.ndarray
    summary: dict[str, Any]

    @property
    def label(self) -> str:
        """For choosers and titles."""
        return f"Slice {self.number}, {self.level}"

    @property
    def hasInterval(self) -> bool:
        return "ecc" in self.low

    def segmentValues(self, key: str) -> np.ndarray:
        """[S] of a key of strain.json's segments, NaN where it is null; results of before have no `ecc_extreme`."""
        values = []
        for row in self.summary.get("segments", []):
            value = row.get(key, row.get("ecc_peak") if key == "ecc_extreme" else None)
            values.append(np.nan if value is None else float(value))
        return np.array(values, float)

    def peakFrames(self) -> np.ndarray:
        """int [S]: the frame of each segment's peak Ecc, `ecc_extreme`."""
        least = np.argmin(np.where(np.isfinite(self.curves["ecc"]), self.curves["ecc"], np.inf), axis=1)
        said = self.segmentValues("ecc_extreme_frame")
        return np.where(np.isfinite(said), said, least).astype(int) if said.shape == least.shape else least

    def peakInterval(self) -> np.ndarray:
        """[S, 2]: the 90 % interval of Ecc at each segment's peak; NaN without one."""
        at = np.arange(len(self.segmentNames)), self.peakFrames()
        if not self.hasInterval:
            return np.full((len(self.segmentNames), 2), np.nan)
        return np.stack([self.low["ecc"][at], self.high["ecc"][at]], axis=1)

    def frameAt(self, timeMs: float) -> int:
        """The frame nearest to a time."""
        return int(np.argmin(np.abs(self.timesMs - timeMs)))
