"""Read contours of other programs, identified by file name, on the pixels of their cine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.rv_insertion import anterior_first
from LaMoDCore.io.contours.curves import FrameCurves, masks_of_curves
from LaMoDCore.io.contours.dense_workspace import read_workspace_contours
from LaMoDCore.io.contours.drawn_cine import cine_of_contours
from LaMoDCore.io.contours.guide_points import read_guide_points
from LaMoDCore.io.contours.markups import curves_by_frame, read_closed_curves
from LaMoDCore.io.contours.rt_structures import is_rt_structure_set, read_rt_structures
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.runtime.errors import LaMoDInputError


def is_foreign(path: Path) -> bool:
    """Whether a path contains guide points, closed-curve markups, a DENSE workspace or an RT structure set."""
    if path.is_dir():
        return any(path.glob("GPFile*.txt"))
    return path.name.lower().endswith((".txt", ".mrk.json", ".dns")) or is_rt_structure_set(path)


def read_foreign(path: Path, cines: Sequence[FrameStack]) -> tuple[CineSlice, ...]:
    """Read the contours, each on the cine slice in its plane.

    Args:
        path: a path for which `is_foreign` is true.
        cines: cine slices [T, 1, H, W]; not needed for a workspace, which contains its images.

    Raises:
        LaMoDInputError: there are no usable contours, no cine, or no cine in the plane of the contours.
    """
    if path.name.lower().endswith(".dns"):
        return read_workspace_contours(path)
    if not cines:
        raise LaMoDInputError(path, "contours without a pixel grid need the cine", "give its images with --cine")
    if path.name.lower().endswith(".json"):
        series = {path.name.split(".")[0]: curves_by_frame(read_closed_curves(path), path.name)}
        return tuple(_on_cine(name, curves, cines, path) for name, curves in series.items())
    if is_rt_structure_set(path):
        found = sorted(read_rt_structures(path, cines).items())
        return tuple(_on_cine(cines[index].name, curves, [cines[index]], path) for index, curves in found)
    slices = []
    for number, points in sorted(read_guide_points(path).items()):
        everything = [p for kinds in points.points_lps.values() for p in kinds.values()]
        cine, _ = cine_of_contours(np.concatenate(everything), points.points_lps, cines)
        curves = points.curves(cine.slice_grid(0)) if cine is not None else {}
        if curves:
            drawn = _on_cine(f"series {number}", curves, cines, path)
            first = min(curves)
            insertions = points.insertions_lps(first)
            own = None if insertions is None else anterior_first(insertions, drawn, first)[0]
            slices.append(replace(drawn, rv_insertion_lps=own))
    if not slices:
        raise LaMoDInputError(path, "none of its short-axis contours lies on the cine", "give the cine of the contours")
    return tuple(slices)


def _on_cine(name: str, curves: Mapping[int, FrameCurves], cines: Sequence[FrameStack], path: Path) -> CineSlice:
    points = np.concatenate([p for pair in curves.values() for p in (pair.endo_lps, pair.epi_lps)])
    cine, _ = cine_of_contours(points, curves, cines)
    if cine is None:
        raise LaMoDInputError(
            path, f"the contours of {name} lie in the plane of no cine", "give the cine of the contours"
        )
    grid: SliceGrid = cine.slice_grid(0)
    myocardium, cavity = masks_of_curves(curves, cine.frames.shape[0], grid, path.name)
    timing = timing_of(cine, None, path)
    return CineSlice(
        name=name,
        grid=grid,
        myocardium=myocardium,
        frame_times_ms=timing.frame_times_ms,
        rr_ms=timing.rr_ms,
        cavity=cavity,
        cine=np.ascontiguousarray(cine.frames[:, 0]),
    )
