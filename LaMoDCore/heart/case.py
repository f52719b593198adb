"""The library's main data classes: Case (contours), Motion (displacement) and StrainResult (strain and summary).

Frozen dataclasses with arrays, geometry, times and units. T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.contour_convention import (
    CONTOUR_CONVENTIONS,
    CONVENTION_SOURCES,
    ContourConvention,
    ConventionSource,
    ConventionUsed,
)
from LaMoDCore.heart.contour_origin import ContourOrigin
from LaMoDCore.heart.cropped import cropped, cropped_fields
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note
from LaMoDCore.heart.ventricle import VentricleSlice

Level = Literal["base", "mid", "apex"]
LEVELS: tuple[Level, ...] = ("base", "mid", "apex")
#: Fewer frames do not resolve a cardiac cycle.
MIN_FRAMES = 8
#: Frames that span less than this share of the R–R interval do not cover it.
WHOLE_CYCLE = 0.93


@dataclass(frozen=True, eq=False)
class CineSlice:
    """One short-axis slice over one cardiac cycle, in its own frame order.

    Attributes:
        name: display name: a file name without suffix, a series description, or "slice 3".
        grid: pixel grid in LPS.
        myocardium: bool [T, H, W].
        frame_times_ms: float [T], increasing, from the R wave.
        rr_ms: length of the cardiac cycle in ms.
        level: base, mid or apex.
        level_known: whether the level was given or follows from a whole stack; otherwise it is a guess that is used to
            number segments but not as an input of the network.
        cavity: bool [T, H, W] of the left-ventricular blood pool, if drawn.
        right_ventricle: bool [T, H, W], if drawn.
        cine: float32 [T, H, W] image intensities on the same grid, if given.
        valid_frames: bool [T]; False where nothing was acquired (DENSE covers part of the cycle).
        rv_insertion_lps: [3] in LPS mm, anterior RV insertion of this slice only; None if the heart's point applies.
        contour_origin: engine, status and confidence where the contours were drawn automatically, else None.
        level_given: whether a person chose the level.
        contour_convention: convention by which the contours were drawn; "auto" leaves it to the model.
        convention_source: who stated the convention: the user, the case of a dataset, or the contour engine; without
            meaning for "auto".
    """

    name: str
    grid: SliceGrid
    myocardium: Array
    frame_times_ms: Array
    rr_ms: float
    level: Level = "mid"
    cavity: Array | None = None
    right_ventricle: Array | None = None
    cine: Array | None = None
    valid_frames: Array = field(default_factory=lambda: np.empty(0, dtype=bool))
    level_known: bool = False
    rv_insertion_lps: Array | None = None
    contour_origin: ContourOrigin | None = None
    level_given: bool = False
    contour_convention: ContourConvention = "auto"
    convention_source: ConventionSource = "user"

    def __post_init__(self) -> None:
        if self.myocardium.ndim != 3 or self.myocardium.shape[1:] != self.grid.shape:
            raise ValueError(
                f"myocardium must be [T, {self.grid.shape[0]}, {self.grid.shape[1]}], got {self.myocardium.shape}"
            )
        frames = self.myocardium.shape[0]
        if self.valid_frames.size == 0:
            object.__setattr__(self, "valid_frames", np.ones(frames, dtype=bool))
        if self.frame_times_ms.shape != (frames,) or self.valid_frames.shape != (frames,):
            raise ValueError(f"frame_times_ms and valid_frames must have {frames} entries, one per frame")
        for name in ("cavity", "right_ventricle", "cine"):
            extra = getattr(self, name)
            if extra is not None and extra.shape != self.myocardium.shape:
                raise ValueError(f"{name} must have the myocardium's shape {self.myocardium.shape}, got {extra.shape}")
        if self.level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {self.level!r}")
        if self.contour_convention not in CONTOUR_CONVENTIONS:
            known = ", ".join(CONTOUR_CONVENTIONS)
            raise ValueError(f"contour_convention must be one of {known}, got {self.contour_convention!r}")
        if self.convention_source not in CONVENTION_SOURCES:
            known = ", ".join(CONVENTION_SOURCES)
            raise ValueError(f"convention_source must be one of {known}, got {self.convention_source!r}")

    @property
    def frames(self) -> int:
        return int(self.myocardium.shape[0])

    @property
    def phases(self) -> Array:
        """[T]: times in fractions of the cycle."""
        return np.asarray(self.frame_times_ms / self.rr_ms)

    def insertion_else(self, heart_lps: npt.ArrayLike | None) -> Array | None:
        """[3]: start of the segments: the slice's own point, otherwise the heart's; None if neither is known."""
        point = heart_lps if self.rv_insertion_lps is None else self.rv_insertion_lps
        return None if point is None else np.asarray(point)


@dataclass(frozen=True)
class InputRecord:
    """Source of an input: the name without its folder, so that no path is stored, and the hash."""

    name: str
    sha256: str


@dataclass(frozen=True, eq=False)
class Case:
    """One heart: one or more short-axis slices with the same number of frames (common phases).

    Attributes:
        slices: slices from base to apex.
        reference_frame: index of end-diastole, to which all motion refers.
        rv_insertion_lps: [3] anterior RV insertion point in LPS mm; None if it is not known.
        inputs: the files that were read.
        notes: assumptions and doubts about the input.
        volume_slices: slices used for volumes only, because their wall is open or missing in some frames.
        walls_known: False if the anatomy contradicts the orientation of the slices (`LaMoDCore.heart.pose`): segments
            are then numbered, without names of walls.
    """

    slices: tuple[CineSlice, ...]
    reference_frame: int = 0
    rv_insertion_lps: Array | None = None
    inputs: tuple[InputRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    volume_slices: tuple[VentricleSlice, ...] = ()
    walls_known: bool = True

    def __post_init__(self) -> None:
        if not self.slices:
            raise ValueError("a case must have at least one slice")
        if len({s.frames for s in self.slices}) != 1:
            raise ValueError("all slices of a case must have the same number of frames")
        if not 0 <= self.reference_frame < self.frames:
            raise ValueError(f"reference_frame must lie in 0..{self.frames - 1}, got {self.reference_frame}")

    @property
    def frames(self) -> int:
        return self.slices[0].frames

    @property
    def rr_ms(self) -> float:
        """Clock of the whole heart: the median R–R interval of the slices, which are acquired in different beats."""
        return float(np.median([slice_.rr_ms for slice_ in self.slices]))

    @property
    def frame_times_ms(self) -> Array:
        """[T]: times of the frames on the clock of the whole heart: their phases times its `rr_ms`."""
        first = self.slices[0]
        return np.asarray(first.frame_times_ms * (self.rr_ms / first.rr_ms))

    def insertion_of(self, slice_: CineSlice) -> Array | None:
        """[3]: start of a slice's segments: its own point, otherwise the heart's; None if neither is known."""
        return slice_.insertion_else(self.rv_insertion_lps)


class DisplacementSamples(Protocol):
    """Samples [N, T, 2, H, W] mm of a displacement: an array, or an object that computes each sample on access.

    An integer index and iteration give one sample [T, 2, H, W]; ``[:, frame]`` gives all samples of one frame.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, key: Any, /) -> Any: ...


