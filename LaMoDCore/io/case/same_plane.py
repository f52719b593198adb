"""Masks of one plane in several files: frames of one slice, or the contours of two readers, but never two slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import MIN_FRAMES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.files.image_file import same_affine
from LaMoDCore.io.files.labels import LabelMap, meaning_of_labels, parse_labels
from LaMoDCore.io.files.volume_times import times_of_volumes, with_times_of_volumes
from LaMoDCore.io.images.frame_stack import LABEL_KEY, FrameStack
from LaMoDCore.io.images.frame_times import varying_number
from LaMoDCore.runtime.errors import LaMoDInputError

#: Planes closer than this are one plane; slices of a stack resampled to 1 mm are farther apart.
ONE_PLANE_MM = 0.5
#: Masks that share less than this part are different structures, not contours of one by two readers.
_READERS_SHARE = 0.2
#: Label values of masks that were joined from files with different ones.
_COMMON = LabelMap(myocardium=2, cavity=3, right_ventricle=1)


#: The mask stacks of each file or folder.
MaskFiles = list[tuple[Path, list[FrameStack]]]


def joined_frames(
    files: MaskFiles, *, labels: LabelMap | None, mask_frames: Sequence[int] | None, notes: list[Note]
) -> MaskFiles:
    """Join masks of a few frames each that lie on the same pixels, such as end-diastole and end-systole in two files.

    Masks of the same list of images are laid over each other. Others follow each other in the order of the numbers in
    their names if they differ only in these, otherwise (and if `mask_frames` is given) in the given order.

    Args:
        files: the masks; stacks that are joined appear with the first of their files.
        labels: meaning of the labels, if the user gave it.
        mask_frames: the cine's frames to which the masks belong, if the user gave them.
        notes: receives a note on masks that were joined.
    """
    groups: list[list[tuple[Path, FrameStack]]] = []
    for path, stacks in files:
        for stack in stacks:
            place = next((g for g in groups if all(_are_frames_of_one_slice(other, stack) for _, other in g)), None)
            if place is not None and not stack.has_orientation and mask_frames is None:
                place = None  # its plane is unknown
            if place is None:
                groups.append([(path, stack)])
            else:
                place.append((path, stack))
    joined: dict[Path, list[FrameStack]] = {}
    for group in groups:
        path, stack = group[0]
        if len(group) > 1:
            stack = _joined(group, labels, in_given_order=mask_frames is not None)
            text = f"{len(group)} masks of one plane were read as frames of one slice."
            notes.append(note("masks_joined", text, source=path.name))
        joined.setdefault(path, []).append(stack)
    return list(joined.items())


def refuse_second_reader(files: MaskFiles) -> None:
    """Refuse masks of two files, or two stacks of one, that lie in one plane and differ.

    Equal masks are a slice that was given twice, which is left out elsewhere.

    Raises:
        LaMoDInputError: there are two different masks of one plane.
    """
    placed = [
        (path, stack, k)
        for path, stacks in files
        for stack in stacks
        for k in range(stack.frames.shape[1])
        if stack.has_orientation and stack.frames[:, k].any()
    ]
    for n, (path, stack, k) in enumerate(placed):
        for earlier_path, earlier, j in placed[:n]:
            if earlier is stack or not _is_one_plane(earlier, j, stack, k):
                continue
            if not np.array_equal(earlier.frames[:, j] > 0, stack.frames[:, k] > 0):
                raise _two_readers(earlier_path, earlier, path, stack)


def _two_readers(earlier_path: Path, earlier: FrameStack, path: Path, stack: FrameStack) -> LaMoDInputError:
    first, second = (earlier_path.name, path.name) if path != earlier_path else (earlier.name, stack.name)
    cycles = min(earlier.frames.shape[0], stack.frames.shape[0]) >= MIN_FRAMES
    if not cycles and not same_affine(earlier.ijk_to_lps, stack.ijk_to_lps):
        return LaMoDInputError(
            path,
            f"its masks lie in the plane of those of {first} on other pixels, so they cannot be joined as frames",
            "give all masks of a plane on the same pixels",
        )
    if _shared_part(earlier, stack) < _READERS_SHARE:
        return LaMoDInputError(
            path,
            f"its masks ({second}) lie in the plane of those of {first} without covering them, as structures in "
            "separate files do",
            "store all structures of a slice in one file, with one label each",
        )
    return LaMoDInputError(
        path,
        f"its masks ({second}) lie in the plane of those of {first} and differ from them, as those of two readers do",
        f"give one of them; `lamod check {first} --second {second}` compares two readers",
    )


def _shared_part(first: FrameStack, second: FrameStack) -> float:
    """Share of the smaller mask that is also in the other; 1 if they cannot be compared pixel by pixel."""
    if first.frames.shape != second.frames.shape or not same_affine(first.ijk_to_lps, second.ijk_to_lps):
        return 1.0
    one, other = first.frames > 0, second.frames > 0
    return float((one & other).sum() / max(1, min(one.sum(), other.sum())))


def _is_one_plane(first: FrameStack, j: int, second: FrameStack, k: int) -> bool:
    a, b = first.slice_grid(j), second.slice_grid(k)
    return a.same_plane(b, ONE_PLANE_MM) and b.same_plane(a, ONE_PLANE_MM)


def _are_frames_of_one_slice(first: FrameStack, second: FrameStack) -> bool:
    """Whether two stacks are frames of the same slices: on the same pixels, with a part of the cycle each."""
    if first.frames.shape[1:] != second.frames.shape[1:] or first.has_orientation != second.has_orientation:
        return False
    if not same_affine(first.ijk_to_lps, second.ijk_to_lps):
        return False
    if max(first.frames.shape[0], second.frames.shape[0]) < MIN_FRAMES:
        return True
    if first.frames.shape[0] != second.frames.shape[0] or first.drawn_on != second.drawn_on:
        return False
    return not (_drawn_frames(first) & _drawn_frames(second)).any()


def _drawn_frames(stack: FrameStack) -> Array:
    return np.asarray(stack.frames.any(axis=(1, 2, 3)))


def _joined(group: Sequence[tuple[Path, FrameStack]], labels: LabelMap | None, *, in_given_order: bool) -> FrameStack:
    stacks = _with_common_labels(group, labels)
    first = stacks[0]
    notes = tuple(dict.fromkeys(each for stack in stacks for each in stack.notes))
    if first.frames.shape[0] >= MIN_FRAMES:
        frames = first.frames.copy()
        for stack in stacks[1:]:
            frames = np.where(stack.frames > 0, stack.frames, frames)
        return replace(first, frames=frames, notes=notes)
    names = [path.name for path, _ in group]
    numbered = None if in_given_order or len(set(names)) < len(names) else varying_number(names)
    times = None
    if numbered is not None:
        single = all(stack.frames.shape[0] == 1 for stack in stacks)
        times = times_of_volumes([path for path, _ in group], first.name) if single else None
        order = np.argsort(numbered.values, kind="stable") if times is None else times.order
        stacks = [stacks[k] for k in order]
    frames = np.concatenate([stack.frames for stack in stacks])
    sources = tuple(key for stack in stacks for key in stack.drawn_on)
    known = len(sources) == len(frames) == len(set(sources))
    numbers = tuple(number for stack in stacks for number in stack.cine_frames)
    numbers = numbers if len(numbers) == len(frames) == len(set(numbers)) else ()
    if len(frames) >= MIN_FRAMES and numbered is None and not in_given_order and not numbers:
        raise LaMoDInputError(
            group[0][0],
            f"{len(frames)} masks of one plane have neither times nor numbers, so their order is unknown",
            "number the files in the order of time, or name the frames of the cine with --mask-frames",
        )
    joined = replace(
        first,
        frames=frames,
        frame_times_ms=None,
        time_problem="",
        images=(),
        drawn_on=sources if known else (),
        cine_frames=numbers,
        notes=notes,
    )
    return joined if times is None else with_times_of_volumes(joined, times)


def _with_common_labels(group: Sequence[tuple[Path, FrameStack]], labels: LabelMap | None) -> list[FrameStack]:
    """The stacks with the same label values for the same structures."""
    stacks = [stack for _, stack in group]
    if labels is not None:
        return stacks
    try:
        meanings = [
            meaning_of_labels([stack.frames], path, parse_labels(stack.metadata.get(LABEL_KEY)))[0]
            for path, stack in group
        ]
    except LaMoDInputError:
        return stacks  # all frames together may identify the structures
    if len({meaning.option for meaning in meanings}) == 1:
        return stacks
    return [_relabelled(stack, meaning) for stack, meaning in zip(stacks, meanings, strict=True)]


def _relabelled(stack: FrameStack, meaning: LabelMap) -> FrameStack:
    frames = np.zeros_like(stack.frames)
    for value, common in (
        (meaning.right_ventricle, _COMMON.right_ventricle),
        (meaning.cavity, _COMMON.cavity),
    ):
        if value is not None and common is not None:
            frames[stack.frames == value] = common
    frames[meaning.is_myocardium(stack.frames)] = _COMMON.myocardium
    return replace(stack, frames=frames, metadata={**stack.metadata, LABEL_KEY: _COMMON.option})
