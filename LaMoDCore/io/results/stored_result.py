"""Read a result folder back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import Level, SliceStrain
from LaMoDCore.heart.contour_convention import ConventionUsed
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.results.displacement_files import DisplacementVolume, read_displacement
from LaMoDCore.io.results.global_interval import GlobalInterval, global_interval
from LaMoDCore.io.results.long_axis_files import StoredLongAxis, read_long_axis
from LaMoDCore.io.results.motion_npz import MotionFile, read_motion_npz
from LaMoDCore.io.results.segments_csv import SegmentRow, read_segments_csv
from LaMoDCore.io.results.strain_json import conventions_of, read_strain_json
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.manifest import read_manifest

CURVES = ("ecc", "err")


@dataclass(frozen=True, eq=False)
class StoredSlice:
    """One slice of a stored result. T frames, S segments.

    Attributes:
        grid: pixel grid in LPS.
        level: base, mid or apex.
        frame_times_ms: [T].
        rr_ms: length of the cardiac cycle in ms.
        rv_insertion_lps: [3] anterior RV insertion point in LPS mm; None where unknown.
        strain: strain, displacement and segments. Segment curves have the six decimals of segments.csv; without that
            file they are computed from the fields, and have no standard deviations or intervals.
            `displacement_mm` is NaN outside the wall where the folder ``displacement`` was removed; `fields_std` has
            no entry for it, since its standard deviation is stored per LPS component.
        displacement_std_lps_mm: [T, H, W, 3]; None with one sample.
        intervals: ecc, err: limits (low, high) of the calibrated 90 % interval of the segment curves, each [S, T];
            empty where there is none.
    """

    grid: SliceGrid
    level: Level
    frame_times_ms: Array
    rr_ms: float
    rv_insertion_lps: Array | None
    strain: SliceStrain
    displacement_std_lps_mm: Array | None
    intervals: Mapping[str, tuple[Array, Array]]


@dataclass(frozen=True, eq=False)
class StoredResult:
    """A result folder of `write_result`, read back.

    Attributes:
        folder: folder of the result.
        slices: slices from base to apex.
        reference_frame: end-diastole, a frame index.
        es_frame: end-systole, a frame index.
        summary: contents of strain.json without the notes.
        notes: assumptions about the input and doubts about the result.
        long_axis: the long-axis views next to the slices; None without any.
    """

    folder: Path
    slices: tuple[StoredSlice, ...]
    reference_frame: int
    es_frame: int
    summary: Mapping[str, Any]
    notes: tuple[Note, ...]
    long_axis: StoredLongAxis | None = None

    @property
    def frames(self) -> int:
        return len(self.slices[0].frame_times_ms)

    @property
    def conventions(self) -> tuple[ConventionUsed, ...]:
        """The contour convention used for each slice; empty for results of versions that did not store it."""
        return conventions_of(self.summary)

    def global_interval(self, name: str) -> GlobalInterval | None:
        """The 90 % interval of a global number of the heart; None if there is none, as with one sample.

        Args:
            name: gcs_peak, gcs_es, grs_peak or grs_es. In results of versions that stored no interval of global
                numbers it is the widest one that the segments' intervals permit.
        """
        values = self.summary["global"]
        frame = self.es_frame if name.endswith("_es") else values.get(f"{name}_frame")
        curve = "ecc" if name.startswith("gcs") else "err"
        if frame is None or not all(curve in each.intervals for each in self.slices):
            return global_interval(values, name)
        return global_interval(values, name, [_segment_widths(each, curve, frame) for each in self.slices])


def read_result(folder: str | Path, *, leave_out: Collection[str] = ()) -> StoredResult:
    """Read the files of `write_result`: motion.npz, segments.csv, strain.json and displacement/.

    The result may have been written without segments.csv, displacement/ and the files that are not read here.

    Args:
        folder: output folder of `lamod predict --out`; schema version 1 (LaMoD 1.x) or 2.
        leave_out: arrays of motion.npz that are not needed, such as ``jacobian`` and ``displacement_mm_std``, to save
            time and memory. All but ``displacement_mm``, ``ecc`` and ``err`` of the fields can be left out.

    Raises:
        LaMoDInputError: a file is missing or damaged, or the files do not belong together.
    """
    home = Path(folder)
    stored = read_strain_json(home / "strain.json")
    motion = read_motion_npz(home / "motion.npz", leave_out=leave_out)
    parts = stored.summary.get("slices", [])
    marker = read_manifest(home)
    without_table = marker is not None and "segments.csv" not in marker.files
    rows = _rows_of_fields(motion, parts, home) if without_table else read_segments_csv(home / "segments.csv")
    count = len(motion.slice_shape)
    if len(parts) != count or {row.slice for row in rows} != set(range(1, count + 1)):
        raise LaMoDInputError(home, "its files are of results with different numbers of slices", "predict again")
    displacements = _in_plane(motion, read_displacement(home), home)
    return StoredResult(
        folder=home,
        slices=tuple(
            _slice(motion, z, [row for row in rows if row.slice == z + 1], displacements[z], part, home)
            for z, part in enumerate(parts)
        ),
        reference_frame=motion.reference_frame,
        es_frame=motion.es_frame,
        summary=stored.summary,
        notes=stored.notes,
        long_axis=read_long_axis(home),
    )


def _segment_widths(stored: StoredSlice, curve: str, frame: int) -> tuple[Array, Array]:
    """Half the widths [S] of the segments' intervals at a frame, and the segments' areas [S] in mm²."""
    low, high = stored.intervals[curve]
    labels = stored.strain.segment[stored.strain.segment > 0]
    pixels = np.bincount(labels, minlength=len(stored.strain.segment_names) + 1)[1:]
    return 0.5 * (high - low)[:, frame], pixels * float(np.prod(stored.grid.spacing_mm))


def _rows_of_fields(motion: MotionFile, parts: Sequence[Mapping[str, Any]], home: Path) -> list[SegmentRow]:
    """The rows of segments.csv computed from the fields, with the names of strain.json."""
    rows = []
    try:
        for z, part in enumerate(parts):
            for segment in part["segments"]:
                inside = motion.segment[z] == segment["segment"]
                ecc, err = (_mean(motion.fields[name][:, z, inside]) for name in CURVES)
                rows += [
                    SegmentRow(
                        slice=z + 1,
                        level=part["level"],
                        segment=segment["segment"],
                        aha=segment["aha"],
                        name=segment["name"],
                        frame=frame,
                        time_ms=float(time),
                        ecc=float(ecc[frame]),
                        err=float(err[frame]),
                    )
                    for frame, time in enumerate(motion.frame_times_ms[z])
                ]
    except (KeyError, TypeError, IndexError) as error:
        raise LaMoDInputError(home / "strain.json", "its segments cannot be read", "predict again") from error
    return rows


def _in_plane(motion: MotionFile, volumes: Sequence[DisplacementVolume], home: Path) -> list[Array]:
    """Per slice: float32 [T, 2, H, W] mm, finite everywhere; of motion.npz where there are no displacement images."""
    lps = [volume.displacement_mm[:, z] for volume in volumes for z in range(volume.displacement_mm.shape[1])]
    if not volumes:
        lps = [motion.displacement_mm[:, z, :height, :width] for z, (height, width) in enumerate(motion.slice_shape)]
    frames = len(motion.displacement_mm)
    expected = [(frames, *map(int, shape), 3) for shape in motion.slice_shape]
    if [vectors.shape for vectors in lps] != expected:
        raise LaMoDInputError(home, "its displacement images do not fit motion.npz", "predict again")
    return [
        np.moveaxis(motion.grid(z).vectors_from_lps(vectors), -1, 1).astype(np.float32) for z, vectors in enumerate(lps)
    ]


def _slice(
    motion: MotionFile, z: int, rows: Sequence[SegmentRow], displacement: Array, part: Mapping[str, Any], home: Path
) -> StoredSlice:
    frames = len(motion.displacement_mm)
    first = [row for row in rows if row.frame == 0]
    if len(rows) != len(first) * frames:
        raise LaMoDInputError(home / "segments.csv", f"rows of slice {z + 1} are missing", "predict again")

    def curves(suffix: str = "") -> dict[str, Array]:
        table = {name: np.full((len(first), frames), np.nan) for name in CURVES}
        for row in rows:
            for name in CURVES:
                table[name][row.segment - 1, row.frame] = getattr(row, f"{name}{suffix}")
        return table

    def known(table: dict[str, Array]) -> dict[str, Array]:
        return {name: values for name, values in table.items() if np.isfinite(values).any()}

    grid = motion.grid(z)
    height, width = grid.shape
    own = (slice(None), z, slice(height), slice(width))
    wall = motion.myocardium[z, :height, :width]
    fields = {name: values[own] for name, values in motion.fields.items()}
    low, high = known(curves("_low")), known(curves("_high"))
    insertion = motion.rv_insertion_lps[z]
    return StoredSlice(
        grid=grid,
        level=first[0].level,
        frame_times_ms=motion.frame_times_ms[z],
        rr_ms=float(part["rr_ms"]),
        rv_insertion_lps=insertion if np.isfinite(insertion).all() else None,
        strain=SliceStrain(
            myocardium=wall,
            segment=motion.segment[z, :height, :width],
            displacement_mm=displacement,
            fields=fields,
            fields_std={name: values[own] for name, values in motion.fields_std.items()},
            segment_names=tuple(row.name for row in first),
            segment_aha=tuple(row.aha for row in first),
            segment_curves=curves(),
            segment_curves_std=known(curves("_std")),
            global_curves={name: _mean(fields[name][:, wall]) for name in CURVES},
        ),
        displacement_std_lps_mm=None if motion.displacement_std_mm is None else motion.displacement_std_mm[own],
        intervals={name: (low[name], high[name]) for name in CURVES if name in low and name in high},
    )


def _mean(pixels: Array) -> Array:
    """[T]: mean over the finite pixels of [T, P]; NaN where there is none."""
    finite = np.isfinite(pixels)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(finite, pixels, 0.0).astype(np.float64).sum(axis=1) / finite.sum(axis=1))
