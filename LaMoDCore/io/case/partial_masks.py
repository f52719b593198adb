"""Masks drawn at some frames of a cine: assigned to the cine's frames, and carried to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.carrying import carry_contours
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

#: If masks are missing at more than this share of the frames, the cine was intentionally drawn at some frames; fewer
#: missing masks are an oversight that the user should correct.
_PARTIAL_SHARE = 0.5


def spread_over_cine(mask: FrameStack, cine_frames: int, mask_frames: Sequence[int] | None, source: str) -> FrameStack:
    """Expand a mask with fewer frames than its cine to all frames; undrawn frames are empty.

    Args:
        mask: [T', 1, H, W].
        cine_frames: T.
        mask_frames: the cine's frame of each mask, from 0; if None, a single mask belongs to frame 0.

    Raises:
        LaMoDInputError: the frames are unknown, or not in the cine.
    """
    given = mask.frames.shape[0]
    if mask_frames is None:
        if given == cine_frames:
            return mask
        if given > 1:
            raise LaMoDInputError(
                source,
                f"it has {given} frames and the cine {cine_frames}",
                "give their frames in the cine, from 0, as --mask-frames 0,9, or draw every frame",
            )
        mask_frames = (0,)
    wanted = list(mask_frames)
    if given == cine_frames and len(wanted) != given:
        return mask
    if len(wanted) != given or len(set(wanted)) != given or not all(0 <= t < cine_frames for t in wanted):
        raise LaMoDInputError(
            "--mask-frames",
            f"{','.join(map(str, wanted))} do not name the {given} drawn frame(s) of a cine of {cine_frames}",
            f"give {given} different numbers from 0 to {cine_frames - 1}",
        )
    frames = np.zeros((cine_frames, *mask.frames.shape[1:]), dtype=mask.frames.dtype)
    frames[wanted] = mask.frames
    return replace(mask, frames=frames, frame_times_ms=None)


def is_partial(myocardium: np.ndarray) -> bool:
    """Whether masks [T, H, W] were intentionally drawn at some frames only."""
    drawn = myocardium.any(axis=(1, 2))
    return bool(drawn.any() and drawn.mean() < 1 - _PARTIAL_SHARE)


def carried(slice_: CineSlice) -> tuple[CineSlice, Note | None]:
    """Carry the contours to every frame; returns the slice and a note that some were carried."""
    result = carry_contours(slice_)
    right = slice_.right_ventricle
    if right is not None:
        # the RV is needed only to find the insertion, at the frames where it is drawn
        right = right & result.drawn[:, None, None]
    return replace(result.slice, right_ventricle=right), result.note
