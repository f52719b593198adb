"""Group the slices of a case into volumes: one for a regular stack, otherwise one per slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Case
from LaMoDCore.heart.geometry import Array, SliceGrid

_TOLERANCE_MM = 0.01
_TOLERANCE_MS = 0.5


@dataclass(frozen=True, eq=False)
class Volume:
    """Slices that share one file.

    Attributes:
        suffix: suffix of the file's name: "" for the only volume, else "_sliceN", counted from 1.
        slices: indices into `Case.slices` in the order of the volume's third axis.
        ijk_to_lps: [4, 4].
        frame_times_ms: [T].
    """

    suffix: str
    slices: tuple[int, ...]
    ijk_to_lps: Array
    frame_times_ms: Array


def volumes_of(case: Case) -> tuple[Volume, ...]:
    """One volume if all slices lie on one regular stack and share their frame times, else one per slice."""
    return volumes_of_slices([s.grid for s in case.slices], [s.frame_times_ms for s in case.slices])


def volumes_of_slices(
    grids: Sequence[SliceGrid], frame_times_ms: Sequence[Array], *, separate: bool = False
) -> tuple[Volume, ...]:
    """Group slices as `volumes_of`, given their grids and frame times [T] in ms."""
    stack = None if separate and len(grids) > 1 else _common_stack(grids, frame_times_ms)
    if stack is not None:
        return (Volume("", tuple(range(len(grids))), stack, frame_times_ms[0]),)
    return tuple(
        Volume(f"_slice{z + 1}", (z,), grid.ijk_to_lps, times)
        for z, (grid, times) in enumerate(zip(grids, frame_times_ms, strict=True))
    )


def _common_stack(grids: Sequence[SliceGrid], frame_times_ms: Sequence[Array]) -> Array | None:
    affine = np.array(grids[0].ijk_to_lps)
    if len(grids) == 1:
        return affine
    origins = np.stack([grid.ijk_to_lps[:3, 3] for grid in grids])
    steps = np.diff(origins, axis=0)
    affine[:3, 2] = steps[0]
    spacing = float(np.linalg.norm(steps[0]))
    times = frame_times_ms[0]
    regular = (
        all(grid.shape == grids[0].shape for grid in grids)
        and all(np.abs(grid.ijk_to_lps[:3, :2] - affine[:3, :2]).max() <= 1e-5 for grid in grids)
        and all(len(each) == len(times) and np.abs(each - times).max() <= _TOLERANCE_MS for each in frame_times_ms)
        and spacing > _TOLERANCE_MM
        and np.abs(steps - steps[0]).max() <= _TOLERANCE_MM
        # image files cannot hold a sheared stack
        and np.abs(steps[0] @ affine[:3, :2]).max() <= _TOLERANCE_MM * spacing
    )
    return affine if regular else None
