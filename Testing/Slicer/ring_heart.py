"""A contracting ring with analytic motion: cine, masks, and a result folder as written by `lamod predict`.

A point at radius R goes to r = √(R² − k(t)) about the centre, which keeps areas: the wall moves inwards in systole.
"""

from __future__ import annotations

import json
from pathlib import Path

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
    right = (np.hypot((x + 46) / 20, y / 32) < 1) & (material > inner_mm + wall_mm)
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


def write_result(folder: Path, masks: np.ndarray, ijk_to_lps: np.ndarray, times_ms: np.ndarray) -> None:
    """Write a result folder for masks [T, Z, H, W] (bool) of rings; each slice contracts about its own centre."""
    folder.mkdir(parents=True)
    frames, depth, height, width = masks.shape
    shape = (frames, depth, height, width)
    displacement = np.full((*shape, 3), np.nan, np.float32)
    fields = {name: np.full(shape, np.nan, np.float32) for name in ("ecc", "err", "e1", "e2", "jacobian")}
    affines = []
    for z in range(depth):
        affine = np.array(ijk_to_lps, float)
        affine[:3, 3] += z * affine[:3, 2]
        affines.append(affine)
        plane = SliceGrid((height, width), affine)
        rows, columns = np.nonzero(masks[0, z])
        spacing = np.array(plane.spacing_mm)
        offset = (np.column_stack([columns, rows]) - [columns.mean(), rows.mean()]) * spacing
        radius = np.linalg.norm(offset, axis=1)
        for t, k in enumerate(squeeze(radius.min(), frames)):
            now = np.sqrt(radius**2 - k)
            displacement[t, z, rows, columns] = plane.vectors_to_lps(offset * (now / radius - 1)[:, None])
            circumferential, radial = 0.5 * ((now / radius) ** 2 - 1), 0.5 * ((radius / now) ** 2 - 1)
            values = {
                "ecc": circumferential,
                "err": radial,
                "e1": radial,
                "e2": circumferential,
                "jacobian": np.ones_like(now),
            }
            for name, value in values.items():
                fields[name][t, z, rows, columns] = value
    np.savez(
        folder / "motion.npz",
        displacement_mm=displacement,
        myocardium=masks[0],
        segment=masks[0].astype(np.int16),
        ijk_to_lps=np.stack(affines),
        frame_times_ms=np.tile(times_ms, (depth, 1)),
        reference_frame=0,
        es_frame=int(np.argmax(squeeze(1.0, frames))),
        **fields,
    )
    summary = {"provenance": {"model": "analytic ring", "device": "cpu", "device_reason": "no CUDA device"}}
    (folder / "strain.json").write_text(json.dumps(summary))
