"""Result folders with known numbers: contracting rings on any grid, with samples that scatter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.function.summary import function_summary
from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion, StrainResult
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io import load_case
from LaMoDCore.prediction.writer import write_result
from LaMoDCore.strain import end_systole, quality_notes, slice_strain, summarise
from Testing.Slicer.ring_heart import FRAMES, heart, squeeze


def stack_grid(grid: SliceGrid, index: int) -> SliceGrid:
    """The grid of the slice `index` spacings further along the normal."""
    affine = np.array(grid.ijk_to_lps)
    affine[:3, 3] += index * affine[:3, 2]
    return SliceGrid(grid.shape, affine)


def slices(levels: Sequence[str], grid: SliceGrid, spacing: int = 1, frames: int = FRAMES) -> list[CineSlice]:
    """One ring per level, from base to apex, along or against the normal of the grid."""
    towards_apex = -1 if grid.axis_cosine > 0 else 1
    return [
        replace(heart(stack_grid(grid, towards_apex * spacing * i), frames), name=f"ring {i + 1}", level=level)
        for i, level in enumerate(levels)
    ]


def motion_of(slice_: CineSlice, strength: Array | None = None, samples: int = 1, scatter: float = 0.05) -> SliceMotion:
    """The analytic motion of the ring.

    Args:
        slice_: from `slices`.
        strength: [H, W] factor of the contraction at each pixel; None for 1 everywhere.
        samples: number of samples.
        scatter: relative spread of the samples' contraction.
    """
    wall = slice_.myocardium[0]
    rows, columns = np.nonzero(wall)
    spacing = np.array(slice_.grid.spacing_mm)
    y, x = np.indices(wall.shape)
    offset = (np.stack([x, y], axis=-1) - [columns.mean(), rows.mean()]) * spacing
    radius = np.maximum(np.linalg.norm(offset, axis=-1), 1.0)
    inner = radius[wall].min()
    k = squeeze(inner, slice_.frames)[:, None, None]
    now = np.sqrt(np.maximum(radius**2 - k, 1.0))
    displacement = np.moveaxis(offset * (now / radius - 1)[..., None], -1, 1)
    near = np.clip(1.5 - np.abs(radius - radius[wall].mean()) / 40, 0, 1)
    displacement = (displacement * near * (1 if strength is None else strength)).astype(np.float32)
    if samples < 2:
        return SliceMotion(displacement)
    factors = 1 + scatter * np.linspace(-1.3, 1.3, samples)
    drawn = np.stack([displacement * f for f in factors]).astype(np.float32)
    return SliceMotion(drawn.mean(axis=0), drawn)


def write_reading(
    folder: Path,
    drawn: Sequence[CineSlice],
    motions: Sequence[SliceMotion],
    insertion_lps: Array | None = None,
    model: str = "analytic ring",
    case: Case | None = None,
) -> StrainResult:
    """Write a result folder like `lamod predict`; returns its contents.

    Args:
        folder: the new folder.
        drawn: the slices.
        motions: of each slice.
        insertion_lps: [3] the anterior RV insertion.
        model: name in the provenance.
        case: the slices with their notes; by default a case of `drawn`.
    """
    case = case or Case(tuple(drawn), 0, insertion_lps)
    samples = 1 if motions[0].samples_mm is None else len(motions[0].samples_mm)
    provenance = {"model": model, "model_sha256": "0" * 64, "samples": samples, "seed": 0}
    provenance |= {"device": "cpu", "device_reason": "no CUDA device", "contours": _contours_of(case)}
    motion = Motion(tuple(motions), provenance)
    strains = tuple(slice_strain(s, m, 0, insertion_lps) for s, m in zip(drawn, motions, strict=True))
    es = end_systole(case)
    function, _thickness, notes = function_summary(case, es)
    summary = {**summarise(case, strains, es), "function": function, "provenance": provenance}
    notes = (*quality_notes(case, motion, strains, es), *notes)
    result = StrainResult(case, motion, strains, es, summary, notes)
    write_result(result, folder, report=False)
    return result


def _contours_of(case: Case) -> dict[str, Any] | None:
    """The provenance of automatic contours; torch is imported only if there are any."""
    if all(s.contour_origin is None for s in case.slices):
        return None
    from LaMoDCore.prediction.predict import contour_provenance

    return contour_provenance(case)


def write_for_masks(folder: Path, masks: Array, ijk_to_lps: Array, times_ms: Array) -> None:
    """Write a result folder for masks [T, Z, H, W] of rings on one stack; each slice contracts about its own centre."""
    grid = SliceGrid(masks.shape[2:], ijk_to_lps)
    drawn = [
        CineSlice(
            name=f"slice {z + 1}",
            grid=stack_grid(grid, z),
            myocardium=masks[:, z],
            frame_times_ms=np.asarray(times_ms, float),
            rr_ms=float(times_ms[-1] + times_ms[1]),
        )
        for z in range(masks.shape[1])
    ]
    write_reading(folder, drawn, [motion_of(s) for s in drawn])


def write_for_file(folder: Path, masks: Path | Sequence[Path], labels: str) -> None:
    """Write a result folder for files of masks of rings, with the notes and volumes of the case in them."""
    case = load_case(masks, labels=labels)
    write_reading(folder, case.slices, [motion_of(s) for s in case.slices], case=case)


def insertion_of(slice_: CineSlice, angle_degrees: float) -> Array:
    """[3] LPS: a point of the epicardium at an angle counter-clockwise from three o'clock, seen from the apex."""
    rows, columns = np.nonzero(slice_.myocardium[0])
    grid = slice_.grid
    angle = np.deg2rad(angle_degrees)
    arm = 31.0 * np.array([np.cos(angle), -grid.view_sign * np.sin(angle)]) / grid.spacing_mm
    return grid.pixel_to_lps(np.array([columns.mean(), rows.mean()]) + arm)
