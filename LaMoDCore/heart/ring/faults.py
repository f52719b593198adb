"""Faults that make a slice's drawn myocardium unusable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import number_list
from LaMoDCore.heart.ring.extent import extent
from LaMoDCore.heart.ring.mask import epicardial_region, is_closed_ring

#: Separate pieces up to this share of the myocardium (or 4 pixels) are drawing errors and are removed.
SPECK_SHARE = 0.01
_SPECK_PIXELS = 4

FaultKind = Literal["missing", "open", "pieces", "cavity", "repeated"]


@dataclass(frozen=True)
class SliceFault:
    """One fault of a slice.

    Attributes:
        kind: missing (frames without myocardium), open (no closed ring), pieces (more than one), cavity (the
            labelled cavity lies outside the ring), repeated (its masks are another slice's).
        frames: the frames that have it.
        reason: the fault in words, with the frames.
        remedy: what to do.
        finding: the fault in words, with the number of frames instead of the frames.
    """

    kind: FaultKind
    frames: tuple[int, ...]
    reason: str
    remedy: str
    finding: str


def frame_list(frames: Array | tuple[int, ...] | list[int], most: int | None = 6) -> str:
    """``frame 4``, ``frames 4 and 7``, ``frames 0–3, 8 and 11``; lists of more parts than `most` are shortened."""
    numbers = [int(f) for f in frames]
    return f"frame{'s' if len(numbers) > 1 else ''} {number_list(numbers, most)}"


def remove_specks(myocardium: Array) -> tuple[Array, int]:
    """Remove separate pieces of a few pixels, frame by frame.

    Args:
        myocardium: bool [T, H, W].

    Returns:
        bool [T, H, W] and the number of removed pixels.
    """
    cleaned = np.array(myocardium, dtype=bool)
    for plane in cleaned[(slice(None), *extent(cleaned))]:
        pieces, count = ndimage.label(plane, structure=np.ones((3, 3)))
        if count < 2:
            continue
        sizes = np.bincount(pieces.ravel())[1:]
        limit = max(_SPECK_PIXELS, SPECK_SHARE * sizes.max())
        for index in np.flatnonzero((sizes <= limit) & (np.arange(count) != sizes.argmax())):
            plane[pieces == index + 1] = False
    return cleaned, int(np.asarray(myocardium, dtype=bool).sum() - cleaned.sum())


def find_fault(myocardium: Array, cavity_label: Array | None = None) -> SliceFault | None:
    """The most severe fault of a slice's masks [T, H, W], or None.

    Args:
        myocardium: bool [T, H, W].
        cavity_label: bool [T, H, W], if the cavity is labelled.
    """
    rows, columns = extent(myocardium if cavity_label is None else myocardium | cavity_label)
    myocardium = myocardium[:, rows, columns]
    cavity_label = None if cavity_label is None else cavity_label[:, rows, columns]
    drawn = myocardium.any(axis=(1, 2))
    if not drawn.all():
        missing = np.flatnonzero(~drawn)
        if drawn.sum() <= missing.size:
            words = (
                f"only {frame_list(np.flatnonzero(drawn))} of {drawn.size} are drawn"
                if drawn.any()
                else "no frame is drawn"
            )
            remedy = "draw the myocardium on every frame of the cycle, or give the cine with --cine to carry it there"
            return SliceFault(
                "missing",
                tuple(missing.tolist()),
                words,
                remedy,
                f"myocardium is drawn in only {drawn.sum()} of {drawn.size} frames",
            )
        return SliceFault(
            "missing",
            tuple(missing.tolist()),
            f"{frame_list(missing)} {'has' if missing.size == 1 else 'have'} no myocardium",
            "draw it there, or leave this slice out",
            f"no myocardium is drawn in {missing.size} of {drawn.size} frames",
        )
    closed = np.array([is_closed_ring(plane) for plane in myocardium])
    pieces = np.array([ndimage.label(plane, structure=np.ones((3, 3)))[1] for plane in myocardium])
    if not closed.all():
        faulty = np.flatnonzero(~closed)
        return SliceFault(
            "open",
            tuple(faulty.tolist()),
            f"the myocardium of {frame_list(faulty)} is not a closed ring around a cavity",
            "close the contour there, or leave this slice out; if the label is the blood pool or the filled "
            "ventricle, name the myocardium with --labels",
            f"the myocardium is not a closed ring around a cavity in {faulty.size} of {drawn.size} frames",
        )
    if (pieces > 1).any():
        faulty = np.flatnonzero(pieces > 1)
        return SliceFault(
            "pieces",
            tuple(faulty.tolist()),
            f"the myocardium of {frame_list(faulty)} is in {int(pieces.max())} separate pieces",
            "remove the pieces that do not belong to the left ventricle",
            f"the myocardium is in separate pieces in {faulty.size} of {drawn.size} frames",
        )
    if cavity_label is not None:
        outside = np.array(
            [
                label.any() and (label & ~epicardial_region(ring)).sum() > 0.5 * label.sum()
                for ring, label in zip(myocardium, cavity_label, strict=True)
            ]
        )
        if outside.any():
            faulty = np.flatnonzero(outside)
            return SliceFault(
                "cavity",
                tuple(faulty.tolist()),
                f"the LV cavity of {frame_list(faulty)} lies outside the myocardium's ring",
                "check the contours, or name the labels with --labels",
                f"the LV cavity lies outside the myocardium's ring in {faulty.size} of {drawn.size} frames",
            )
    return None
