"""Thin-plate smoothing splines through scattered vectors, with the smoothing chosen by cross-validation.

Minimises Σ wᵢ |uᵢ − f(xᵢ)|² + λ ∫ |∇²f|² (Wahba, Spline Models for Observational Data, 1990, ch. 2), which is
also DENSEanalysis' `tpaps` option. λ is selected by generalised cross-validation (Craven & Wahba 1979), so noisy
scans are smoothed more than clean ones.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, qr

from LaMoDCore.heart.geometry import Array


def thin_plate_kernel(a: Array, b: Array) -> Array:
    """Kernel r² log r between points a [N, 2] and b [M, 2]: [N, M]."""
    squared = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-300)))


def ring_terms(points: Array, center: Array) -> Array:
    """Unpenalised terms for the motion of a ring: 1, x, y, R cos θ, R sin θ, R² cos θ/r, R² sin θ/r.

    A ring that contracts with constant area moves by u_r(r) ≈ a + b r + c/r. Cartesian components of this motion are
    curved, so a penalty on their curvature would reduce radial strain, most of all at the borders. With these terms in
    the null space of the spline, only deviations from the motion of a ring are smoothed.

    Args:
        points: [N, 2] mm.
        center: [2] mm, centre of the ring; R is the points' mean distance from it.

    Returns:
        [N, 7].
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
    """Solve for the coefficients of the spline: (K + λ W⁻¹) c + T d = y, Tᵀ c = 0 (Wahba 1990, eq. 2.4.23).

    Args:
        kernel: K [N, N], `thin_plate_kernel` among the points.
        free: T [N, P], unpenalised terms at the points, including 1, x and y.
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
    """Generalised cross-validation score of each λ, an estimate of the leave-one-out mean squared error.

    With the kernel projected onto the complement of the unpenalised terms, Q₂ᵀKQ₂ = U diag(s) Uᵀ, the residual of
    component c is λ/(s + λ) Uᵀ Q₂ᵀ y_c, and GCV(λ) = N |residual|² / (Σ λ/(s + λ))² (Wahba 1990, eq. 4.3.1).

    Args:
        points: [N, 2] mm, N > P + 3.
        vectors: [N, C]; the scores of the components are added.
        candidates: [K] values of λ.
        free: [N, P] unpenalised terms at the points.

    Returns:
        [K], in the squared unit of the vectors.
    """
    centred = points - points.mean(axis=0)
    q, _ = qr(free)
    null = q[:, free.shape[1] :]
    spectrum, basis = eigh(null.T @ thin_plate_kernel(centred, centred) @ null)
    spectrum = np.maximum(spectrum, 0.0)
    coefficients = (basis.T @ (null.T @ vectors)) ** 2
    shrink = candidates[:, None] / (spectrum[None, :] + candidates[:, None])
    return np.asarray(len(points) * (shrink**2 @ coefficients).sum(axis=1) / shrink.sum(axis=1) ** 2)
