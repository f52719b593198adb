"""Dataset cases as canonical arrays on disk, prepared once and used in every epoch.

occupancy.npy     uint8 [N, 40, 128, 128]      masks as drawn, 0…255
clean.npy         uint8 [N, 40, 128, 128]      masks without annotator errors if known, else as drawn
displacement.npy  float16 [N, 40, 2, 64, 64]   mm, means over blocks of 2×2 mm
weight.npy        uint8 [N, 40, 64, 64]        number of measured pixels per block, 0…4
index.json        ids, splits, cohorts, fingerprint of the dataset
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.canonical import (
    FRAMES,
    SIZE,
    CanonicalSlice,
    cycle_phases,
    displacement_to_canonical,
    to_canonical,
)
from LaMoDCore.heart.case import LEVELS, CineSlice
from LaMoDCore.heart.contour_convention import convention_number
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dataset.checks import refuse_faulty_index
from LaMoDCore.io.dataset.folder import DatasetCase, DatasetIndex, read_dataset_case
from LaMoDCore.networks.registration import level_number
from LaMoDCore.runtime.atomic import remove_leftovers
from LaMoDCore.runtime.bounded_reads import gibibytes
from LaMoDCore.runtime.errors import LaMoDInputError, reason_of
from LaMoDCore.runtime.json_file import read_json, write_json
from LaMoDCore.runtime.output.new_folder import new_folder
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.worker_pool import WorkerDied, answers
from LaMoDCore.training.data.resampling import resampled_by_another_scanner

CACHE_VERSION = 2
#: Contents of the folder, for its marker.
_CONTENTS = "a training cache"
#: Files of a case that the cache is computed from.
_READ_FILES = ("case.json", "masks.seq.nrrd", "masks_true.seq.nrrd", "displacement.npz")
#: Caches smaller than this are read into memory; larger ones are memory-mapped, which needs a fast disk.
_IN_MEMORY_BYTES = 6e9
#: Displacement is trained on blocks of this many canonical pixels along each axis.
BLOCK = 2
_HALF = SIZE // BLOCK
_ARRAYS: dict[str, tuple[tuple[int, ...], Any]] = {
    "occupancy": ((FRAMES, SIZE, SIZE), np.uint8),
    "clean": ((FRAMES, SIZE, SIZE), np.uint8),
    "displacement": ((FRAMES, 2, _HALF, _HALF), np.float16),
    "weight": ((FRAMES, _HALF, _HALF), np.uint8),
}


#: Arrays of a case, whether its motion is known, and its `convention_number`.
_CaseArrays = tuple[dict[str, Array], bool, int]


@dataclass(frozen=True, eq=False)
class TrainingCache:
    """Arrays of all slices of a dataset; N slices.

    Attributes:
        arrays: see the module's docstring.
        splits: train, val or test of each slice.
        has_motion: bool [N], whether the displacement is known.
        levels: int [N], the `level_number` of each slice.
        fingerprint: SHA-256 of the dataset's content.
        left_out: cases that cannot be used, with the reasons. They belong to no split.
        is_dense: bool [N], whether the slice is of a DENSE scan; None if all are. Synthetic cines have motion, too.
        conventions: int [N], the `convention_number` of each slice; None if none is known.
    """

    arrays: dict[str, Array]
    splits: tuple[str, ...]
    has_motion: Array
    levels: Array
    fingerprint: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    is_dense: Array | None = None
    conventions: Array | None = None

    def convention(self, index: int) -> int:
        """The `convention_number` of a slice, 0 if it is not known."""
        return 0 if self.conventions is None else int(self.conventions[index])

    def indices(self, split: str, *, with_motion: bool = False, dense_only: bool = False) -> Array:
        """Numbers of the slices of a split, optionally only of those with known displacement or of DENSE scans."""
        chosen = np.array([s == split for s in self.splits])
        if with_motion:
            chosen = chosen & self.has_motion
        if dense_only and self.is_dense is not None:
            chosen = chosen & self.is_dense
        return np.flatnonzero(chosen)


def open_cache(
    data: Path, folder: Path, *, vary_sampling: bool = True, workers: int = 1, progress: Progress = SILENT
) -> TrainingCache:
    """Open the cache of a dataset; create it if it is missing or belongs to other data.

    Args:
        data: dataset folder.
        folder: folder of the cache.
        vary_sampling: resample the masks of synthetic cases (those with known true masks) to other pixel sizes and
            frame rates, see `resampling`.
        workers: number of processes.
        progress: updated for every case.
    """
    index = DatasetIndex.load_usable(data)
    refuse_faulty_index(index)
    fingerprint = _fingerprint(index, vary_sampling)
    remove_leftovers(folder.parent)  # which may also put the folder back
    about = _read_index(folder) if (folder / "index.json").is_file() else {}
    if about.get("fingerprint") != fingerprint or not {"levels", "cohorts"} <= about.keys():
        _build(index, folder, fingerprint, vary_sampling, workers, progress)
    return open_finished_cache(folder)


def open_finished_cache(folder: Path, *, in_memory: bool | None = None) -> TrainingCache:
    """Open an existing cache, without the dataset that it was computed from.

    Args:
        folder: folder of the cache.
        in_memory: read it into memory instead of memory-mapping it; by default if it is small enough.

    Raises:
        LaMoDInputError: it is missing or damaged.
    """
    about = _read_index(folder)
    files = {name: folder / f"{name}.npy" for name in _ARRAYS}
    try:
        if in_memory is None:
            in_memory = sum(file.stat().st_size for file in files.values()) < _IN_MEMORY_BYTES
        arrays = {name: np.load(file, mmap_mode=None if in_memory else "r") for name, file in files.items()}
        return TrainingCache(
            arrays,
            tuple(about["splits"]),
            np.array(about["has_motion"]),
            np.array(about["levels"], dtype=np.int64),
            about["fingerprint"],
            {str(name): str(reason) for name, reason in dict(about.get("left_out", {})).items()},
            np.array([cohort == "dense" for cohort in about["cohorts"]]) if "cohorts" in about else None,
            np.array(about["conventions"], dtype=np.int64) if "conventions" in about else None,
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LaMoDInputError(
            folder.name, "the cache is damaged", "delete it; it will be created again from the dataset"
        ) from error


def cache_of_cases(cases: Sequence[DatasetCase], *, vary_sampling: bool = True) -> TrainingCache:
    """A cache of cases in memory, which all belong to the training split.

    Args:
        cases: one or more.
        vary_sampling: see `open_cache`.
    """
    rows = [_case_arrays(case, vary_sampling) for case in cases]
    return TrainingCache(
        {name: np.stack([row[name] for row in rows]) for name in _ARRAYS},
        ("train",) * len(rows),
        np.array([case.displacement_mm is not None for case in cases]),
        np.array([level_number(case.level) for case in cases], dtype=np.int64),
        "",
        conventions=np.array([convention_number(case.contour_convention) for case in cases], dtype=np.int64),
    )


def _read_index(folder: Path) -> dict[str, Any]:
    return read_json(folder / "index.json", "make the cache from its dataset with `lamod train --data`")


def _fingerprint(index: DatasetIndex, vary_sampling: bool) -> str:
    """SHA-256 of all data that the cache is computed from."""
    digest = hashlib.sha256(f"{CACHE_VERSION} {vary_sampling}".encode())
    for entry in index:
        digest.update(repr(entry).encode())
        for name in _READ_FILES:
            file = index.folder / "cases" / entry.id / name
            if file.is_file():
                digest.update(f"{name} {file.stat().st_size}".encode())
                with file.open("rb") as stream:
                    while chunk := stream.read(1 << 20):
                        digest.update(chunk)
    return digest.hexdigest()


def _build(
    index: DatasetIndex, folder: Path, fingerprint: str, vary_sampling: bool, workers: int, progress: Progress
) -> None:
    with new_folder(folder, _CONTENTS, "train", [index.folder]) as fresh:
        _refuse_full_disk(fresh, folder, len(index))
        _fill(index, fresh, fingerprint, vary_sampling, workers, progress)


def _refuse_full_disk(fresh: Path, folder: Path, slices: int) -> None:
    """Refuse before the work starts if the arrays do not fit on the disk."""
    wanted = slices * sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in _ARRAYS.values())
    free = shutil.disk_usage(fresh).free
    if wanted > free:
        raise LaMoDInputError(
            folder,
            f"the prepared data take {gibibytes(wanted)}, and {gibibytes(free)} are free",
            "free some space, or name a folder on another disk with --cache",
        )


class _ArrayFile:
    """A .npy file that is filled row by row, in any order.

    Rows are written, not mapped into memory: on a full disk, writing to a mapped file kills the process (SIGBUS).

    Args:
        path: the file.
        shape: shape of the array; rows that are not written are 0.
        kind: data type.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], kind: Any) -> None:
        self._file = path.open("wb")
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._begin, self._kind = self._file.tell(), kind
        self._row_bytes = int(np.prod(shape[1:])) * np.dtype(kind).itemsize
        self._end = self._begin + shape[0] * self._row_bytes

    def write(self, number: int, row: Array) -> None:
        """Write one row.

        Raises:
            OSError: the disk is full.
        """
        self._file.seek(self._begin + number * self._row_bytes)
        self._file.write(np.ascontiguousarray(row, dtype=self._kind).tobytes())

    def close(self) -> None:
        """Extend the file to all of its rows and close it.

        Raises:
            OSError: the disk is full.
        """
        with self._file:
            self._file.truncate(self._end)


