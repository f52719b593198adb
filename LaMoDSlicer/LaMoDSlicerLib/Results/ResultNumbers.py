import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from LaMoDSlicerLib.Widgets import Numbering


@dataclass(frozen=True, eq=False)
class SliceNumbers:
    """The numbers of one slice. S segments, T frames; strain as fractions.

    Attributes:
        number: counted from 1, the most basal.
        level: base, mid or apex.
        rrMs: length of the cardiac cycle.
        timesMs: [T] from the R wave.
        segmentNames, aha: one per segment, counter-clockwise from the anterior RV insertion, seen from the apex;
            AHA numbers are None where the orientation contradicts the anatomy, and names are numbers.
        curves: "ecc", "err": [S, T], means over the pixels of each segment.
        low, high: the same keys, limits of the 90 % interval of each value; empty with one sample.
        spread: the same keys, standard deviation of each value over the samples; empty with one sample.
        calibrated: whether the interval was calibrated on hearts with known motion; otherwise it is ±1.645 standard
            deviations of the samples.
        mean: the same keys, [T], mean over the wall of the slice.
        matrix: [24, T] Ecc of sectors counter-clockwise from the RV insertion; NaN for empty sectors, and for results
            that LaMoD 1.x wrote without the insertion point.
        onsetMs: [24] onset of shortening from the reference frame; NaN for sectors that do not shorten.
        ijkToLps: [4, 4] of the slice; (column, row, slice) to LPS mm.
        centerLps: [3] mm, centre of the wall at the reference frame.
        rvInsertionLps: [3] mm, the anterior RV insertion point; NaN if it is unknown.
        summary: the slice's part of strain.json.
    """

    number: int
    level: str
    rrMs: float
    timesMs: np.ndarray
    segmentNames: tuple[str, ...]
    aha: tuple[int | None, ...]
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
    rvInsertionLps: np.ndarray
    summary: dict[str, Any]

    @property
    def label(self) -> str:
        """Entry in selectors and titles."""
        return f"Slice {self.number}, {self.level}"

    @property
    def segmentTitles(self) -> tuple[str, ...]:
        """Number and name of each segment, as in the report; AHA numbers are shown separately, with that label."""
        isNamed = any(number is not None for number in self.aha)
        names = enumerate(self.segmentNames, 1)
        return tuple(Numbering.segment(i, name) if isNamed else name for i, name in names)

    @property
    def hasInterval(self) -> bool:
        return "ecc" in self.low

    def segmentValues(self, key: str) -> np.ndarray:
        """[S] of a key of strain.json's segments, NaN for null; `ecc_peak` if an older file lacks `ecc_extreme`."""
        values = []
        for row in self.summary.get("segments", []):
            value = row.get(key, row.get("ecc_peak") if key == "ecc_extreme" else None)
            values.append(np.nan if value is None else float(value))
        return np.array(values, float)

    def segmentAreas(self) -> np.ndarray:
        """[S] area of each segment in mm²; 1 for results that lack the numbers of pixels."""
        pixels = self.segmentValues("pixels")
        if pixels.shape != (len(self.segmentNames),) or not np.isfinite(pixels).all():
            return np.ones(len(self.segmentNames))
        return pixels * float(np.linalg.norm(np.cross(self.ijkToLps[:3, 0], self.ijkToLps[:3, 1])))

    def peakFrames(self) -> np.ndarray:
        """int [S]: the frame of each segment's peak Ecc, `ecc_extreme`."""
        least = np.argmin(np.where(np.isfinite(self.curves["ecc"]), self.curves["ecc"], np.inf), axis=1)
        stored = self.segmentValues("ecc_extreme_frame")
        return np.where(np.isfinite(stored), stored, least).astype(int) if stored.shape == least.shape else least

    def peakInterval(self) -> np.ndarray:
        """[S, 2]: the 90 % interval of Ecc at each segment's peak; NaN without an interval."""
        peaks = np.arange(len(self.segmentNames)), self.peakFrames()
        if not self.hasInterval:
            return np.full((len(self.segmentNames), 2), np.nan)
        return np.stack([self.low["ecc"][peaks], self.high["ecc"][peaks]], axis=1)

    def frameAt(self, timeMs: float) -> int:
        """The frame nearest to a time."""
        return int(np.argmin(np.abs(self.timesMs - timeMs)))


