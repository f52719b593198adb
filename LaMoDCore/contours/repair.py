"""Repair a slice with fixes chosen by name, and write repaired masks in the format of the input file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.contours.fixes import drop_islands, fill_holes, smooth
from LaMoDCore.contours.missing_frames import fill_missing_frames
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.plateau import middle_of_smallest
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, cavity_area_mm2
from LaMoDCore.io.case.drawn_slices import DrawnSlice
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.labels import integer_labels
from LaMoDCore.io.files.rewrite import relabelled, write_like
from LaMoDCore.io.images.frame_stack import LABEL_KEY
from LaMoDCore.io.images.segment_nrrd import SEGMENTS_KEY
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.runtime.errors import LaMoDInputError

#: The fixes by name; each takes a slice and the frames to keep, and returns masks [T, H, W].
FIXES: dict[str, Callable[[CineSlice, Sequence[int]], Array]] = {
    "islands": lambda slice_, _keep: drop_islands(slice_),
    "holes": lambda slice_, _keep: fill_holes(slice_),
    "missing": lambda slice_, _keep: fill_missing_frames(slice_),
    "smooth": smooth,
}


def end_frames(slices: Sequence[CineSlice], reference_frame: int) -> tuple[int, int]:
    """End-diastole and end-systole, the frame with the smallest total cavity area among frames with a drawn cavity.

    Args:
        slices: slices with the same number of frames.
        reference_frame: end-diastole.
    """
    area = np.sum([cavity_area_mm2(s.myocardium, s.grid.spacing_mm) for s in slices], axis=0)
    return reference_frame, middle_of_smallest(area, area > 0 if (area > 0).any() else None)


def apply_fixes(slice_: CineSlice, names: Sequence[str], keep: Sequence[int]) -> CineSlice:
    """Apply fixes to a slice, one after the other; frames that no fix changes keep their cavity as drawn.

    Args:
        slice_: the slice as drawn.
        names: keys of `FIXES`, in the order of application.
        keep: frames that smoothing leaves unchanged, usually end-diastole and end-systole.

    Raises:
        KeyError: an unknown fix.
    """
    repaired = slice_
    for name in names:
        repaired = replace(repaired, myocardium=FIXES[name](repaired, keep))
    return with_masks(slice_, repaired.myocardium)


def with_masks(slice_: CineSlice, myocardium: Array) -> CineSlice:
    """Replace the masks of a slice; the cavity of a frame that changes is that inside the new mask.

    Args:
        slice_: the slice as drawn.
        myocardium: bool [T, H, W].
    """
    repaired = replace(slice_, myocardium=myocardium)
    if slice_.cavity is None:
        return repaired
    cavities = slice_.cavity.copy()
    for t in np.flatnonzero((myocardium != slice_.myocardium).any(axis=(1, 2))):
        cavities[t] = cavity(myocardium[t])
    return replace(repaired, cavity=cavities)


def write_repaired(drawn: Sequence[DrawnSlice], repaired: Sequence[CineSlice], source: Path, target: Path) -> None:
    """Write the repaired slices of one file (or folder) in the same format; the source stays unchanged.

    Args:
        drawn: the slices of the heart; those from other files are skipped.
        repaired: the same slices, repaired.
        source: the file.
        target: the new file, which must not exist; a segmentation of Slicer becomes a sequence (.seq.nrrd).

    Raises:
        LaMoDInputError: the format cannot be written (DICOM: see `write_dicom_segmentation`), or target exists.
    """
    stacks = read_images(source)
    if len(stacks) != 1:
        raise LaMoDInputError(
            source, "it contains several stacks, which cannot be written back", "save the contours as .seq.nrrd"
        )
    labels = np.array(integer_labels(stacks[0].frames, source))
    for one, slice_ in zip(drawn, repaired, strict=True):
        if one.source == source:
            labels[:, one.position] = relabelled(labels[:, one.position], slice_.myocardium, one.labels)
    if SEGMENTS_KEY not in stacks[0].metadata:
        write_like(source, target, labels)
        return
    # layers, extents and label values of a segmentation were changed by reading it: write a labelmap sequence
    name = target.name.lower().removesuffix(".nrrd").removesuffix(".seg")
    write_seq_nrrd(
        target.with_name(target.name[: len(name)] + ".seq.nrrd"),
        labels.astype(np.uint8),
        stacks[0].ijk_to_lps,
        stacks[0].frame_times_ms,
        node_class="vtkMRMLLabelMapVolumeNode",
        metadata={key: value for key, value in stacks[0].metadata.items() if key == LABEL_KEY},
    )
