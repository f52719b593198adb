"""Safe fixes by name, over a heart, and the mended masks back in the format that they came in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.contours.fixes import drop_islands, fill_holes, fill_missing, smooth
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, cavity_area_mm2
from LaMoDCore.io.case.drawn_slices import DrawnSlice
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.labels import integer_labels
from LaMoDCore.io.files.rewrite import relabelled, write_like
from LaMoDCore.runtime.errors import LaMoDInputError

#: Name -> what it does, told the slice and the frames to keep.
FIXES: dict[str, Callable[[CineSlice, Sequence[int]], Array]] = {
    "islands": lambda slice_, _keep: drop_islands(slice_),
    "holes": lambda slice_, _keep: fill_holes(slice_),
    "missing": lambda slice_, _keep: fill_missing(slice_),
    "smooth": smooth,
}


def end_frames(slices: Sequence[CineSlice], reference_frame: int) -> tuple[int, int]:
    """End-diastole and end-systole, the frame of least cavity area over the slices in which any is drawn.

    Args:
        slices: with the same number of frames.
        reference_frame: end-diastole.
    """
    area = np.sum([cavity_area_mm2(s.myocardium, s.grid.spacing_mm) for s in slices], axis=0)
    return reference_frame, int(np.argmin(np.where(area > 0, area, np.inf)))


def mend(slice_: CineSlice, names: Sequence[str], keep: Sequence[int]) -> CineSlice:
    """A slice after some fixes, one after the other; frames that no fix changed keep their cavity as drawn.

    Args:
        slice_: as drawn.
        names: of `FIXES`.
        keep: end-diastole and end-systole, which smoothing leaves alone.

    Raises:
        KeyError: no such fix.
    """
    mended = slice_
    for name in names:
        mended = replace(mended, myocardium=FIXES[name](mended, keep))
    if slice_.cavity is None:
        return mended
    cavities = slice_.cavity.copy()
    for t in np.flatnonzero((mended.myocardium != slice_.myocardium).any(axis=(1, 2))):
        cavities[t] = cavity(mended.myocardium[t])
    return replace(mended, cavity=cavities)


def write_mended(drawn: Sequence[DrawnSlice], mended: Sequence[CineSlice], source: Path, target: Path) -> None:
    """Write one file's (or folder's) mended slices as it holds them; it is not touched itself.

    Args:
        drawn: the heart's slices; those of other files are passed over.
        mended: the same slices, mended.
        source: the file.
        target: the new one, which must not be there yet.

    Raises:
        LaMoDInputError: the format is not written back (DICOM: see `write_dicom_segmentation`), or target exists.
    """
    stacks = read_images(source)
    if len(stacks) != 1:
        raise LaMoDInputError(
            source, "it holds several stacks, which are not written back", "save the contours as .seq.nrrd"
        )
    labels = np.array(integer_labels(stacks[0].frames, source))
    for one, slice_ in zip(drawn, mended, strict=True):
        if one.source == source:
            labels[:, one.position] = relabelled(labels[:, one.position], slice_.myocardium, one.labels)
    write_like(source, target, labels)
