"""Strain fields: time compared with the pixel-by-pixel reference, error on a closed-form ring, noise against bias."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from LaMoDCore.benchmarks.timing import best_of
from LaMoDCore.heart.geometry import Array
from LaMoDCore.strain import compute_strain, gradient_operator
from LaMoDCore.strain.plain import strain_reference

FRAMES = 40
#: Draws of the noise.
DRAWS = 100
#: The reference implementation is timed over this many frames and extrapolated to all.
PLAIN_FRAMES = 2
INNER_MM, OUTER_MM, INNER_ECC, STRETCH_Z = 27.0, 37.0, -0.21, 0.88


def ring(spacing_mm: float, fov_mm: float = 128.0) -> tuple[Array, Array, Array, Array]:
    """An incompressible annulus at end-systole: mask [H, W], u [2, H, W] mm, exact Ecc and Err [H, W]."""
    size = round(fov_mm / spacing_mm)
    x = (np.arange(size) - (size - 1) / 2)[None, :] * spacing_mm + 0.3
    y = (np.arange(size) - (size - 1) / 2)[:, None] * spacing_mm + 0.2
    radius = np.hypot(x, y)
    inner = INNER_MM * np.sqrt(1 + 2 * INNER_ECC)
    scale = np.sqrt(np.maximum(inner**2 + (radius**2 - INNER_MM**2) / STRETCH_Z, 1.0)) / radius
    ecc, err = 0.5 * (scale**2 - 1), 0.5 * ((1 / (STRETCH_Z * scale)) ** 2 - 1)
    mask = (radius >= INNER_MM) & (radius <= OUTER_MM)
    return mask, np.stack(((scale - 1) * x, (scale - 1) * y)), ecc, err


def report(repeats: int) -> Iterator[str]:
    """Yield the lines of the tables."""
    mask, motion, *_ = ring(1.0)
    motions = np.stack([motion * part for part in np.linspace(0, 1, FRAMES)]).astype(np.float32)
    fast = best_of(lambda: compute_strain(motions, mask), repeats)
    plain = best_of(lambda: strain_reference(motions[-PLAIN_FRAMES:], mask, (1.0, 1.0)), 1)
    whole = plain.cpu * FRAMES / PLAIN_FRAMES
    yield f"{FRAMES} frames of {mask.shape[0]}², {int(mask.sum())} pixels, all fields: {fast}"
    yield f"pixel by pixel (timed over {PLAIN_FRAMES} frames): {whole:.1f} s CPU, {whole / fast.cpu:.0f}× slower"
    yield ""
    yield "annulus R 27–37 mm, mean |error| over all pixels, no noise"
    yield "| pixel mm | support mm | Ecc | Ecc, rim | Err |"
    yield "| --- | --- | --- | --- | --- |"
    for spacing in (1.0, 1.4, 1.8, 2.65):
        for support in (8.0, 10.0):
            yield _error_row(spacing, support)
    yield ""
    yield (
        f"white noise on u, {DRAWS} draws: pooled SD and mean |bias| over all pixels; "
        "gain: SD of a slope per mm of noise"
    )
    yield "| pixel mm | noise mm | support mm | SD Ecc | mean abs. bias Ecc | SD Err | worst pixel's gain, 1/mm |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for spacing in (1.0, 1.8, 2.65):
        for noise in (0.1, 0.2, 0.4):
            for support in (8.0, 10.0, 12.0):
                yield _noise_row(spacing, noise, support)


def _error_row(spacing: float, support: float) -> str:
    mask, motion, ecc, err = ring(spacing)
    fields = compute_strain(motion[None], mask, (spacing, spacing), support_mm=support)
    inside = np.pad(mask, 1)
    core = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    away = np.abs(fields.ecc[0] - ecc)
    radial = np.abs(fields.err[0] - err)[mask].mean()
    return f"| {spacing} | {support} | {away[mask].mean():.4f} | {away[mask & ~core].mean():.4f} | {radial:.4f} |"


def _noise_row(spacing: float, noise: float, support: float) -> str:
    mask, motion, ecc, _ = ring(spacing)
    errors = noise * np.random.default_rng(0).standard_normal((DRAWS, *motion.shape))
    fields = compute_strain(motion + errors, mask, (spacing, spacing), support_mm=support)
    values = fields.ecc[:, mask].astype(np.float64)
    spread = np.sqrt(values.var(axis=0).mean())
    radial = np.sqrt(fields.err[:, mask].astype(np.float64).var(axis=0).mean())
    bias = np.abs(values.mean(axis=0) - ecc[mask]).mean()
    gain = np.nanmax(gradient_operator(mask, (spacing, spacing), support_mm=support).noise_gain())
    return f"| {spacing} | {noise} | {support} | {spread:.4f} | {bias:.4f} | {radial:.4f} | {gain:.2f} |"