@dataclass(frozen=True, eq=False)
class ResultNumbers:
    """The numbers of a result, stored in the scene as JSON text.

    Attributes:
        slices: from base to apex.
        referenceFrame: end-diastole, a frame index.
        endSystole: a frame index.
        summary: strain.json without its notes.
        notes: LaMoDCore Note objects: assumptions about the input and doubts about the result.
    """

    slices: tuple[SliceNumbers, ...]
    referenceFrame: int
    endSystole: int
    summary: dict[str, Any]
    notes: tuple[Any, ...] = ()

    VERSION = 2
    _ARRAYS = ("timesMs", "matrix", "onsetMs", "ijkToLps", "centerLps", "rvInsertionLps")
    _CURVES = ("curves", "low", "high", "spread", "mean")

    @property
    def numberOfFrames(self) -> int:
        return len(self.slices[0].timesMs)

    @property
    def samples(self) -> int:
        """Number of the model's samples; 1 if it was not recorded."""
        return int(self.summary.get("provenance", {}).get("samples") or 1)

    def globalInterval(self, name: str) -> Any:
        """The LaMoDCore GlobalInterval of a number of the whole heart, such as gcs_peak; None if there is none.

        Results of earlier versions have only the bound by the segments' intervals.
        """
        from LaMoDCore.io.results.global_interval import global_interval

        heart = self.summary.get("global", {})
        frame = self.endSystole if name.endswith("_es") else heart.get(f"{name}_frame")
        curve = "ecc" if name.startswith("gcs") else "err"
        segments = []
        if frame is not None and all(slice_.calibrated and curve in slice_.low for slice_ in self.slices):
            segments = [(0.5 * (s.high[curve] - s.low[curve])[:, frame], s.segmentAreas()) for s in self.slices]
        return global_interval(heart, name, segments)

    @classmethod
    def ofResult(cls, result: Any) -> "ResultNumbers":
        """The numbers of a LaMoDCore StoredResult."""
        from LaMoDCore.io.results.strain_json import shareable_notes

        summary = dict(result.summary)
        slices = tuple(
            _sliceNumbers(number, stored, part)
            for number, (stored, part) in enumerate(zip(result.slices, summary["slices"], strict=True), 1)
        )
        return cls(slices, result.reference_frame, result.es_frame, summary, shareable_notes(result.notes, summary))

    def toText(self) -> str:
        """JSON; NaN is null."""
        content = {
            "version": self.VERSION,
            "referenceFrame": self.referenceFrame,
            "endSystole": self.endSystole,
            "slices": [_plain({**asdict(s), "summary": None}) for s in self.slices],
            "summary": self.summary,
            "notes": [note.to_dict() for note in self.notes],
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False)

    @classmethod
    def fromText(cls, text: str) -> "ResultNumbers":
        """The numbers of `toText`, also as LaMoD 1.x saved them.

        Raises:
            ValueError, KeyError: the text has another form, or was written by a later version.
        """
        from LaMoDCore.heart.notes import Note
        from LaMoDCore.io.results.strain_json import notes_of, shareable_notes
        from LaMoDCore.runtime.json_file import parse_json

        content = parse_json(text)
        if content["version"] > cls.VERSION:
            raise ValueError("this result was saved by a later version of LaMoD; update LaMoD")
        summary = content["summary"]
        if content["version"] == 1:
            notes = shareable_notes(notes_of(summary), summary)
        else:
            notes = tuple(Note.from_dict(note) for note in content["notes"])
        parts = summary.get("slices", [])
        slices = []
        for index, stored in enumerate(content["slices"]):
            if content["version"] == 1:
                stored["rvInsertionLps"] = stored.pop("insertionLps")
            for name in cls._ARRAYS:
                stored[name] = np.array(stored[name], float)
            for name in cls._CURVES:
                stored[name] = {key: np.array(values, float) for key, values in stored[name].items()}
            stored["segmentNames"], stored["aha"] = tuple(stored["segmentNames"]), tuple(stored["aha"])
            stored["summary"] = parts[index] if index < len(parts) else {}
            slices.append(SliceNumbers(**stored))
        return cls(tuple(slices), content["referenceFrame"], content["endSystole"], summary, notes)


#: Half the width of the 90 % interval of a normal distribution, in standard deviations.
_NORMAL_90 = 1.645
_CURVES = ("ecc", "err")


def _sliceNumbers(number: int, stored: Any, part: dict[str, Any]) -> SliceNumbers:
    """The numbers of a LaMoDCore StoredSlice and its part of strain.json."""
    strain = stored.strain
    low, high, calibrated = {}, {}, True
    for name in _CURVES:
        if name in stored.intervals:
            low[name], high[name] = stored.intervals[name]
        elif name in strain.segment_curves_std:
            half = _NORMAL_90 * strain.segment_curves_std[name]
            low[name], high[name] = strain.segment_curves[name] - half, strain.segment_curves[name] + half
            calibrated = False
    matrix = _strainMatrix(stored)
    onset = part.get("indices", {}).get("onset_of_shortening_ms") or [None] * len(matrix)
    y, x = np.nonzero(strain.myocardium)
    insertion = stored.rv_insertion_lps
    return SliceNumbers(
        number=number,
        level=stored.level,
        rrMs=float(stored.rr_ms),
        timesMs=np.asarray(stored.frame_times_ms, float),
        segmentNames=tuple(strain.segment_names),
        aha=tuple(strain.segment_aha),
        curves=dict(strain.segment_curves),
        low=low,
        high=high,
        spread=dict(strain.segment_curves_std),
        calibrated=bool(low) and calibrated,
        mean=dict(strain.global_curves),
        matrix=matrix,
        onsetMs=np.array([np.nan if v is None else v for v in onset], float),
        ijkToLps=np.array(stored.grid.ijk_to_lps),
        centerLps=stored.grid.pixel_to_lps([x.mean(), y.mean()]),
        rvInsertionLps=np.full(3, np.nan) if insertion is None else np.asarray(insertion, float),
        summary=part,
    )


def _strainMatrix(stored: Any) -> np.ndarray:
    """[24, T]: Ecc of sectors counter-clockwise from the RV insertion.

    NaN if the stored segments start elsewhere: LaMoD 1.x did not store the insertion point.
    """
    from LaMoDCore.strain.matrix import strain_matrix
    from LaMoDCore.strain.segments import label_segments, sector_labels
    from LaMoDCore.strain.summary import SECTORS

    wall, ecc = stored.strain.myocardium, stored.strain.fields["ecc"]
    segments = label_segments(wall, stored.grid, stored.level, stored.rv_insertion_lps)
    if (segments.labels != stored.strain.segment).any():
        return np.full((SECTORS, len(ecc)), np.nan)
    sectors = sector_labels(wall, stored.grid, segments.center_xy, segments.insertion_angle, SECTORS)
    return strain_matrix(ecc, sectors, SECTORS)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        rounded = np.round(value.astype(float), 7)
        return np.where(np.isfinite(rounded), rounded.astype(object), None).tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
