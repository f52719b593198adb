"""contours.seq.nrrd: the masks of a result whose contours were drawn automatically or carried.

Labels 1 RV, 2 myocardium, 3 LV cavity. ``contours_sliceN.seq.nrrd`` if the slices do not form a regular stack. Given to
`load_case` as masks, the file reproduces the result: times, R–R interval, RV insertion points, engine and status of
each frame are in its header.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.contour_origin import METADATA_KEY, ContourOrigin, origins_to_text
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.ring.mask import cavity as ring_cavity
from LaMoDCore.heart.ventricle import VentricleSlice
from LaMoDCore.io.images.frame_stack import LABEL_KEY
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.results.stack import volumes_of_slices

RIGHT_VENTRICLE, MYOCARDIUM, CAVITY = 1, 2, 3
LABELS = f"rv={RIGHT_VENTRICLE},myo={MYOCARDIUM},lv={CAVITY}"


def has_derived_contours(case: Case) -> bool:
    """Whether contours of the case were drawn automatically or carried, so that the result must hold them."""
    carried = any(each.code == "contours_carried" for each in case.notes)
    return carried or any(s.contour_origin is not None for s in case.slices)


def write_contour_masks(case: Case, folder: Path) -> list[str]:
    """Write the masks of all slices, including those used for volumes only; returns the names of the files."""
    slices: list[CineSlice | VentricleSlice] = [*case.slices, *case.volume_slices]
    axis = -case.slices[0].grid.normal * case.slices[0].grid.view_sign
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
    grids: list[SliceGrid],
    labels: list[Array],
    frame_times_ms: list[Array],
    rr_ms: list[float],
    origins: list[ContourOrigin | None],
) -> list[str]:
    """Write label slices uint8 [T, H, W], sorted from base to apex; returns the names of the files."""
    names = []
    for volume in volumes_of_slices(grids, frame_times_ms):
        members = volume.slices
        known = [origin for z in members if (origin := origins[z]) is not None]
        metadata = {LABEL_KEY: LABELS}
        if len(known) == len(members):
            metadata[METADATA_KEY] = origins_to_text(known)
        name = f"contours{volume.suffix}.seq.nrrd"
        write_seq_nrrd(
            folder / name,
            np.stack([labels[z] for z in members], axis=1),
            volume.ijk_to_lps,
            volume.frame_times_ms,
            node_class="vtkMRMLLabelMapVolumeNode",
            rr_ms=rr_ms[members[0]],
            metadata=metadata,
        )
        names.append(name)
    return names


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
