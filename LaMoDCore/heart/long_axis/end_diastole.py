"""End-diastole of a long-axis view and end-systole of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.heart.canonical import periodic_weights
from LaMoDCore.heart.cycle.end_diastole import TOLERANCE
from LaMoDCore.heart.cycle.plateau import middle_of_largest, middle_of_smallest
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.view import LongAxisView


def reference_frame(view: LongAxisView) -> int:
    """Frame 0 of a triggered cine, otherwise the frame with the largest cavity; the rule of short-axis slices."""
    area = view.cavity_mm2()
    if area.max() - area[0] <= TOLERANCE * (area.max() - area.min()):
        return 0
    return middle_of_largest(area)


def common_phases(views: Sequence[LongAxisView]) -> Array:
    """[T]: phases since end-diastole at which the views are averaged: those of the view with the most frames."""
    most = max(views, key=lambda view: view.frames)
    return np.asarray(np.arange(most.frames) / most.frames)


def at_phases(values: Array, view: LongAxisView, phases: Array) -> Array:
    """Values [T, ...] of a view's frames at phases [N] since its end-diastole; a periodic spline in between."""
    start = view.phases[reference_frame(view)]
    own = np.mod(view.phases - start, 1.0)
    difference = own[:, None] - np.asarray(phases)[None]
    near = np.abs(difference - np.rint(difference))
    if near.min(axis=0).max() < 1e-3:  # the frames have these phases
        return np.asarray(values[np.argmin(near, axis=0)])
    return np.asarray(np.tensordot(periodic_weights(own, phases), values, axes=1))


def end_systolic_phase(views: Sequence[LongAxisView], phases: Array) -> float:
    """The phase of the smallest cavity, the mean over the views of its area relative to end-diastole."""
    share = [view.cavity_mm2() / view.cavity_mm2()[reference_frame(view)] for view in views]
    mean = np.mean([at_phases(each, view, phases) for each, view in zip(share, views, strict=True)], axis=0)
    return float(phases[middle_of_smallest(mean)])
