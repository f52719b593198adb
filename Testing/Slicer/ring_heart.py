"""A contracting ring with analytic motion: cine and masks.

A point at radius R goes to r = √(R² − k(t)) about the centre, which keeps areas: the wall moves inwards in systole.
"""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid

FRAMES = 25
RR_MS = 800.0
#: Directions of columns, rows and normal of a typical oblique short-axis plane, LPS.
OBLIQUE = np.array([[0.74, 0.42, 0.53], [0.56, -0.80, -0.20], [0.37, 0.43, -0.82]])


def squeeze(endocardial_radius_mm: float, frames: int = FRAMES) -> np.ndarray:
    """k(t) [T] in mm²: the cavity's radius decreases by 25 % until end-systole at 0.36 of the cycle."""
    phase = np.arange(frames) / frames
    rise = np.sin(np.pi * np.clip(phase / 0.72, 0, 1)) ** 2
    return endocardial_radius_mm**2 * (1 - (1 - 0.25 * rise) ** 2)


def grid(size: int = 128, spacing_mm: float = 1.4, oblique: bool = True) -> SliceGrid:
    directions = np.linalg.qr(OBLIQUE)[0] if oblique else np.eye(3)
    affine = np.eye(4)
    affine[:3, :3] = directions * [spacing_mm, spacing_mm, 8.0]
    affine[:3, 3] = [10, -40, 25]
    return SliceGrid((size, size), affine)


def ventricle_radii_mm(slices: int) -> list[float]:
    """Inner radii of a stack of rings along the normal of `grid`: of more than three, the first is the apex."""
    return [22.0] * slices if slices <= 3 else [float(r) for r in np.linspace(10, 25, slices)]


def heart(
    slice_grid: SliceGrid | None = None, frames: int = FRAMES, inner_mm: float = 22.0, wall_mm: float = 9.0
) -> CineSlice:
    """Cine and masks of the ring. It is not centred in the image, so that a flipped axis is detected."""
    slice_grid = slice_grid or grid()
    x, y = slice_grid.pixel_centers_mm()
    height, width = slice_grid.shape
    dx, dy = slice_grid.spacing_mm
    x, y = x - (width * 0.44) * dx, y - (height * 0.53) * dy
    radius = np.hypot(x, y)
    k = squeeze(inner_mm, frames)[:, None, None]
    material = np.sqrt(radius**2 + k)
    cavity = material < inner_mm
    myocardium = (material >= inner_mm) & (material <= inner_mm + wall_mm)
    towards_right = -46 * np.sign(slice_grid.directions[0, 0])  # the patient's right, where the right ventricle lies
    right = (np.hypot((x - towards_right) / 20, y / 32) < 1) & (material > inner_mm + wall_mm)
    noise = np.random.default_rng(0).normal(0, 6, (frames, height, width))
    tissue = 70 + 18 * np.sin(x / 11) * np.cos(y / 13)
    cine = np.select([cavity | right, myocardium], [230.0, 105.0], tissue) + noise
    return CineSlice(
        name="ring",
        grid=slice_grid,
        myocardium=myocardium,
        cavity=cavity,
        right_ventricle=right,
        cine=cine.astype(np.float32),
        frame_times_ms=np.arange(frames) * RR_MS / frames,
        rr_ms=RR_MS,
    )
