"""Synthetic readers of long-axis views: errors across and along the wall, trabeculae that are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.end_diastole import reference_frame
from LaMoDCore.heart.long_axis.mid_wall import lines_mm
from LaMoDCore.heart.long_axis.open_curve import resampled
from LaMoDCore.heart.long_axis.view import LongAxisView, stacked
from LaMoDCore.heart.long_axis.wall_lines import wall_lines
from LaMoDCore.phantom.heart.long_axis.cut import LongAxisCut
from LaMoDCore.phantom.heart.timecurves import contraction
from LaMoDCore.phantom.imaging.annotator import Annotator, error_process

#: Standard deviation of the place of an end of the wall along it, and the share of it that is the same on every frame.
END_SD_MM = 1.5
_END_HABIT = 0.5
_SAMPLES = 241
_ANGLES = 720


@dataclass(frozen=True, eq=False)
class LongAxisStyle:
    """How a reader draws.

    Attributes:
        annotator: errors across the wall; its bias is not used.
        trabeculae_mm: layer left out of the wall at end-diastole and drawn as wall at end-systole.
        end_sd_mm: SD of the ends of the wall.
    """

    annotator: Annotator
    trabeculae_mm: float = 0.0
    end_sd_mm: float = END_SD_MM


def exact_contours(cut: LongAxisCut) -> tuple[Array, Array]:
    """Endo- and epicardium [T, N, 2] in the plane at the phases of the ventricle."""
    frames = range(len(cut.ventricle.phases))
    endo, epi = (np.stack([resampled(cut.contours_mm(t, depth), _SAMPLES) for t in frames]) for depth in (0.0, 1.0))
    return endo, epi


def drawn_view(
    cut: LongAxisCut,
    contours: tuple[Array, Array],
    style: LongAxisStyle | None = None,
    rng: np.random.Generator | None = None,
) -> LongAxisView:
    """The view with the contours that a reader draws; exact without a style.

    Args:
        cut: the plane.
        contours: its `exact_contours`.
        style: the reader.
        rng: generator of the reader's errors.
    """
    ventricle, grid = cut.ventricle, cut.grid()
    endo, epi = contours
    if style is not None:
        compaction = contraction(ventricle.subject.timing, ventricle.phases)
        endo, epi = _with_errors(endo, epi, ventricle.phases, compaction, style, rng or np.random.default_rng(0))
    lines = [
        wall_lines(cut.in_grid_mm(inner, grid), cut.in_grid_mm(outer, grid), traced=False)
        for inner, outer in zip(endo, epi, strict=True)
    ]
    endo_mm, epi_mm, annulus_mm = stacked(lines)
    rr_ms = ventricle.subject.rr_ms
    return LongAxisView("phantom", grid, endo_mm, epi_mm, annulus_mm, ventricle.phases * rr_ms, rr_ms)


def exact_lines_mm(view: LongAxisView, cut: LongAxisCut) -> Array:
    """Reference lines [3, P, 2] of a view of the phantom in the in-plane mm of the cut, to follow their tissue."""
    shift = cut.in_grid_mm(np.zeros(2), view.grid)
    return np.stack([line[reference_frame(view)] - shift for line in lines_mm(view).values()])


def _with_errors(
    endo: Array, epi: Array, phases: Array, compaction: Array, style: LongAxisStyle, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Contours [T, N, 2] with errors along their normals, trabeculae, and moved ends."""
    across = [error_process(rng, style.annotator, phases, _ANGLES)[:, : _ANGLES // 2] for _ in range(3)]
    places = np.linspace(0, _ANGLES // 2 - 1, endo.shape[1])
    index = np.arange(_ANGLES // 2)
    errors = [np.stack([np.interp(places, index, row) for row in each]) for each in across]
    own, common = np.sqrt(1 - style.annotator.shared), np.sqrt(style.annotator.shared)
    layer = style.trabeculae_mm * (1 - np.clip(compaction, 0, 1))[:, None]
    thickness = np.linalg.norm(epi - endo, axis=-1)
    inner = own * errors[0] + common * errors[2] + np.minimum(layer, 0.4 * thickness)
    outer = own * errors[1] + common * errors[2]
    drawn_endo, drawn_epi = endo + inner[..., None] * _outward(endo), epi + outer[..., None] * _outward(epi)
    habit = rng.standard_normal(2)
    for t in range(len(endo)):
        ends = np.sqrt(_END_HABIT) * habit + np.sqrt(1 - _END_HABIT) * rng.standard_normal(2)
        drawn_endo[t] = _with_ends_moved(drawn_endo[t], style.end_sd_mm * ends)
        drawn_epi[t] = _with_ends_moved(drawn_epi[t], style.end_sd_mm * ends)
    return drawn_endo, drawn_epi


def _outward(line: Array) -> Array:
    """Unit normals [T, N, 2] away from the cavity."""
    tangent = np.gradient(line, axis=1)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    middle = line.mean(axis=1, keepdims=True)
    side = np.sign(((line - middle) * normal).sum(axis=(1, 2)))
    return np.asarray(normal * side[:, None, None])


def _with_ends_moved(line: Array, ends_mm: Array) -> Array:
    """The line [N, 2] with its ends moved outwards along it by mm (inwards if negative)."""
    for shift in ends_mm:
        steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        if shift < 0:
            start = np.array([np.interp(-shift, steps, line[:, k]) for k in range(2)])
            line = np.concatenate([start[None], line[steps > -shift]])
        else:
            direction = line[0] - line[10]
            line = np.concatenate([(line[0] + shift * direction / np.linalg.norm(direction))[None], line])
        line = line[::-1]
    return resampled(line, _SAMPLES)
