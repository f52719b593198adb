import csv
from pathlib import Path

import numpy as np

from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Reading.SliceReading import SliceReading
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles


class ReadingBuilder:
    """Reads a result's numbers out of its files.

    Args:
        result: what `lamod predict` wrote.
    """

    SECTORS = 24
    #: Half the width of a normal distribution's 90 % interval, in standard deviations.
    NORMAL_90 = 1.645
    NAMES = ("ecc", "err")
    #: How far from the ventricle's centre the point of the insertion is put: about the epicardium.
    ARM_MM = 32.0

    def __init__(self, result: ResultFiles) -> None:
        self._result = result

    def build(self) -> Reading:
        """Raises:
        OSError, KeyError, ValueError: a file is missing or is not what it should be.
        """
        result = self._result
        with np.load(result.folder / "motion.npz", allow_pickle=False) as motion:
            segments, times = motion["segment"], motion["frame_times_ms"]
        rows = self._rowsBySlice(result.folder / "segments.csv")
        slices = [self._slice(k, segments[k], times[k], rows[k + 1]) for k in range(len(times))]
        return Reading(tuple(slices), result.referenceFrame, result.endSystole, result.summary)

    @staticmethod
    def _rowsBySlice(path: Path) -> dict[int, list[dict[str, str]]]:
        found: dict[int, list[dict[str, str]]] = {}
        with path.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                found.setdefault(int(row["slice"]), []).append(row)
        return found

    def _slice(self, k: int, segment: np.ndarray, timesMs: np.ndarray, rows: list[dict[str, str]]) -> SliceReading:
        result = self._result
        frames = len(timesMs)
        first = rows[::frames]
        part = result.summary["slices"][k]
        curves, low, high, spread, calibrated = {}, {}, {}, {}, True
        for name in self.NAMES:
            curves[name] = self._column(rows, name, frames)
            bounds, isCalibrated = self._interval(rows, name, curves[name])
            deviation = self._column(rows, f"{name}_std", frames)
            if np.isfinite(deviation).any():
                spread[name] = deviation
            if bounds is not None:
                low[name], high[name] = bounds
                calibrated = calibrated and isCalibrated
        wall = result.myocardium[k]
        inside = {name: result.fields[name][:, k][:, wall].astype(np.float64) for name in self.NAMES}
        onset = part.get("indices", {}).get("onset_of_shortening_ms") or [None] * self.SECTORS
        matrix, insertion = self._matrix(k, segment)
        y, x = np.nonzero(wall)
        return SliceReading(
            number=k + 1,
            level=first[0]["level"],
            rrMs=float(part["rr_ms"]),
            timesMs=np.asarray(timesMs, float),
            segmentNames=tuple(row["name"] for row in first),
            aha=tuple(int(row["aha"]) for row in first),
            curves=curves,
            low=low,
            high=high,
            spread=spread,
            calibrated=bool(low) and calibrated,
            mean={name: np.nanmean(values, axis=1) for name, values in inside.items()},
            matrix=matrix,
            onsetMs=np.array([np.nan if v is None else v for v in onset], float),
            ijkToLps=np.array(result.ijkToLps[k]),
            centerLps=(result.ijkToLps[k] @ [x.mean(), y.mean(), 0, 1])[:3],
            insertionLps=insertion,
            summary=part,
        )

    @staticmethod
    def _column(rows: list[dict[str, str]], name: str, frames: int) -> np.ndarray:
        """[S, T] of a column; NaN where it is empty or not there."""
        return np.array([float(row.get(name) or "nan") for row in rows]).reshape(-1, frames)

    def _interval(
        self, rows: list[dict[str, str]], name: str, values: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray] | None, bool]:
        """((low, high) [S, T], calibrated), or None where the result says nothing of its spread."""
        frames = values.shape[1]
        low, high = self._column(rows, f"{name}_low", frames), self._column(rows, f"{name}_high", frames)
        if np.isfinite(low).any() and np.isfinite(high).any():
            return (low, high), True
        spread = self._column(rows, f"{name}_std", frames)
        if not np.isfinite(spread).any():
            return None, False
        return (values - self.NORMAL_90 * spread, values + self.NORMAL_90 * spread), False

    def _matrix(self, k: int, segment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[24, T] by sectors counter-clockwise from the RV insertion, and [3] a point of it in LPS mm.

        Where it is, the segments' borders tell."""
        from LaMoDCore.heart.geometry import SliceGrid
        from LaMoDCore.heart.ring.mask import epicardial_region

        wall = self._result.myocardium[k]
        grid = SliceGrid(wall.shape, self._result.ijkToLps[k])
        center = np.argwhere(epicardial_region(wall)).mean(axis=0)[::-1]
        y, x = np.nonzero(wall)
        angles = grid.angles_from_apex((np.stack([x, y], axis=1) - center) * grid.spacing_mm)
        start = self._startOfFirstSegment(angles, segment[wall])
        turned = np.mod(angles - start, 2 * np.pi) / (2 * np.pi) * self.SECTORS
        member = np.minimum(turned.astype(int), self.SECTORS - 1) == np.arange(self.SECTORS)[:, None]
        ecc = self._result.fields["ecc"][:, k][:, wall].astype(np.float64)
        known = np.isfinite(ecc)
        with np.errstate(invalid="ignore"):
            matrix = (member @ np.where(known, ecc, 0.0).T) / (member @ known.T.astype(np.float64))
        arm = np.array([np.cos(start), -grid.view_sign * np.sin(start)]) * self.ARM_MM
        return matrix, grid.pixel_to_lps(center + arm / grid.spacing_mm)

    @staticmethod
    def _startOfFirstSegment(angles: np.ndarray, segment: np.ndarray) -> float:
        """The RV insertion's angle: where segment 1 begins; at the apex 75° after segment 1's begin (AHA)."""
        count = int(segment.max())
        width = 2 * np.pi / max(count, 1)
        # every pixel says where segment 1 begins, to within a segment's width: the bounds of all agree on it
        begins = angles - (segment - 1) * width
        middle = float(np.angle(np.exp(1j * begins[segment > 0]).mean()))
        offsets = np.angle(np.exp(1j * (begins[segment > 0] - middle)))
        start = middle + (offsets.min() + offsets.max() - width) / 2
        return start + (np.radians(75.0) if count == 4 else 0.0)
