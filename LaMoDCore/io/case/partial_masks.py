"""Masks drawn at some frames of a cine: assigned to the cine's frames, and carried to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES, CineSlice
from LaMoDCore.heart.cycle.carrying import carry_contours
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note, number_list
from LaMoDCore.heart.ring.faults import SliceFault
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.planes import same_pixels
from LaMoDCore.io.images.stated_geometry import SAME_PLANE_MM
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

#: If masks are missing at more than this share of the frames, the cine was intentionally drawn at some frames; fewer
#: missing masks are an oversight that the user should correct.
_PARTIAL_SHARE = 0.5
#: A cine that is triggered by the R wave begins at end-diastole, within this share of the cycle.
_START_SHARE = 0.1
#: A mask fits the first frame if blood and wall differ there by this share of their largest difference. On the two real
#: cines of the tests: end-diastolic masks 0.95 and 0.96, end-systolic ones 0.62 and 0.77.
_LEAST_CONTRAST = 0.85


def on_cine_frames(
    mask: FrameStack,
    cines: Sequence[FrameStack],
    mask_frames: Sequence[int] | None,
    path: Path,
    is_wall: Callable[[Array], Array],
) -> tuple[FrameStack, Sequence[FrameStack]]:
    """Assign masks [T', 1, H, W] to the frames of their cine: by the images to which they refer, otherwise by number.

    Args:
        mask: masks of one slice.
        cines: cine slices; empty if none were given.
        mask_frames: the cine's frame of each mask, from 0, if the user gave them.
        path: the file, for errors.
        is_wall: whether labels are myocardium.

    Returns:
        Masks over all frames of the cine, frames that are not drawn empty; unchanged if they have as many frames as a
        cycle. And the cines among which the one in their plane is to be found: only one if they refer to its images.

    Raises:
        LaMoDInputError: the frames are unknown, or contradict the images.
    """
    own = next((c for c in cines if mask.drawn_on and set(mask.drawn_on) <= set(c.images)), None)
    if own is not None:
        return _by_images(mask, own, mask_frames), [own]
    if mask_frames is None and mask.cine_frames:
        mask_frames = mask.cine_frames
    if not cines or (mask_frames is None and mask.frames.shape[0] >= MIN_FRAMES):
        return _with_other_images(mask, cines), cines
    grid = mask.slice_grid(0)
    oriented = [c for c in cines if mask.is_located and c.is_located]
    near = [c for c in cines if c not in oriented or grid.same_plane(c.slice_grid(0), SAME_PLANE_MM)]
    if mask.drawn_on and mask_frames is None and all(c.images for c in near):
        raise LaMoDInputError(
            path,
            "it refers to images that are not among those of the cine",
            "give the cine on which it was drawn, or its frames in the cine, from 0, as --mask-frames 0,9",
        )
    counts = {c.frames.shape[0] for c in near}
    if len(counts) == 1:
        alone = mask_frames is None and mask.frames.shape[0] == 1
        if alone:
            _refuse_other_frame(is_wall(mask.frames[0, 0]), mask, near, path)
        mask = spread_over_cine(mask, counts.pop(), mask_frames, path.name)
        if alone:
            text = "The single mask was assumed to be drawn at the first frame of the cine."
            mask = replace(mask, notes=(*mask.notes, note("mask_frame_assumed", text, source=mask.name)))
    if mask.frames.shape[0] < MIN_FRAMES:
        raise LaMoDInputError(
            path,
            f"it has {counted(mask.frames.shape[0], 'frame')} and no cine lies in its plane",
            "give the cine of this slice",
        )
    return mask, cines


def _refuse_other_frame(ring: Array, mask: FrameStack, cines: Sequence[FrameStack], path: Path) -> None:
    """Refuse a mask that shows the ventricle of the first frame of the cine worse than that of another.

    Blood and wall of an end-systolic mask do not differ as much at end-diastole, because blood covers the wall.
    """
    hole = cavity(ring)
    for cine in cines:
        if not hole.any() or not same_pixels(mask.slice_grid(0), cine.slice_grid(0)):
            continue
        contrast = np.array([_contrast(frame, hole, ring) for frame in cine.frames[:, 0]])
        best = int(np.argmax(contrast))
        if contrast[best] > 0 and contrast[0] < _LEAST_CONTRAST * contrast[best]:
            raise LaMoDInputError(
                path,
                "its contour does not fit the first frame of the cine, so the frame on which it was drawn is unknown",
                "give the frame, from 0, as --mask-frames N; a single contour must be that of end-diastole",
            )


def _contrast(image: Array, hole: Array, ring: Array) -> float:
    """Difference between blood and wall in units of their spread."""
    blood, wall = image[hole].astype(np.float64), image[ring].astype(np.float64)
    spread = np.sqrt(0.5 * (blood.var() + wall.var()))
    return float((blood.mean() - wall.mean()) / spread) if spread > 0 else 0.0


def _by_images(mask: FrameStack, cine: FrameStack, mask_frames: Sequence[int] | None) -> FrameStack:
    place = {key: t for t, key in enumerate(cine.images)}
    frames = np.zeros((cine.frames.shape[0], *mask.frames.shape[1:]), dtype=mask.frames.dtype)
    for plane, key in zip(mask.frames, mask.drawn_on, strict=True):
        frames[place[key]] = plane
    drawn = np.flatnonzero(frames.any(axis=(1, 2, 3))).tolist()
    if mask_frames is not None and sorted(mask_frames) != drawn:
        raise LaMoDInputError(
            "--mask-frames",
            f"the masks refer to the images of frames {number_list(drawn, 6)} of the cine, "
            f"not {','.join(map(str, mask_frames))}",
            "leave the option out",
        )
    return replace(mask, frames=frames, frame_times_ms=None, time_problem="", drawn_on=cine.images, cine_frames=())


def _with_other_images(mask: FrameStack, cines: Sequence[FrameStack]) -> FrameStack:
    """The mask with a note if it refers to images that are not those of the cine."""
    if not mask.drawn_on or not cines or not all(c.images for c in cines):
        return mask
    text = "The masks refer to other images than those of the cine; they were assigned to its frames by their order."
    return replace(mask, notes=(*mask.notes, note("other_source_images", text, source=mask.name)))


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
                f"{given} frames are drawn in its plane and the cine has {cine_frames}; it is unknown which they are",
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
    return replace(mask, frames=frames, frame_times_ms=None, time_problem="", images=(), drawn_on=(), cine_frames=())


def is_partial(myocardium: np.ndarray) -> bool:
    """Whether masks [T, H, W] were intentionally drawn at some frames only."""
    drawn = myocardium.any(axis=(1, 2))
    return bool(drawn.any() and drawn.mean() < 1 - _PARTIAL_SHARE)


def lone_frame(myocardium: np.ndarray) -> SliceFault | None:
    """The fault of masks [T, H, W] of which one frame is drawn that is not end-diastole: they cannot be carried."""
    drawn = np.flatnonzero(myocardium.any(axis=(1, 2)))
    if drawn.size != 1 or _is_near_start(int(drawn[0]), len(myocardium)):
        return None
    # from a single contour the path of the wall is assumed, beginning at end-diastole
    reason = f"only frame {drawn[0]} of {len(myocardium)} is drawn, and a single contour must be that of end-diastole"
    return SliceFault("missing", (), reason, "draw end-diastole (frame 0) as well", reason)


def carried(slice_: CineSlice) -> tuple[CineSlice, Note | None]:
    """Carry the contours of masks without a `lone_frame` to every frame.

    Returns:
        The slice, and a note that contours were carried.
    """
    result = carry_contours(slice_)
    right = slice_.right_ventricle
    if right is not None:
        # the RV is needed only to find the insertion, at the frames where it is drawn
        right = right & result.drawn[:, None, None]
    return replace(result.slice, right_ventricle=right), result.note


def _is_near_start(frame: int, frames: int) -> bool:
    """Whether a frame lies at the beginning of a triggered cine, across its end."""
    return min(frame, frames - frame) <= max(1, round(_START_SHARE * frames))
