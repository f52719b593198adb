"""Convert Eulerian displacement to trajectories of material points.

A DENSE pixel at x measures the displacement of its tissue since the encoding instant: u(x, t) = x − X. Each pixel in
the wall is one sample of the Lagrangian displacement at the scattered material point X = x − u, and the motion is
inverted by fitting a surface through these samples (Spottiswoode et al., IEEE TMI 26:15, 2007). Here this is a
thin-plate smoothing spline per frame without outliers, followed by a polynomial in time per point with u(0) = 0 (same
paper; DENSEanalysis uses order 10 by default).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from LaMoDCore.dense.smoothing_spline import (
    cross_validation_scores,
    ring_terms,
    solve_thin_plate,
    thin_plate_kernel,
)
from LaMoDCore.heart.geometry import Array

#: More samples per frame than this are thinned evenly, because the spline's cost grows with their cube.
_MAX_SAMPLES = 600

#: Samples farther from the spline than this many robust SDs, and than the floor in mm, are outliers.
_OUTLIER_SD = 3.5
_OUTLIER_FLOOR_MM = 0.35

_ROBUST_ROUNDS = 3

#: Frames with at most this number of samples are not fitted.
_MIN_SAMPLES = 12

#: λ is chosen for single frames, but the temporal fit averages over many, so less spatial smoothing is needed.
_TEMPORAL_SHARE = 0.3

#: Bounds of the smoothing length, in mm; more smoothing reduces radial strain …
SMOOTHING_BOUNDS_MM = (1.0, 3.0)
#: … and its minimum in noise correlation lengths, below which motion and noise cannot be separated.
_NOISE_LENGTHS = 1.3


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of one frame.

    Attributes:
        position_mm: [N, 2] deformed positions (x, y).
        displacement_mm: [N, 2] displacement since the encoding instant.
        weights: [N] relative inverse variance.
        pixels: [N] flat pixel index.
    """

    position_mm: Array
    displacement_mm: Array
    weights: Array
    pixels: Array

    @property
    def material_mm(self) -> Array:
        """[N, 2]: positions at the encoding instant."""
        return np.asarray(self.position_mm - self.displacement_mm)


@dataclass(frozen=True, eq=False)
class FrameFit:
    """The spline of one frame.

    Attributes:
        displacement_mm: [M, 2] at the target points.
        kept: bool [N], samples that are not outliers.
        residual_mm: [N] distance of each sample from the spline.
    """

    displacement_mm: Array
    kept: Array
    residual_mm: Array


def frame_samples(displacement_mm: Array, mask: Array, weights: Array, spacing_mm: tuple[float, float]) -> Samples:
    """Collect the samples of one frame.

    Args:
        displacement_mm: [2, H, W] Eulerian displacement, NaN where unknown.
        mask: bool [H, W].
        weights: [H, W] ≥ 0.
        spacing_mm: (dx, dy).
    """
    usable = mask & np.isfinite(displacement_mm).all(axis=0) & (weights > 0)
    rows, columns = np.nonzero(usable)
    chosen = weights[usable].astype(np.float64)
    return Samples(
        position_mm=np.column_stack([columns * spacing_mm[0], rows * spacing_mm[1]]).astype(np.float64),
        displacement_mm=displacement_mm[:, usable].T.astype(np.float64),
        weights=chosen / chosen.mean() if chosen.size else chosen,
        pixels=np.flatnonzero(usable),
    )


def spline_penalty(length_mm: float, samples_per_mm2: float) -> float:
    """λ of a thin-plate spline that smooths samples of the given density over about `length_mm`.

    Continuous samples of density ρ are filtered by 1/(1 + (ℓk)⁴) with ℓ⁴ = λ/(8πρ), because the kernel r² log r is 8π
    times the biharmonic Green's function. So ℓ does not depend on the pixel size.
    """
    return float(8.0 * np.pi * samples_per_mm2 * length_mm**4)


