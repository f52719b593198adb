"""Masks that are shifted in the plane against the myocardium of the cine."""

from __future__ import annotations

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.heart.ring.shape import RingShape

#: A shift of 4 mm is a fault; the best shift is accurate to half a pixel, so the limit is slightly lower.
LIMIT_MM = 3.4
_SEARCH_MM = 9.0
#: Relative gain in separation that a shift must reach.
_MIN_GAIN = 0.15
#: The same for a single frame, which is less reliable than the whole series.
_MIN_GAIN_ALONE = 0.35


def check_out_of_register(drawn: SliceShapes) -> list[Finding]:
    """Shift the mask of every frame and find the shift that separates bright blood from dark wall best.

    Separation is d′, the distance of the two mean intensities in units of their spread. If the best shift of all frames
    together is at least `LIMIT_MM`, one finding at end-diastole reports it; single frames that are off by that much
    against the series are reported one by one.
    """
    if drawn.slice.cine is None:
        return []
    frames = [t for t in range(len(drawn.shapes)) if drawn.is_whole[t]]
    if len(frames) < 2:
        return []
    shifts_mm, shifts = _shifts(drawn.slice.grid.spacing_mm)
    separation = np.stack([_separation(drawn.shapes[t], drawn.slice.cine[t], shifts) for t in frames])
    here = int(np.flatnonzero((shifts == 0).all(axis=1))[0])
    together = np.median(separation, axis=0)
    found = []
    best = int(np.argmax(together))
    size = float(np.linalg.norm(shifts_mm[best]))
    if size >= LIMIT_MM and together[best] > (1 + _MIN_GAIN) * max(together[here], 0.0):
        text = f"The masks are shifted by {size:.1f} mm against the myocardium of the cine in all frames."
        frame = drawn.reference_frame
        found.append(finding(drawn, Fault.OUT_OF_REGISTER, Light.REPAIR, frame, text, size, LIMIT_MM, "mm"))
    for t, row in zip(frames, separation, strict=True):
        own = int(np.argmax(row))
        off = float(np.linalg.norm(shifts_mm[own] - shifts_mm[best]))
        if off >= LIMIT_MM and row[own] > (1 + _MIN_GAIN_ALONE) * max(row[best], 0.0):
            text = f"The mask is shifted by {off:.1f} mm against the myocardium of the cine in this frame."
            found.append(finding(drawn, Fault.OUT_OF_REGISTER, Light.LOOK, t, text, off, LIMIT_MM, "mm"))
    return found


def _shifts(spacing_mm: tuple[float, float]) -> tuple[Array, Array]:
    """Candidate shifts (x, y) within the search radius, in mm and in whole pixels."""
    reach = [int(_SEARCH_MM // s) for s in spacing_mm]
    x, y = np.meshgrid(np.arange(-reach[0], reach[0] + 1), np.arange(-reach[1], reach[1] + 1))
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    mm = pixels * np.array(spacing_mm)
    near = np.linalg.norm(mm, axis=1) <= _SEARCH_MM
    return mm[near], pixels[near]


def _separation(shape: RingShape, picture: Array, shifts: Array) -> Array:
    """d′ between blood and wall for each shift [N, 2] of the mask, [N]."""
    height, width = picture.shape
    means, variances = [], []
    for region in (cavity(shape.ring), shape.ring):
        rows, columns = np.nonzero(region)
        step = max(1, rows.size // 250)  # a few hundred pixels suffice for a mean
        rows, columns = rows[::step] + shape.corner_xy[1], columns[::step] + shape.corner_xy[0]
        y = np.clip(rows + shifts[:, 1:], 0, height - 1)
        x = np.clip(columns + shifts[:, :1], 0, width - 1)
        values = picture[y, x].astype(np.float64)
        means.append(values.mean(axis=1))
        variances.append(values.var(axis=1))
    return np.asarray((means[0] - means[1]) / np.sqrt(variances[0] + variances[1] + 1e-9))
