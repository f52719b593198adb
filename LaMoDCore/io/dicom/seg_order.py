"""The order in time of the frames of segmentation objects: by the images to which they refer, or by their own times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.source_images import ImageIndex
from LaMoDCore.io.dicom.time_order import sort_in_time
from LaMoDCore.io.images.frame_stack import ImageKey
from LaMoDCore.io.images.frame_times import varying_number
from LaMoDCore.runtime.errors import LaMoDInputError


@dataclass(frozen=True, eq=False)
class SegmentFrame:
    """One frame of a segmentation: its labels [H, W], its segment, and the image to which it refers, if it is known."""

    frame: DicomFrame
    labels: Array
    segment: int
    image: ImageKey | None


@dataclass(frozen=True, eq=False)
class TimeAxis:
    """The frames of a stack, and the frame of each segmentation frame.

    Attributes:
        frames: T.
        of_frame: int [N] in 0..T-1.
        times: [T] as stored; None if they are unknown.
        images: the image of each of the T frames; empty if they are unknown.
        intervals_ms: R–R intervals as stored.
    """

    frames: int
    of_frame: tuple[int, ...]
    times: Array | None = None
    images: tuple[ImageKey, ...] = ()
    intervals_ms: tuple[float, ...] = ()


def time_axis(
    group: Sequence[SegmentFrame], index: ImageIndex, name: str, shared: Sequence[float]
) -> tuple[TimeAxis, list[Note]]:
    """Find the time axis of the segmentation frames of one slice.

    Args:
        group: the frames.
        index: the images that are there.
        name: name of the slice, for notes.
        shared: see `shared_orders`.

    Returns:
        The axis and notes on assumptions.

    Raises:
        LaMoDInputError: the order is unknown.
    """
    keys = [f.image for f in group]
    known = [key for key in keys if key is not None and index.find(key) is not None]
    if len(known) == len(group):
        return _axis_of_images(group, known, index, name)
    own = _own_orders(group)
    if own is not None:
        orders = list(shared) or sorted(set(own))
        times = np.array(orders) if all(f.frame.trigger_ms is not None for f in group) and len(orders) > 1 else None
        of_frame = [orders.index(o) for o in own]
        return _axis(group, of_frame, len(orders), times, _images_of(group, of_frame, len(orders))), []
    return _axis_of_objects(group, name)


def shared_orders(groups: Sequence[Sequence[SegmentFrame]]) -> list[float]:
    """Temporal positions of all slices together; empty if frames have trigger times or none.

    Frames in which a segment is empty are usually missing from the file, so one slice may lack some.
    """
    every = [f for group in groups for f in group]
    if any(f.frame.trigger_ms is not None for f in every):
        return []
    return sorted(set(_own_orders(every) or []))


def _axis_of_images(
    group: Sequence[SegmentFrame], keys: Sequence[ImageKey], index: ImageIndex, name: str
) -> tuple[TimeAxis, list[Note]]:
    slices = {index.slice_of(key) for key in keys}
    # drawn on images of several series of one plane: only these are frames
    images = index.frames_of_slice(slices.pop()) if len(slices) == 1 else tuple(_found(set(keys), index))
    ordered, times, notes = sort_in_time(images, name)
    position = {frame.key: t for t, frame in enumerate(ordered)}
    if not set(keys) <= set(position):
        # sort_in_time left out a copy of an image on which a frame was drawn
        by_time = {frame.trigger_ms: t for t, frame in enumerate(ordered)}
        position |= {f.key: by_time[f.trigger_ms] for f in images if f.key not in position}
    intervals = tuple(f.rr_ms for f in ordered if f.rr_ms)
    of_frame = tuple(position[key] for key in keys)
    return TimeAxis(len(ordered), of_frame, times, tuple(f.key for f in ordered), intervals), notes


def _found(keys: set[ImageKey], index: ImageIndex) -> list[DicomFrame]:
    return [frame for frame in (index.find(key) for key in keys) if frame is not None]


def _own_orders(frames: Sequence[SegmentFrame]) -> list[float] | None:
    """The trigger times of the frames, or their temporal positions; None if they do not distinguish the frames.

    An object with a single frame may number it 1, as each of the others does.
    """
    for attribute in ("trigger_ms", "temporal_position"):
        values = [getattr(f.frame, attribute) for f in frames]
        if any(v is None for v in values):
            continue
        places = [(v, f.segment, tuple(f.frame.ijk_to_lps[:3, 3])) for v, f in zip(values, frames, strict=True)]
        if len(set(places)) == len(places):
            return [float(v) for v in values]
    return None


def _axis_of_objects(group: Sequence[SegmentFrame], name: str) -> tuple[TimeAxis, list[Note]]:
    """By the image to which frames refer, or by their place in their object; objects by number or file name.

    Raises:
        LaMoDInputError: the order of the images is unknown.
    """
    files = list(dict.fromkeys(f.frame.file for f in group))
    if all(f.image is not None for f in group):
        images = list(dict.fromkeys(f.image for f in group))
        if len(images) == 1:
            return _axis(group, [0] * len(group), 1, images=[k for k in images if k is not None]), []
        ranks = _object_ranks(group, by_name=False)
        if ranks is None or len({(f.image, f.frame.file) for f in group}) > len(files):
            raise LaMoDInputError(
                files[0] if len(files) == 1 else files[0].parent,
                "it refers to images that are not here and has no times, so the order of its frames is unknown",
                "keep the images on which it was drawn in the same folder, or give them with --cine",
            )
        rank_of = {f.image: ranks[0][f.frame.file] for f in reversed(group)}
        ordered = sorted(images, key=lambda key: rank_of[key])
        text = f"The images to which the segmentation refers were not found; its frames were sorted by {ranks[1]}."
        notes = [note("dicom_order_assumed", text, source=name)]
        of_frame = [ordered.index(f.image) for f in group]
        return _axis(group, of_frame, len(ordered), images=[k for k in ordered if k is not None]), notes
    places = _places(group)
    several = max(places) > 0
    if len(files) > 1 and not several:
        ranks = _object_ranks(group, by_name=True)
        if ranks is None:
            raise LaMoDInputError(
                files[0].parent,
                "its segmentations have neither times nor references to images nor numbers, so their order is unknown",
                "export them with references to their images",
            )
        order = sorted({ranks[0][f.frame.file] for f in group})
        text = f"The segmentations have no times; they were sorted by {ranks[1]}."
        of_frame = [order.index(ranks[0][f.frame.file]) for f in group]
        return _axis(group, of_frame, len(order)), [note("dicom_order_assumed", text, source=name)]
    text = "The segmentation has no times; its frames were taken in the order of the file."
    notes = [note("dicom_order_assumed", text, source=name)] if several else []
    return _axis(group, places, max(places) + 1), notes


def _images_of(group: Sequence[SegmentFrame], of_frame: Sequence[int], frames: int) -> list[ImageKey]:
    """The image to which each of T frames refers; empty if some refer to none or to several."""
    named: list[set[ImageKey | None]] = [set() for _ in range(frames)]
    for f, t in zip(group, of_frame, strict=True):
        named[t].add(f.image)
    images = [next(iter(keys)) for keys in named if len(keys) == 1]
    found = [key for key in images if key is not None]
    return found if len(found) == frames == len(set(found)) else []


def _places(group: Sequence[SegmentFrame]) -> list[int]:
    """Place of each frame among those of its object and segment."""
    counted: dict[tuple[object, int], int] = {}
    places = []
    for f in group:
        key = (f.frame.file, f.segment)
        counted[key] = counted.get(key, -1) + 1
        places.append(counted[key])
    return places


def _object_ranks(group: Sequence[SegmentFrame], *, by_name: bool) -> tuple[dict[object, float], str] | None:
    """A number that sorts the objects, by file, and its name; None if there is only one or they have none.

    Names of files are used only `by_name`: where frames refer to images, their order is known to whoever has these.
    """
    frames = {f.frame.file: f.frame for f in group}
    if len(frames) < 2:
        return None
    instances = [f.object_number for f in frames.values()]
    if None not in instances and len(set(instances)) == len(instances):
        return {file: float(f.object_number or 0) for file, f in frames.items()}, "instance number"
    named = varying_number([file.name for file in frames]) if by_name else None
    if named is None or len(set(named.values.tolist())) < len(frames):
        return None
    return dict(zip(frames, named.values.tolist(), strict=True)), "the numbers in their file names"


def _axis(
    group: Sequence[SegmentFrame],
    of_frame: Sequence[int],
    frames: int,
    times: Array | None = None,
    images: Sequence[ImageKey] = (),
) -> TimeAxis:
    intervals = tuple(f.frame.rr_ms for f in group if f.frame.rr_ms)
    return TimeAxis(frames, tuple(of_frame), times, tuple(images), intervals)