def fit_frame(samples: Samples, targets_mm: Array, smoothing_mm: float, pixel_mm2: float) -> FrameFit:
    """Fit the Lagrangian displacement of one frame at material points, without outliers.

    Args:
        samples: at least 6 samples.
        targets_mm: [M, 2] material points (x, y).
        smoothing_mm: smoothing length.
        pixel_mm2: area of a pixel.
    """
    material = samples.material_mm
    count = len(material)
    thinned = np.unique(np.linspace(0, count - 1, _MAX_SAMPLES).astype(int))
    penalty = spline_penalty(smoothing_mm, len(thinned) / count / pixel_mm2)
    everywhere = np.vstack([material, targets_mm])
    kernel = thin_plate_kernel(everywhere, material[thinned])
    free = ring_terms(everywhere, material.mean(axis=0))
    kept = np.ones(count, dtype=bool)
    for _ in range(_ROBUST_ROUNDS):
        use = kept[thinned]
        chosen = thinned[use]
        bent, flat = solve_thin_plate(
            kernel[chosen][:, use],
            free[chosen],
            samples.displacement_mm[chosen],
            samples.weights[chosen],
            penalty,
        )
        fitted = kernel[:, use] @ bent + free @ flat
        residual = np.linalg.norm(samples.displacement_mm - fitted[:count], axis=1)
        # the median length of a 2-D Gaussian error is 1.177 sigma
        sigma = float(np.median(residual)) / 1.177
        again = residual <= max(_OUTLIER_SD * sigma, _OUTLIER_FLOOR_MM)
        if again.sum() < max(6, count // 2) or (again == kept).all():
            break
        kept = again
    return FrameFit(fitted[count:], kept, residual)


def choose_smoothing_mm(
    series: list[Samples], pixel_mm2: float, noise_length_mm: float = 0.0, probes: int = 6
) -> float:
    """Select the smoothing length with the lowest cross-validation error, within bounds.

    The errors of several frames are added, so frames with large motion dominate: frames at rest tolerate any
    smoothing.

    Args:
        series: samples of every frame.
        pixel_mm2: area of a pixel.
        noise_length_mm: correlation length of the noise (`noise_correlation_mm`); 0 for white noise.
        probes: number of frames to evaluate.
    """
    low, high = SMOOTHING_BOUNDS_MM
    low = min(max(low, _NOISE_LENGTHS * noise_length_mm), high)
    frames = [s for s in series if len(s.position_mm) > _MIN_SAMPLES]
    if not frames:
        return low
    lengths = np.geomspace(0.5, 6.0, 40)
    total = np.zeros(len(lengths))
    for index in np.unique(np.linspace(0, len(frames) - 1, probes).astype(int)):
        material, moved = frames[index].material_mm, frames[index].displacement_mm
        some = np.unique(np.linspace(0, len(material) - 1, 450).astype(int))
        density = len(some) / len(material) / pixel_mm2
        penalties = np.array([spline_penalty(length, density) for length in lengths])
        total += cross_validation_scores(
            material[some], moved[some], penalties, ring_terms(material[some], material.mean(axis=0))
        )
    best = float(lengths[int(np.argmin(total))]) * _TEMPORAL_SHARE**0.25
    return float(np.clip(best, low, high))


def fit_frames(
    series: list[Samples],
    targets_mm: Array,
    smoothing_mm: float,
    pixel_mm2: float,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[FrameFit | None]:
    """Apply `fit_frame` to every frame; None for frames with too few samples."""
    fits: list[FrameFit | None] = []
    for index, samples in enumerate(series):
        enough = len(samples.position_mm) > _MIN_SAMPLES
        fits.append(fit_frame(samples, targets_mm, smoothing_mm, pixel_mm2) if enough else None)
        progress((index + 1) / len(series))
    return fits


def fit_in_time(
    displacement_mm: Array,
    times_ms: Array,
    weights: Array,
    order: int,
    evaluate_ms: Array,
    *,
    anchored: bool = True,
) -> Array:
    """Fit a least-squares polynomial in time to the trajectories of material points.

    Periodicity is not assumed because DENSE covers only part of the cycle. Anchored, u(t) = t Σ aₖ Pₖ(t) with Legendre
    polynomials P₀…P_{order−1}, so that u(0) = 0 at the encoding instant.

    Args:
        displacement_mm: [T, M, 2].
        times_ms: [T] from the encoding pulses.
        weights: [T], relative inverse variance of each frame, ≥ 0.
        order: order of the polynomial; reduced if there are too few frames.
        evaluate_ms: [S] times at which to evaluate it.
        anchored: whether u(0) = 0 is imposed.

    Returns:
        [S, M, 2].
    """
    span = float(times_ms[-1])
    terms = min(order, max(1, int(np.count_nonzero(weights)) - 1))

    def basis(times: Array) -> Array:
        scaled = times / span
        powers = np.polynomial.legendre.legvander(2.0 * scaled - 1.0, terms - 1 if anchored else terms)
        return np.asarray(powers * scaled[:, None] if anchored else powers)

    root = np.sqrt(weights)
    flat = displacement_mm.reshape(len(times_ms), -1)
    coefficients, *_ = np.linalg.lstsq(basis(times_ms) * root[:, None], flat * root[:, None], rcond=None)
    return np.asarray((basis(evaluate_ms) @ coefficients).reshape(len(evaluate_ms), *displacement_mm.shape[1:]))
