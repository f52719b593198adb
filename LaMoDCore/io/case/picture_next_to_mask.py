"""Find the cine frame of a mask by the image next to it, as in ACDC: ``frame01.nii`` next to ``frame01_gt.nii``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

#: The word that distinguishes the name of a mask from that of its image.
_MASK_WORD = re.compile(
    r"[-_. ](?:gt|seg|segmentation|mask|masks|label|labels|manual|contours)(?=[-_. ]|$)", re.IGNORECASE
)


def with_frames_of_pictures(
    stack: FrameStack, path: Path, cines: Sequence[FrameStack], notes: list[Note]
) -> FrameStack:
    """A mask of a few frames with their numbers in the cine, if the image next to it equals frames of the cine.

    Args:
        stack: masks [T, Z, H, W].
        path: their file.
        cines: cine slices [T', 1, H, W].
        notes: receives a note on each frame that was found.
    """
    if not cines or stack.frames.shape[0] >= MIN_FRAMES or stack.drawn_on or not path.is_file():
        return stack
    picture = _picture_of(path, stack)
    if picture is None:
        return stack
    frames = [_frame_in(cines, picture.frames[t], stack.frames[t]) for t in range(len(stack.frames))]
    found = [t for t in frames if t is not None]
    if len(found) < len(frames) or len(set(found)) < len(found):
        return stack
    text = "The mask was assigned to this frame of the cine, because the image next to it is this frame."
    notes += [note("mask_frame_from_image", text, frame=frame, source=path.name) for frame in found]
    return replace(stack, cine_frames=tuple(found))


def _picture_of(path: Path, stack: FrameStack) -> FrameStack | None:
    """The image next to a mask with the same voxels; None if there is none."""
    words = list(_MASK_WORD.finditer(path.name))
    for word in words:
        other = path.with_name(path.name[: word.start()] + path.name[word.end() :])
        if not other.is_file():
            continue
        try:
            found = read_images(other)
        except LaMoDInputError:
            continue
        if len(found) == 1 and found[0].frames.shape == stack.frames.shape:
            return found[0]
    return None


def _frame_in(cines: Sequence[FrameStack], picture: np.ndarray, labels: np.ndarray) -> int | None:
    """The only frame of the cine that equals an image [Z, H, W] in the slices that are drawn."""
    common: set[int] | None = None
    for plane, drawn in zip(picture, labels, strict=True):
        if not drawn.any():
            continue
        wanted = plane.astype(np.float32)
        equal = {
            t
            for cine in cines
            if cine.frames.shape[2:] == wanted.shape
            for t, frame in enumerate(cine.frames[:, 0])
            if np.array_equal(frame, wanted)
        }
        common = equal if common is None else common & equal
    return next(iter(common)) if common is not None and len(common) == 1 else None
