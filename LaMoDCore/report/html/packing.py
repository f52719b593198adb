"""Arrays as text: little-endian bytes, deflated, in base64. The page's script reads them with `DecompressionStream`."""

from __future__ import annotations

import base64
import zlib

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Unit of lengths that are stored as integers, mm.
LENGTH_UNIT_MM = 0.02
_LEVEL = 6


def packed(array: Array) -> str:
    """The bytes of an array of uint8 or int16, in C order."""
    values = np.ascontiguousarray(array)
    if values.dtype not in (np.uint8, np.int16):
        raise ValueError(f"the page reads uint8 and int16, not {values.dtype}")
    return base64.b64encode(zlib.compress(values.astype(values.dtype.newbyteorder("<")).tobytes(), _LEVEL)).decode()


def packed_frames(frames: Array) -> str:
    """Images uint8 [T, ...], each but the first as the difference modulo 256 from the one before, as `packed`."""
    return packed(np.diff(frames, axis=0, prepend=np.zeros_like(frames[:1])))


def packed_lengths(lengths_mm: Array) -> str:
    """Lengths in mm as multiples of `LENGTH_UNIT_MM`; NaN as the smallest integer."""
    steps = np.rint(np.asarray(lengths_mm, dtype=np.float64) / LENGTH_UNIT_MM)
    limit = np.iinfo(np.int16)
    return packed(np.where(np.isfinite(steps), np.clip(steps, limit.min + 1, limit.max), limit.min).astype(np.int16))


def steps_in_time(lengths_mm: Array) -> Array:
    """Lengths [T, ...] as their first frame and the differences between frames, which compress better.

    The differences are those of the rounded lengths, so that no error accumulates.
    """
    rounded = np.rint(lengths_mm / LENGTH_UNIT_MM) * LENGTH_UNIT_MM
    return np.diff(rounded, axis=0, prepend=np.zeros_like(rounded[:1]))
