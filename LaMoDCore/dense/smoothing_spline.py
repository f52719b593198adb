"""Thin-plate smoothing splines through scattered vectors, with the smoothing chosen by the data themselves.

Minimises Σ wᵢ |uᵢ − f(xᵢ)|² + λ ∫ |∇²f|² (Wahba, Spline Models for Observational Data, 1990, ch. 2), which is
also DENSEanalysis' `tpaps` option. λ comes from generalised cross-validation (Craven & Wahba 1979), so noisy
scans are smoothed more than clean ones and nobody has to turn a knob.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, qr

from LaMoDCore.heart.geometry import Array


def thin_plate_kernel(a: Array, b: Array) -> Array:
    """r² log r between points a [N, 2] and b [M, 2], in their units -> [N, M]."""
    squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-300)))


def affine_terms(points: Array) -> Array:
    """[N, 3]: 1, x, y: what the spline leaves unpenalised."""
    return np.column_stack([np.ones(len(points)), points])


def ring_terms(points: Array, center: Array) -> Array:
    """[N, 7]: 1, x, y, cos θ, sin θ, R²cos θ/r², R²sin θ/r² about a ring's centre: unpenalised where a wall is fitted.

    A ring that contracts with its area kept moves by u_r(r) ≈ a + b r + c/r, which is bent in x and y, though it is the
    plainest motion that a heart has. If its bending were penalised, smoothing would take radial strain away, most of
    all at the rims. With these terms in the spline's null space only what deviates from a ring's motion is smoothed.

    Args:
        points: [N, 2] mm.
        center: [2]; no point may lie on it. R is the points' mean distance from it.
    """
    away = points - center
    radius = np.linalg.norm(away, axis=1)
    typical = float(radius.mean())
    radius = np.maximum(radius, 0.2 * typical)
    unit = away / radius[:, None]
    return np.column_stack([np.ones(len(points)), away, typical * unit, unit * (typical**2 / radius)[:, None]])


def solve_thin_plate(
    kernel: Array, free: Array, vectors: Array, weights: Array, smoothing: float
) -> tuple[Array, Array]:
    """Coefficients of the spline: (K + λ W⁻¹) c + T d = y, Tᵀ c = 0 (Wahba 1990, eq. 2.4.23).

    Args:
        kernel: K [N, N], `thin_plate_kernel` among the points.
        free: T [N, P], unpenalised terms at the points: `affine_terms`, or more that hold them.
        vectors: y [N, C].
        weights: diagonal of W [N] > 0, relative inverse variances with mean about 1.
        smoothing: λ; 0 interpolates.

    Returns:
        c [N, C] and d [P, C].
    """
    count, terms = free.shape
    system = np.zeros((count + terms, count + terms))
    system[:count, :count] = kernel
    system[np.arange(count), np.arange(count)] += smoothing / weights
    system[:count, count:] = free
    system[count:, :count] = free.T
    solution = np.linalg.solve(system, np.vstack([vectors, np.zeros((terms, vectors.shape[1]))]))
    return solution[:count], solution[count:]


def cross_validation_scores(points: Array, vectors: Array, candidates: Array, free: Array) -> Array:
    """Generalised cross-validation score of each λ: about the mean squared error of predicting a sample left out.

    With the kernel projected off the unpenalised terms, Q₂ᵀKQ₂ = U diag(s) Uᵀ, the residual of component c is
    λ/(s + λ) Uᵀ Q₂ᵀ y_c, and GCV(λ) = N |residual|² / (Σ λ/(s + λ))² (Wahba 1990, eq. 4.3.1).

    Args:
        points: [N, 2] mm, N > P + 3.
        vectors: [N, C]; the components' scores are added.
        candidates: λ [K] to try.
        free: [N, P] unpenalised terms at the points.

    Returns:
        [K], in the square of the vectors' unit.
    """
    centred = points - points.mean(axis=0)
    q, _ = qr(free)
    null = q[:, free.shape[1] :]
    spectrum, basis = eigh(null.T @ thin_plate_kernel(centred, centred) @ null)
    spectrum = np.maximum(spectrum, 0.0)
    coefficients = (basis.T @ (null.T @ vectors)) ** 2
    shrink = candidates[:, None] / (spectrum[None, :] + candidates[:, None])
    return np.asarray(len(points) * (shrink**2 @ coefficients).sum(axis=1) / shrink.sum(axis=1) ** 2)
