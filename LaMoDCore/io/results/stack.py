"""Whether the slices of a case form one volume, or each needs a file of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Case
from LaMoDCore.heart.geometry import Array

_TOLERANCE_MM = 0.01
_TOLERANCE_MS = 0.5


@dataclass(frozen=True, eq=False)
class Volume:
    """Slices that share one file.

    Attributes:
        suffix: what the file's name gets: "" for the only volume, else "_sliceN", counted from 1.
        slices: indices into `Case.slices`, in the order of the volume's third axis.
        ijk_to_lps: [4, 4].
        frame_times_ms: [T].
    """

    suffix: str
    slices: tuple[int, ...]
    ijk_to_lps: Array
    frame_times_ms: Array


def volumes_of(case: Case) -> tuple[Volume, ...]:
    """One volume where all slices lie on one regular stack and share their frame times, else one a slice."""
    stack = _common_stack(case)
    if stack is not None:
        return (Volume("", tuple(range(len(case.slices))), stack, case.slices[0].frame_times_ms),)
    return tuple(Volume(f"_slice{z + 1}", (z,), s.grid.ijk_to_lps, s.frame_times_ms) for z, s in enumerate(case.slices))


def _common_stack(case: Case) -> Array | None:
    first = case.slices[0]
    affine = np.array(first.grid.ijk_to_lps)
    if len(case.slices) == 1:
        return affine
    origins = np.stack([s.grid.ijk_to_lps[:3, 3] for s in case.slices])
    steps = np.diff(origins, axis=0)
    affine[:3, 2] = steps[0]
    spacing = float(np.linalg.norm(steps[0]))
    regular = (
        all(s.grid.shape == first.grid.shape for s in case.slices)
        and all(np.abs(s.grid.ijk_to_lps[:3, :2] - affine[:3, :2]).max() <= 1e-5 for s in case.slices)
        and all(np.abs(s.frame_times_ms - first.frame_times_ms).max() <= _TOLERANCE_MS for s in case.slices)
        and spacing > _TOLERANCE_MM
        and np.abs(steps - steps[0]).max() <= _TOLERANCE_MM
        # image files cannot hold a sheared stack
        and np.abs(steps[0] @ affine[:3, :2]).max() <= _TOLERANCE_MM * spacing
    )
    return affine if regular else None
