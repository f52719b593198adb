"""Spatial correlation length of the measurement noise."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array

#: Noise with a lower correlation of neighbouring pixels counts as white.
_WHITE = 0.05


def noise_correlation_mm(eulerian_mm: Array, mask: Array, spacing_mm: tuple[float, float]) -> float:
    """Estimate the correlation length s of the noise, modelled as white noise blurred by a Gaussian of sigma s.

    In images that were interpolated, filtered or gridded from a smaller matrix, neighbouring pixels share noise, which
    cross-validation mistakes for signal. The second difference in time at a fixed pixel is almost pure noise, because
    motion is nearly linear over three frames. White noise blurred by sigma s has the correlation
    ρ(h) = exp(−h²/(4 s²)) at lag h, so the correlation at a lag of one pixel gives s.

    Args:
        eulerian_mm: [T, 2, H, W] unwrapped displacement, NaN outside the wall.
        mask: bool [T, H, W].
        spacing_mm: (dx, dy).

    Returns:
        s in mm; 0 for white noise, or with fewer than three frames.
    """
    if len(mask) < 3:
        return 0.0
    bend = eulerian_mm[:-2] - 2.0 * eulerian_mm[1:-1] + eulerian_mm[2:]
    inside = mask[:-2] & mask[1:-1] & mask[2:]
    usable = inside[:, None] & np.isfinite(bend)
    bend = bend - np.array([[[[np.median(b[u])]] if u.any() else [[0.0]] for b, u in zip(bs, us, strict=True)]
                            for bs, us in zip(bend, usable, strict=True)])  # fmt: skip
    if not usable.any():
        return 0.0
    limit = 4.0 * 1.4826 * float(np.median(np.abs(bend[usable])))
    noise = np.where(usable, np.clip(np.nan_to_num(bend), -limit, limit), 0.0)
    lengths = []
    for axis, step in ((3, spacing_mm[0]), (2, spacing_mm[1])):
        last = noise.shape[axis]
        here, there = (np.take(noise, range(a, b), axis) for a, b in ((0, last - 1), (1, last)))
        both = np.take(usable, range(last - 1), axis) & np.take(usable, range(1, last), axis)
        power = float(np.sqrt((here[both] ** 2).mean() * (there[both] ** 2).mean())) if both.any() else 0.0
        if power > 0:
            shared = float(np.clip((here[both] * there[both]).mean() / power, 0.0, 0.95))
            lengths.append(step / (2.0 * np.sqrt(-np.log(shared))) if shared > _WHITE else 0.0)
    return float(np.mean(lengths)) if lengths else 0.0
