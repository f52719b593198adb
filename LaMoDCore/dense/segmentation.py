"""Segment the myocardium on DENSE magnitude images, as a first guess to be checked by a person.

The wall is a bright ring around a dark cavity (blood loses its signal after the first frames). The centre of the ring
is found by template matching, the two contours by dynamic programming in polar coordinates, first smooth over the
angle, then over time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.curves import inside_polygon
from LaMoDCore.runtime.errors import LaMoDInputError

#: Ring templates: inner radii and wall thickness in mm.
_INNER_RADII_MM = (10.0, 14.0, 18.0, 22.0, 26.0, 30.0)
_TEMPLATE_WALL_MM = 8.0

_ANGLES = 72
_RADIAL_STEP_MM = 1.0
_MAX_RADIUS_MM = 50.0
_WALL_MM = (4.0, 18.0)
_MIN_CAVITY_MM = 5.0

#: Largest change of a radius between neighbouring angles, in steps.
_REACH = 1
_BEND_COST = 0.6
_TIME_COST = 0.08
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class RingGuess:
    """A segmented ring with A angles.

    Attributes:
        masks: bool [T, H, W].
        center_xy: (x, y) pixel, origin of the polar coordinates.
        endocardium_mm: [T, A] radii.
        epicardium_mm: [T, A] radii.
        contrast: [T], contrast of wall and cavity: 1 for a black cavity, about 0 for bright blood.
    """

    masks: Array
    center_xy: tuple[float, float]
    endocardium_mm: Array
    epicardium_mm: Array
    contrast: Array


def find_center(magnitude: Array, spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Find the pixel (x, y) that is most likely the centre of a bright ring with a dark cavity.

    Args:
        magnitude: [T, H, W].
        spacing_mm: (dx, dy).
    """
    later = magnitude[len(magnitude) // 6 :].astype(np.float64)
    picture = later.mean(axis=0)
    smooth = ndimage.gaussian_filter(picture, 12.0 / np.mean(spacing_mm))
    local = np.clip(picture / np.maximum(smooth, 0.05 * smooth.max()), 0.0, 2.5)
    reach = int(np.ceil(45.0 / min(spacing_mm)))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    radius = np.hypot(x * spacing_mm[0], y * spacing_mm[1])
    best = np.full(picture.shape, -np.inf)
    for inner in _INNER_RADII_MM:
        wall = (radius >= inner) & (radius < inner + _TEMPLATE_WALL_MM)
        pool = radius < inner - 2.0
        template = wall / wall.sum() - pool / pool.sum()
        # every part of the ring must be bright: use the darkest of six sectors, not the mean
        angle = np.arctan2(y, x)
        sectors = [wall & (np.floor((angle + np.pi) / (2 * np.pi) * 6).clip(0, 5) == s) for s in range(6)]
        darkest = np.min([signal.fftconvolve(local, (s / s.sum())[::-1, ::-1], mode="same") for s in sectors], axis=0)
        inside = signal.fftconvolve(local, (pool / pool.sum())[::-1, ::-1], mode="same")
        mean = signal.fftconvolve(local, template[::-1, ::-1], mode="same")
        best = np.maximum(best, mean + (darkest - inside))
    margin = int(np.ceil(20.0 / min(spacing_mm)))
    valid = np.zeros(picture.shape, dtype=bool)
    valid[margin:-margin, margin:-margin] = True
    row, column = np.unravel_index(int(np.argmax(np.where(valid, best, -np.inf))), picture.shape)
    return float(column), float(row)


def guess_ring(
    magnitude: Array, spacing_mm: tuple[float, float], center_xy: tuple[float, float] | None = None
) -> RingGuess:
    """Segment the wall on every frame.

    Args:
        magnitude: [T, H, W].
        spacing_mm: (dx, dy).
        center_xy: a pixel in the cavity; found automatically if None.

    Raises:
        LaMoDInputError: no ring was found.
    """
    center = center_xy or find_center(magnitude, spacing_mm)
    for _ in range(2):  # a few frames suffice to move the origin to the centre of the ring
        polar = polar_series(magnitude[len(magnitude) // 6 :: 6], spacing_mm, center)
        evidence, contrast = wall_evidence(polar)
        endo, epi = _contours(evidence, contrast)
        shift = _ring_center(endo, epi)
        center = (center[0] + shift[0] / spacing_mm[0], center[1] + shift[1] / spacing_mm[1])
    polar = polar_series(magnitude, spacing_mm, center)
    evidence, contrast = wall_evidence(polar)
    if float(contrast.max()) < 0.2:
        raise LaMoDInputError(
            "magnitude", "no bright ring with a dark cavity was found", "draw the contours, or give --center X,Y"
        )
    endo, epi = _contours(evidence, contrast)
    masks = np.stack([_rasterise(endo[t], epi[t], center, spacing_mm, magnitude.shape[1:]) for t in range(len(endo))])
    return RingGuess(masks, center, endo, epi, contrast)


def polar_series(magnitude: Array, spacing_mm: tuple[float, float], center_xy: tuple[float, float]) -> Array:
    """Sample magnitude along rays, [T, A, R]: angles from +x towards +y in steps of 360°/A, radii in steps of 1 mm."""
    angles = np.arange(_ANGLES) * 2 * np.pi / _ANGLES
    radii = np.arange(int(_MAX_RADIUS_MM / _RADIAL_STEP_MM)) * _RADIAL_STEP_MM
    x = center_xy[0] + np.outer(np.cos(angles), radii) / spacing_mm[0]
    y = center_xy[1] + np.outer(np.sin(angles), radii) / spacing_mm[1]
    return np.stack([ndimage.map_coordinates(f.astype(np.float64), [y, x], order=1, mode="nearest") for f in magnitude])


def wall_evidence(polar: Array) -> tuple[Array, Array]:
    """Compute the evidence for wall at each polar sample, −1…1, and the contrast of each frame.

    The threshold is half-way between the first peak of a ray (the wall) and the median signal of the cavity, so
    inhomogeneous coil sensitivity does not matter.

    Args:
        polar: [T, A, R].

    Returns:
        evidence [T, A, R]; contrast [T].
    """
    frames = len(polar)
    evidence = np.zeros_like(polar)
    contrast = np.zeros(frames)
    core = max(2, int(_MIN_CAVITY_MM / _RADIAL_STEP_MM))
    for t in range(frames):
        cavity = float(np.median(polar[t, :, :core]))
        smooth = ndimage.gaussian_filter1d(polar[t], 2.0 / _RADIAL_STEP_MM, axis=1, mode="nearest")
        reach = slice(core, int(40.0 / _RADIAL_STEP_MM))
        first_peak = np.array([_first_peak(ray[reach], cavity) for ray in smooth])
        wall = ndimage.gaussian_filter1d(ndimage.median_filter(first_peak, 9, mode="wrap"), 3.0, mode="wrap")
        wall = np.maximum(wall, cavity * 1.05 + 1e-12)
        middle, half = 0.5 * (wall + cavity), 0.5 * (wall - cavity)
        evidence[t] = np.clip((polar[t] - middle[:, None]) / half[:, None], -1.0, 1.0)
        contrast[t] = float(np.median(1.0 - cavity / wall))
    return evidence, np.clip(contrast, 0.0, 1.0)


def _first_peak(ray: Array, floor: float) -> float:
    """Height of the first peak of a ray that rises above the cavity's signal."""
    peaks, _ = signal.find_peaks(ray, prominence=0.15 * max(float(ray.max()) - floor, 1e-12))
    high = [p for p in peaks if ray[p] > floor + 0.35 * (float(ray.max()) - floor)]
    return float(ray[high[0]]) if high else float(ray.max())


def best_ring(evidence: Array, expected: tuple[Array, Array] | None, time_cost: float) -> tuple[Array, Array]:
    """Find the pair of closed contours that encloses the most evidence, by dynamic programming over the angle.

    Maximises Σ_angle [Σ_{endo ≤ r < epi} evidence − Σ_{r < endo} max(evidence, 0)] minus a bending cost and minus the
    squared distance from the radii expected from neighbouring frames.

    Args:
        evidence: [A, R].
        expected: radii [A] of endo- and epicardium in steps, or None.
        time_cost: weight of the expected radii.

    Returns:
        endocardium and epicardium, [A] in steps.
    """
    angles, steps = evidence.shape
    total = np.concatenate([np.zeros((angles, 1)), np.cumsum(evidence, axis=1)], axis=1)
    bright = np.concatenate([np.zeros((angles, 1)), np.cumsum(np.maximum(evidence, 0.0), axis=1)], axis=1)
    endo_steps = np.arange(int(_MIN_CAVITY_MM / _RADIAL_STEP_MM), steps - int(_WALL_MM[0] / _RADIAL_STEP_MM))
    thick_steps = np.arange(int(_WALL_MM[0] / _RADIAL_STEP_MM), int(_WALL_MM[1] / _RADIAL_STEP_MM) + 1)
    endo, thick = np.meshgrid(endo_steps, thick_steps, indexing="ij")
    epi = np.minimum(endo + thick, steps)
    cost = -(total[:, epi] - total[:, endo]) + bright[:, endo]
    if expected is not None and time_cost > 0:
        cost = cost + time_cost * (
            (endo[None] - expected[0][:, None, None]) ** 2 + (epi[None] - expected[1][:, None, None]) ** 2
        )
    path = _closed_path(cost)
    return endo_steps[path[:, 0]].astype(float), epi[path[:, 0], path[:, 1]].astype(float)


def _closed_path(cost: Array) -> Array:
    """Find the cheapest closed path [A, 2] over states [A, P, Q]; neighbouring states differ by at most `_REACH`.

    The path runs over three turns from any start; the middle turn closes on itself for practically all images.
    """
    angles = cost.shape[0]
    moves = [(i, j) for i in range(-_REACH, _REACH + 1) for j in range(-_REACH, _REACH + 1)]
    bend = [_BEND_COST * (i * i + (i + j) ** 2) for i, j in moves]
    best = cost[0].copy()
    back = np.zeros((3 * angles, *cost.shape[1:]), dtype=np.int8)
    for step in range(1, 3 * angles):
        padded = np.pad(best, _REACH, constant_values=np.inf)
        shape = best.shape
        options = np.stack(
            [padded[_REACH + i : _REACH + i + shape[0], _REACH + j : _REACH + j + shape[1]] + b
             for (i, j), b in zip(moves, bend, strict=True)]
        )  # fmt: skip
        back[step] = np.argmin(options, axis=0)
        best = np.take_along_axis(options, back[step][None].astype(int), axis=0)[0] + cost[step % angles]
    state = np.array(np.unravel_index(int(np.argmin(best)), best.shape))
    path = np.zeros((angles, 2), dtype=int)
    for step in range(3 * angles - 1, angles - 1, -1):
        if step < 2 * angles:
            path[step - angles] = state
        state = state + np.array(moves[int(back[step][state[0], state[1]])])
    return path


def _contours(evidence: Array, contrast: Array) -> tuple[Array, Array]:
    """Radii [T, A] in mm: first of each frame alone, then with the radii expected from neighbouring frames."""
    frames = len(evidence)
    trust = np.where(contrast > 0.5 * np.median(contrast), contrast, 1e-3)
    pairs = [best_ring(evidence[t], None, 0.0) for t in range(frames)]
    endo, epi = np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])
    for _ in range(_ROUNDS - 1):
        expected = [_smooth(values, trust) for values in (endo, epi)]
        for t in range(frames):
            endo[t], epi[t] = best_ring(
                evidence[t] * min(1.0, trust[t] * 2), (expected[0][t], expected[1][t]), _TIME_COST
            )
    endo, epi = (_smooth(values, trust) * _RADIAL_STEP_MM for values in (endo, epi))
    return endo, epi


def _smooth(radii: Array, trust: Array) -> Array:
    """Gaussian mean over time (weighted by trust) and angle; neighbours determine frames without contrast."""
    weights = np.broadcast_to(trust[:, None], radii.shape)
    near = ndimage.gaussian_filter1d(weights, 1.5, axis=0, mode="nearest", truncate=8.0)
    mean = ndimage.gaussian_filter1d(radii * weights, 1.5, axis=0, mode="nearest", truncate=8.0) / near
    return np.asarray(ndimage.gaussian_filter1d(mean, 1.5, axis=1, mode="wrap"))


def _ring_center(endo: Array, epi: Array) -> tuple[float, float]:
    angles = np.arange(_ANGLES) * 2 * np.pi / _ANGLES
    radius = 0.5 * (endo + epi).mean(axis=0)
    area = radius**3 / 3.0
    total = (radius**2 / 2.0).sum()
    return float((area * np.cos(angles)).sum() / total), float((area * np.sin(angles)).sum() / total)


def _rasterise(
    endo: Array, epi: Array, center_xy: tuple[float, float], spacing_mm: tuple[float, float], shape: tuple[int, int]
) -> Array:
    angles = np.arange(_ANGLES) * 2 * np.pi / _ANGLES
    rays = np.column_stack([np.cos(angles) / spacing_mm[0], np.sin(angles) / spacing_mm[1]])
    outer, inner = (np.asarray(center_xy) + radius[:, None] * rays for radius in (epi, endo))
    return np.asarray(inside_polygon(outer, shape) & ~inside_polygon(inner, shape))