def _fill(
    index: DatasetIndex, fresh: Path, fingerprint: str, vary_sampling: bool, workers: int, progress: Progress
) -> None:
    has_motion, conventions = [False] * len(index), [0] * len(index)
    left_out = {fault.case: fault.reason for fault in reversed(index.faults)}
    set_up = partial(_reader, index.folder, [entry.id for entry in index], vary_sampling)
    with ExitStack() as files:
        finished = files.enter_context(closing(answers(range(len(index)), set_up, workers)))
        arrays = {
            name: files.enter_context(closing(_ArrayFile(fresh / f"{name}.npy", (len(index), *shape), kind)))
            for name, (shape, kind) in _ARRAYS.items()
        }
        for done, (number, answer) in enumerate(finished, 1):
            if isinstance(answer, WorkerDied):
                raise LaMoDInputError(
                    index.folder,
                    "a process that read its cases was killed, perhaps because memory ran out",
                    "use fewer processes",
                )
            if isinstance(answer, str):
                left_out[index.entries[number].id] = answer
            else:
                case_arrays, has_motion[number], conventions[number] = answer
                for name, values in case_arrays.items():
                    arrays[name].write(number, values)
            progress.update("cache", done / len(index), f"{done} of {len(index)} slices")
    about = {
        "version": CACHE_VERSION,
        "fingerprint": fingerprint,
        "ids": [entry.id for entry in index],
        "splits": ["" if entry.id in left_out else entry.split for entry in index],
        "cohorts": [entry.cohort for entry in index],
        "has_motion": has_motion,
        "levels": [level_number(entry.level if entry.level in LEVELS else None) for entry in index],
        "conventions": conventions,
        "left_out": left_out,
    }
    write_json(fresh / "index.json", about)


