"""Background phase: the phase of tissue that does not move.

Eddy currents and an imperfect phase reference add a phase that is smooth in space and constant in time. A low-order
polynomial is fitted to it in static tissue (chest wall, back) and subtracted everywhere. Without enough static tissue
nothing is subtracted, and a note reports this.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dense.images import wrap

#: Static tissue: the SD of its phase over the frames, weighted by signal, is less than this (rad) …
_STATIC_SCATTER = 0.5
#: … it is at least this bright, relative to the myocardium or to the 90th percentile of the image …
_STATIC_BRIGHTNESS = 0.25
#: … it is at least this far (pixels) from the heart …
_HEART_MARGIN = 4
#: … and there is at least this much of it (pixels), on at least this many of the four sides of the heart.
_MIN_PIXELS = 150
_MIN_QUADRANTS = 2


@dataclass(frozen=True, eq=False)
class Background:
    """Background phase of both encodings.

    Attributes:
        phase: float64 [2, H, W] radians, zero if it could not be estimated.
        static: bool [H, W], static tissue.
        note: what was subtracted.
    """

    phase: Array
    static: Array
    note: Note


def static_tissue(magnitude: Array, phase: Array, heart: Array) -> Array:
    """Find pixels with signal whose phase is constant over the cine.

    Args:
        magnitude: [T, H, W].
        phase: [T, 2, H, W] wrapped radians.
        heart: bool [H, W], all pixels that the ventricle covers in any frame.

    Returns:
        bool [H, W].
    """
    coherence = np.abs(mean_phasor(magnitude, phase))
    scatter = np.sqrt(-2.0 * np.log(np.clip(coherence, 1e-9, 1.0 - 1e-12)))
    level = magnitude.mean(axis=0)
    bright = float(np.median(level[heart])) if heart.any() else float(np.percentile(level, 90))
    away = ~ndimage.binary_dilation(heart, iterations=_HEART_MARGIN) if heart.any() else np.ones_like(heart)
    # pixels whose phase never changes were masked by the reconstruction and are not tissue
    alive = phase.std(axis=0).min(axis=0) > 1e-6
    candidate = away & alive & (level > _STATIC_BRIGHTNESS * bright) & (scatter.max(axis=0) < _STATIC_SCATTER)
    return np.asarray(ndimage.binary_opening(candidate, structure=np.ones((3, 3))))


def mean_phasor(magnitude: Array, phase: Array) -> Array:
    """Average exp(i phase) over the frames, weighted by magnitude² (the inverse variance of phase): [2, H, W]."""
    weights = magnitude.astype(np.float64)[:, None] ** 2
    total = np.maximum(weights.sum(axis=0), 1e-30)
    return np.asarray((weights * np.exp(1j * phase.astype(np.float64))).sum(axis=0) / total)


def polynomial_terms(shape: tuple[int, int], order: int) -> Array:
    """Monomials x^i y^j with i + j ≤ order over the field of view scaled to −1…1: [K, H, W]."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    return np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)])


def fit_background(magnitude: Array, phase: Array, heart: Array, order: int = 1) -> Background:
    """Estimate the background phase from static tissue.

    Wrapping does not matter: the polynomial is refined on the wrapped residual, starting from the mean phase.

    Args:
        magnitude: [T, H, W].
        phase: [T, 2, H, W] wrapped radians.
        heart: bool [H, W], all pixels that the ventricle covers in any frame.
        order: order of the polynomial; 1 is an offset and two slopes.
    """
    shape = magnitude.shape[1:]
    static = static_tissue(magnitude, phase, heart)
    rows, columns = np.nonzero(static)
    fitted = np.zeros((2, *shape))
    if heart.any() and rows.size:
        cy, cx = (float(c.mean()) for c in np.nonzero(heart))
    else:
        cy, cx = (shape[0] - 1) / 2, (shape[1] - 1) / 2
    quadrants = len(np.unique((rows > cy) * 2 + (columns > cx)))
    if rows.size < _MIN_PIXELS or quadrants < _MIN_QUADRANTS:
        text = "The field of view contains too little static tissue: no background phase was subtracted."
        return Background(fitted, static, note("dense_background_not_found", text))
    terms = polynomial_terms(shape, order)
    design = terms[:, static].T
    weights = np.sqrt(magnitude.mean(axis=0)[static])
    phasors = mean_phasor(magnitude, phase)[:, static]
    for c in range(2):
        phasor = phasors[c]
        observed = np.angle(phasor)
        coefficients = np.zeros(len(terms))
        constant = int(np.argmin([np.ptp(term) for term in terms]))
        coefficients[constant] = np.angle(phasor.mean())
        for _ in range(10):
            residual = wrap(observed - design @ coefficients)
            sigma = 1.4826 * float(np.median(np.abs(residual))) + 1e-6
            robust = weights / np.maximum(1.0, np.abs(residual) / (2.0 * sigma))
            step, *_ = np.linalg.lstsq(design * robust[:, None], residual * robust, rcond=None)
            coefficients = coefficients + step
        fitted[c] = np.tensordot(coefficients, terms, axes=1)
    peak = float(np.abs(fitted[:, heart]).max()) if heart.any() else float(np.abs(fitted).max())
    text = (
        f"A background phase of order {order}, at most {peak:.2f} rad over the heart, was fitted to {rows.size} pixels "
        "of static tissue and subtracted."
    )
    return Background(fitted, static, note("dense_background_subtracted", text))