@cropped_fields("displacement_mm")
@dataclass(frozen=True, eq=False)
class SliceMotion:
    """Lagrangian motion of one slice on its own grid and frames.

    Attributes:
        displacement_mm: float32 [T, 2, H, W], in-plane (x, y) mm of the material point that lies at that
            pixel in the reference frame; finite everywhere, decaying smoothly outside the wall. Only the box in which
            it is not zero is stored (`cropped_fields`); each access makes the whole array.
        samples_mm: float32 [N, T, 2, H, W] if several samples were drawn; displacement_mm is their expected value.
    """

    displacement_mm: Array
    samples_mm: DisplacementSamples | None = None

    def displacement_at(self, frame: int) -> Array:
        """The displacement of one frame, [2, H, W], without making the others."""
        return cropped(self, "displacement_mm")[frame].whole()

    def displacement_on(self, mask: Array) -> Array:
        """The displacement at the pixels of a mask [H, W], [T, 2, P], without making the whole array."""
        return cropped(self, "displacement_mm").at(mask)


@dataclass(frozen=True, eq=False)
class Motion:
    """Motion of every slice of a case, and the settings that produced it."""

    slices: tuple[SliceMotion, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)


@cropped_fields("displacement_mm")
@dataclass(frozen=True, eq=False)
class SliceStrain:
    """Strain of one slice: material fields [T, H, W] (NaN outside the reference myocardium) and segments.

    Attributes:
        myocardium: bool [H, W] at the reference frame.
        segment: int16 [H, W], 0 = none, otherwise 1…6 (1…4 at the apex) in the order of `segment_names`.
        displacement_mm: float32 [T, 2, H, W], as in SliceMotion.
        fields: ecc, err, ecr, e1, e2, jacobian: float32 [T, H, W].
        fields_std: the same keys and displacement_mm [T, 2, H, W]: SD over the samples, NaN outside the wall; empty
            with one sample.
        segment_names: one per segment, in order ("anteroseptal", …; "segment 1", … where walls are not known).
        segment_aha: AHA 16 number of each segment; None where walls are not known.
        segment_curves: ecc, err: float [S, T], mean over the segment's pixels.
        segment_curves_std: the same keys, SD over the samples; empty with one sample.
        global_curves: ecc, err: float [T], mean over the myocardium.
        displacement_covariance_mm2: float32 [T, 3, P]: variance of x, variance of y and their covariance over the
            samples at the wall's P pixels, in the order of ``myocardium.nonzero()``; None with one sample.
        global_curves_samples: ecc, err: float [N, T], `global_curves` of each sample; empty with one sample.
    """

    myocardium: Array
    segment: Array
    displacement_mm: Array
    fields: Mapping[str, Array]
    fields_std: Mapping[str, Array]
    segment_names: tuple[str, ...]
    segment_aha: tuple[int | None, ...]
    segment_curves: Mapping[str, Array]
    segment_curves_std: Mapping[str, Array]
    global_curves: Mapping[str, Array]
    displacement_covariance_mm2: Array | None = None
    global_curves_samples: Mapping[str, Array] = field(default_factory=dict)

    def displacement_at(self, frame: int) -> Array:
        """As `SliceMotion.displacement_at`."""
        return cropped(self, "displacement_mm")[frame].whole()

    def displacement_on(self, mask: Array) -> Array:
        """As `SliceMotion.displacement_on`."""
        return cropped(self, "displacement_mm").at(mask)


@dataclass(frozen=True, eq=False)
class StrainResult:
    """The result of a prediction; `LaMoDCore.io.write_result` writes it to disk.

    Attributes:
        case: the input.
        motion: the predicted motion.
        slices: strain of each slice of the case.
        es_frame: end-systole of the case, the frame with the smallest total cavity area.
        summary: contents of strain.json: peaks, times to peak, global values, indices, provenance; without the notes.
        findings: notes on the result from `LaMoDCore.strain.quality_notes` and the unlike-training flag.
        conventions: contour convention that was used for each slice; empty where it is not known, as for results that
            were not predicted by a model.
    """

    case: Case
    motion: Motion
    slices: tuple[SliceStrain, ...]
    es_frame: int
    summary: Mapping[str, Any]
    findings: tuple[Note, ...] = ()
    conventions: tuple[ConventionUsed, ...] = ()

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the case, then those of the result."""
        return (*self.case.notes, *self.findings)