def _reader(folder: Path, ids: Sequence[str], vary_sampling: bool) -> Callable[[int], _CaseArrays | str]:
    return partial(_read_arrays, folder, ids, vary_sampling)


def _read_arrays(folder: Path, ids: Sequence[str], vary_sampling: bool, number: int) -> _CaseArrays | str:
    """The arrays of a case, whether it has motion and its convention, or why it cannot be used."""
    try:
        case = read_dataset_case(folder, ids[number])
        convention = convention_number(case.contour_convention)
        return _case_arrays(case, vary_sampling), case.displacement_mm is not None, convention
    except Exception as error:  # one bad case must not stop the training
        return reason_of(error)


def _case_arrays(case: DatasetCase, vary_sampling: bool) -> dict[str, Array]:
    drawn = cine_slice(case, case.masks)
    seen, reference = drawn, case.reference_frame
    if vary_sampling and case.masks_true is not None:
        digest = hashlib.sha256(case.id.encode()).digest()
        seen, reference = resampled_by_another_scanner(drawn, reference, np.random.default_rng(list(digest[:8])))
    canonical = to_canonical(seen, reference)
    occupancy = canonical.occupancy
    clean = occupancy
    if case.masks_true is not None:
        clean = to_canonical(cine_slice(case, case.masks_true), case.reference_frame, canonical.grid).occupancy
    arrays = {"occupancy": _as_bytes(occupancy), "clean": _as_bytes(clean)}
    return {**arrays, **_motion_arrays(case, drawn.grid, canonical)}


def cine_slice(case: DatasetCase, masks: Array) -> CineSlice:
    """One slice of a dataset case, as prediction uses it."""
    valid = np.ones(masks.shape[0], dtype=bool)
    if case.valid is not None:
        valid = np.asarray(masks[:, 0].any(axis=(1, 2)))
    return CineSlice(
        name=case.id,
        grid=case.grid,
        myocardium=masks[:, 0],
        frame_times_ms=case.frame_times_ms,
        rr_ms=case.rr_ms,
        level=case.level,
        level_known=True,
        valid_frames=valid,
    )


def _motion_arrays(case: DatasetCase, grid: SliceGrid, canonical: CanonicalSlice) -> dict[str, Array]:
    displacement = np.zeros(_ARRAYS["displacement"][0], dtype=np.float16)
    weight = np.zeros(_ARRAYS["weight"][0], dtype=np.uint8)
    if case.displacement_mm is not None and case.valid is not None:
        if not np.isfinite(case.displacement_mm[case.valid]).all():
            raise LaMoDInputError(
                f"case {case.id}/displacement.npz",
                "displacement is not finite where valid is True",
                "write numbers there, or set valid to False",
            )
        in_plane = np.moveaxis(grid.vectors_from_lps(case.displacement_mm[:, 0]), -1, 1)
        phases = cycle_phases(case.frame_times_ms, case.rr_ms, case.reference_frame)
        own = CanonicalSlice(canonical.occupancy, canonical.grid, grid, phases, case.reference_frame)
        fields, seen = displacement_to_canonical(in_plane, case.valid[:, 0], own)
        share = seen.reshape(FRAMES, _HALF, BLOCK, _HALF, BLOCK).astype(np.float32)
        blocks = fields.reshape(FRAMES, 2, _HALF, BLOCK, _HALF, BLOCK)
        count = share.sum(axis=(2, 4))
        total = (blocks * share[:, None]).sum(axis=(3, 5))
        displacement[:] = total / np.maximum(count, 1)[:, None]
        weight[:] = count
    return {"displacement": displacement, "weight": weight}


def _as_bytes(occupancy: Array) -> Array:
    return np.asarray(np.rint(occupancy * 255), dtype=np.uint8)
