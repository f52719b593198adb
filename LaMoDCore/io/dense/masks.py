"""Read masks of a DENSE scan from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.dense.arrays import split_reference
from LaMoDCore.io.dense.images import DenseImages
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.labels import integer_labels, meaning_of_labels, parse_labels
from LaMoDCore.runtime.array_files import read_npy
from LaMoDCore.runtime.errors import LaMoDInputError


def with_masks(images: DenseImages, path: str | Path, labels: str | None = None) -> DenseImages:
    """Return the images with the myocardium read from a file.

    Args:
        images: the scan.
        path: .npy [T, H, W], or NIfTI, NRRD, .seq.nrrd, … of one slice over time, on the pixels of the scan; one mask
            per frame, or one more, the first of them at the encoding instant.
        labels: meaning of the values, such as "myo=2,lv=3"; identified by shape if not given.

    Raises:
        LaMoDInputError: the size or the number of frames differs, or there is no myocardium.
    """
    path = Path(path)
    masks, notes = _read_npy(path, labels) if path.suffix.lower() == ".npy" else _read_image(path, labels)
    if masks.shape[1:] != images.grid.shape:
        size = " × ".join(str(n) for n in masks.shape[:0:-1])
        wanted = " × ".join(str(n) for n in images.grid.shape[::-1])
        raise LaMoDInputError(
            path, f"the masks have {size} pixels, the DENSE images {wanted}", "draw them on the DENSE images"
        )
    drawn, reference = split_reference(masks, images.frames, str(path))
    return replace(images, myocardium=drawn, reference_myocardium=reference, notes=(*images.notes, *notes))


def _read_npy(path: Path, labels: str | None) -> tuple[Array, tuple[Note, ...]]:
    values = read_npy(path)
    if values.ndim != 3:
        raise LaMoDInputError(path, f"the masks have shape {values.shape}", "give (frames, rows, columns)")
    return _myocardium(np.asarray(values)[:, None], path, labels)


def _read_image(path: Path, labels: str | None) -> tuple[Array, tuple[Note, ...]]:
    stacks = read_images(path)
    if len(stacks) != 1 or stacks[0].frames.shape[1] != 1:
        raise LaMoDInputError(path, "it contains several slices", "give only the masks of the DENSE slice")
    return _myocardium(stacks[0].frames, path, labels)


def _myocardium(values: Array, path: Path, labels: str | None) -> tuple[Array, tuple[Note, ...]]:
    whole = integer_labels(values.astype(np.uint8) if values.dtype == bool else values, path)
    meaning, note = meaning_of_labels([whole], path, parse_labels(labels))
    return meaning.is_myocardium(whole[:, 0]), (note,) if note else ()
