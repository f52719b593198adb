"""contours.seq.nrrd: the masks of a result whose contours were drawn automatically or carried.

Labels 1 RV, 2 myocardium, 3 LV cavity. ``contours_sliceN.seq.nrrd`` if the slices do not form a regular stack. Given to
`load_case` as masks, the file reproduces the result: times, R–R interval, RV insertion points, engine and status of
each frame are in its header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.contour_origin import BY_PERSON, METADATA_KEY, ContourOrigin, origins_from_text, origins_to_text
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.mask import cavity as ring_cavity
from LaMoDCore.heart.taper import axis_to_apex
from LaMoDCore.heart.ventricle import VentricleSlice
from LaMoDCore.io.images.frame_stack import LABEL_KEY
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.io.results.stack import volumes_of_slices
from LaMoDCore.runtime.errors import LaMoDInputError

RIGHT_VENTRICLE, MYOCARDIUM, CAVITY = 1, 2, 3
#: Metadata key of the checksum of the labels as LaMoD wrote them.
CHECKSUM_KEY = "LaMoD label checksum"
LABELS = f"rv={RIGHT_VENTRICLE},myo={MYOCARDIUM},lv={CAVITY}"


def has_derived_contours(case: Case) -> bool:
    """Whether contours of the case were drawn automatically or carried, so that the result must hold them."""
    carried = any(each.code == "contours_carried" for each in case.notes)
    return carried or any(s.contour_origin is not None for s in case.slices)


def write_contour_masks(case: Case, folder: Path) -> list[str]:
    """Write the masks of all slices, including those used for volumes only; returns the names of the files."""
    slices: list[CineSlice | VentricleSlice] = [*case.slices, *case.volume_slices]
    axis = axis_to_apex(case.slices)
    slices.sort(key=lambda s: float(s.grid.center_lps @ axis))
    return write_label_stacks(
        folder,
        [s.grid for s in slices],
        [label_frames(s) for s in slices],
        [s.frame_times_ms for s in slices],
        [s.rr_ms for s in slices],
        [_origin_with_point(s, case) for s in slices],
    )


def write_label_stacks(
    folder: Path,
    grids: Sequence[SliceGrid],
    labels: Sequence[Array],
    frame_times_ms: Sequence[Array | None],
    rr_ms: Sequence[float | None],
    origins: Sequence[ContourOrigin | None],
) -> list[str]:
    """Write label slices uint8 [T, H, W], sorted from base to apex; returns the names of the files.

    Slices share a file where they form a regular stack with the same times and R–R interval, and where all of them, or
    none, were drawn automatically.
    """
    numbers = [np.arange(len(stack), dtype=np.float64) for stack in labels]
    times = [number if given is None else given for number, given in zip(numbers, frame_times_ms, strict=True)]
    alike = (
        len({rr for rr in rr_ms}) == 1
        and len({origin is None for origin in origins}) == 1
        and len({given is None for given in frame_times_ms}) == 1
    )
    names = []
    for volume in volumes_of_slices(grids, times, separate=not alike):
        members = volume.slices
        stack = np.stack([labels[z] for z in members], axis=1)
        known = [origin for z in members if (origin := origins[z]) is not None]
        metadata = {LABEL_KEY: LABELS, CHECKSUM_KEY: checksum(stack)}
        if known:
            metadata[METADATA_KEY] = origins_to_text(known)
        name = f"contours{volume.suffix}.seq.nrrd"
        write_seq_nrrd(
            folder / name,
            stack,
            volume.ijk_to_lps,
            frame_times_ms[members[0]],
            node_class="vtkMRMLLabelMapVolumeNode",
            rr_ms=rr_ms[members[0]],
            metadata=metadata,
        )
        names.append(name)
    return names


def checksum(stack: Array) -> str:
    """SHA-256 of labels [T, Z, H, W], by which masks that somebody edited are recognised."""
    return hashlib.sha256(np.ascontiguousarray(stack, dtype=np.uint8).tobytes()).hexdigest()


def refuse_to_replace_edited_masks(out: str | Path) -> None:
    """Check before work starts that a folder holds no contours that a person accepted or changed.

    Raises:
        LaMoDInputError: it does, and writing a new result there would delete them.
    """
    for file in sorted(Path(out).glob("contours*.seq.nrrd")) if Path(out).is_dir() else ():
        try:
            stack = read_seq_nrrd(file)
            text = stack.metadata.get(METADATA_KEY)
            origins = () if text is None else origins_from_text(text, stack.frames.shape[1], len(stack.frames))
        except (LaMoDInputError, ValueError):
            changed = True
        else:
            changed = stack.metadata.get(CHECKSUM_KEY) != checksum(stack.frames)
            changed |= any(status in BY_PERSON for origin in origins for status in origin.status)
        if changed:
            raise LaMoDInputError(
                out,
                f"it holds {file.name}, which a person accepted or changed",
                "choose another folder, or move the file",
            )


def label_frames(slice_: CineSlice | VentricleSlice) -> Array:
    """uint8 [T, H, W]: the masks of a slice as labels."""
    labels = np.zeros(slice_.myocardium.shape, dtype=np.uint8)
    if isinstance(slice_, CineSlice) and slice_.right_ventricle is not None:
        labels[slice_.right_ventricle] = RIGHT_VENTRICLE
    labels[slice_.myocardium] = MYOCARDIUM
    pool = slice_.cavity
    labels[np.stack([ring_cavity(ring) for ring in slice_.myocardium]) if pool is None else pool] = CAVITY
    return labels


def _origin_with_point(slice_: CineSlice | VentricleSlice, case: Case) -> ContourOrigin | None:
    """The slice's origin with the RV insertion point that the result used."""
    origin = slice_.contour_origin
    if origin is None or not isinstance(slice_, CineSlice):
        return origin
    point = case.insertion_of(slice_)
    lps = None if point is None else (float(point[0]), float(point[1]), float(point[2]))
    return replace(origin, rv_insertion_lps=lps)
