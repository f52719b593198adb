"""Refuse images in which no heart beats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from LaMoDCore.contours.automatic.slice_contours import SliceContours
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError

#: The cavity of a beating heart changes by at least this share of its largest area in some slice …
_MIN_STROKE = 0.10
#: … and pixels that it leaves change their intensity by at least this share of the contrast of blood and muscle. The
#: share was 0.5 in hearts with large strokes, and 0.3 for a stroke of 0.1, at which the edge moves by less than its
#: width. It was at most 0.27 in heads with pulsating fluid, whose contours change by chance.
_LEAST_CHANGE, _CHANGE_PER_STROKE, _MOST_CHANGE = 0.15, 0.4, 0.35
#: Pixels that belong to one class in this share of the frames show its intensity.
_STEADY = 0.7


def refuse_without_heart(
    stacks: Sequence[FrameStack], drawn: Sequence[SliceContours], paths: Sequence[str | Path]
) -> None:
    """Check that some slice shows a closed ring around a cavity that beats, in the contours and in the images.

    Args:
        stacks: cine slices.
        drawn: their contours.
        paths: the study, for the message.

    Raises:
        LaMoDInputError: no slice does.
    """
    where = paths[0] if len(paths) == 1 else "the study"
    remedy = "check that it is a short-axis cine of the heart"
    used = [(stack, contours) for stack, contours in zip(stacks, drawn, strict=True) if contours.verdict == "used"]
    if not used:
        reasons = sorted({contours.reason for contours in drawn if contours.reason})
        raise LaMoDInputError(
            where, f"no slice shows the left ventricle as a closed ring ({'; '.join(reasons)})", remedy
        )
    strokes = [stroke(contours) for _, contours in used]
    if max(strokes) < _MIN_STROKE:
        reason = "no beating ventricle was found: the only candidate does not change over the cycle"
        raise LaMoDInputError(where, reason, remedy)
    if not any(
        share >= _MIN_STROKE
        and intensity_change(stack.frames[:, 0], contours)
        >= min(_MOST_CHANGE, _LEAST_CHANGE + _CHANGE_PER_STROKE * share)
        for share, (stack, contours) in zip(strokes, used, strict=True)
    ):
        reason = "no beating ventricle was found: the images do not change where the contours move"
        raise LaMoDInputError(where, reason, remedy)


def stroke(contours: SliceContours) -> float:
    """Change of the cavity's area over the cycle as a share of the largest area."""
    area = contours.cavity.sum(axis=(1, 2))
    return 1.0 - float(area.min()) / max(1.0, float(area.max()))


def intensity_change(frames: Array, contours: SliceContours) -> float:
    """Mean change of intensity of pixels between frames in the cavity and frames in the wall, relative to the contrast.

    1 if each pixel changes from the intensity of blood to that of muscle; about 0 if the contours move by chance.

    Args:
        frames: images [T, H, W].
        contours: contours of the same frames.
    """
    count = len(frames)
    in_cavity, in_wall = contours.cavity.sum(axis=0), contours.myocardium.sum(axis=0)
    changing = (in_cavity > 0) & (in_wall > 0)
    blood, muscle = in_cavity >= _STEADY * count, in_wall >= _STEADY * count
    if not (changing.any() and blood.any() and muscle.any()):
        return 0.0
    contrast = float(frames[:, blood].mean() - frames[:, muscle].mean())
    as_blood = (frames * contours.cavity).sum(axis=0)[changing] / in_cavity[changing]
    as_muscle = (frames * contours.myocardium).sum(axis=0)[changing] / in_wall[changing]
    return float((as_blood - as_muscle).mean() / contrast) if contrast else 0.0
