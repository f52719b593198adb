from typing import ClassVar

import numpy as np

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Widgets import Numbering


class SegmentTable:
    """Peaks of the segments: one row per segment and one for the whole slice; titles contain the unit.

    Args:
        numbers: of the result.
    """

    #: Title -> definition.
    COLUMNS: ClassVar = {
        "Slice": "counted from the base",
        "AHA": "number in the 16-segment model of the AHA",
        "Segment": "numbers count counter-clockwise from the anterior RV insertion, seen from the apex",
        "Peak Ecc (%)": "minimum Ecc of the mean curve over the cycle, Green–Lagrange, from end-diastole; the maximum "
        "systolic stretch if that is larger",
        "90 % interval (%)": "of the peak Ecc; see the notes",
        "Time to peak (ms)": "from end-diastole to the minimum Ecc; none for a segment that stretches",
        "Ecc at ES (%)": "mean Ecc in the frame with the smallest cavity area",
        "Peak Err (%)": "maximum Err of the mean curve over the cycle",
    }

    def __init__(self, numbers: ResultNumbers) -> None:
        self._numbers = numbers

    def rows(self) -> list[list[str]]:
        """The cells as text, in the order of `COLUMNS`."""
        rows = []
        for slice_ in self._numbers.slices:
            interval = 100 * slice_.peakInterval()
            peaks = slice_.segmentValues("ecc_extreme")
            for s, part in enumerate(slice_.summary["segments"]):
                rows.append(
                    [
                        f"{slice_.number} {slice_.level}",
                        str(slice_.aha[s] or ""),
                        slice_.segmentTitles[s],
                        self._percent(float(peaks[s])),
                        self._range(interval[s]),
                        self._number(part.get("time_to_peak_ms")),
                        self._percent(part.get("ecc_es")),
                        self._percent(part.get("err_peak")),
                    ]
                )
            whole = slice_.summary["global"]
            rows.append(
                [
                    f"{slice_.number} {slice_.level}",
                    "",
                    "whole slice",
                    self._percent(whole.get("gcs_peak")),
                    "–",
                    self._number(whole.get("gcs_time_to_peak_ms")),
                    self._percent(whole.get("gcs_es")),
                    self._percent(whole.get("grs_peak")),
                ]
            )
        return rows

    def places(self) -> list[tuple[int, int | None]]:
        """(index of the slice, index of the segment or None for the whole slice) of each row."""
        places: list[tuple[int, int | None]] = []
        for k, slice_ in enumerate(self._numbers.slices):
            places += [(k, s) for s in range(len(slice_.segmentNames))] + [(k, None)]
        return places

    #: Columns of the file.
    FILE_TITLES = (
        "slice", "level", "aha", "segment", "name", "peak Ecc [%]", "interval low [%]", "interval high [%]",
        "time to peak [ms]", "Ecc at ES [%]", "peak Err [%]",
    )  # fmt: skip

    def fileRows(self) -> list[list[str]]:
        """Cells in the order of `FILE_TITLES`: plain numbers, empty where unknown; segment 0 is the whole slice."""
        rows = []
        for slice_ in self._numbers.slices:
            place = [str(slice_.number), slice_.level]
            interval, peaks = 100 * slice_.peakInterval(), 100 * slice_.segmentValues("ecc_extreme")
            for s, part in enumerate(slice_.summary["segments"]):
                values = [peaks[s], *interval[s], part.get("time_to_peak_ms")]
                values += [self._hundredfold(part.get(key)) for key in ("ecc_es", "err_peak")]
                name = [str(slice_.aha[s]), str(s + 1), slice_.segmentNames[s]]
                rows.append([*place, *name, *map(self._plain, values)])
            whole = slice_.summary["global"]
            values = [self._hundredfold(whole.get("gcs_peak")), None, None, whole.get("gcs_time_to_peak_ms")]
            values += [self._hundredfold(whole.get(key)) for key in ("gcs_es", "grs_peak")]
            rows.append([*place, "", "0", "whole slice", *map(self._plain, values)])
        return rows

    @staticmethod
    def _hundredfold(fraction: float | None) -> float | None:
        return None if fraction is None else 100 * fraction

    @staticmethod
    def _plain(value: float | None) -> str:
        return "" if value is None or not np.isfinite(value) else f"{value:.4f}"

    @staticmethod
    def _percent(value: float | None) -> str:
        return "–" if value is None or not np.isfinite(value) else Numbering.signed(100 * value)

    @staticmethod
    def _number(value: float | None) -> str:
        return "–" if value is None or not np.isfinite(value) else f"{value:.0f}"

    @staticmethod
    def _range(bounds: np.ndarray) -> str:
        if not np.isfinite(bounds).all():
            return "–"
        return f"{Numbering.signed(bounds[0])} … {Numbering.signed(bounds[1])}"
