"""Cine images that the toy engine understands: a ring that contracts, with a right ventricle, as NIfTI."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from toy_engine import LEVELS

PIXEL_MM = 2.0
FRAMES = 12
SHAPE = (64, 64)


def radii(frame: int, size: float = 1.0) -> tuple[float, float]:
    """Endo- and epicardial radius, mm; the wall keeps its area."""
    endo = size * 24.0 * (1 - 0.3 * np.sin(np.pi * frame / FRAMES) ** 2)
    return endo, float(np.sqrt(endo**2 + size**2 * (33.0**2 - 24.0**2)))


def ring_frame(endo_mm: float, epi_mm: float, *, right: bool = True, open_degrees: float = 0.0) -> np.ndarray:
    """Grey values [H, W] of one frame; a gap of the wall of `open_degrees` opens towards +x."""
    y, x = (np.indices(SHAPE) - 31.5) * PIXEL_MM
    distance = np.hypot(x, y)
    picture = np.zeros(SHAPE)
    if right:
        picture[(np.hypot(x + 36.0, y) < 26.0) & (distance > epi_mm)] = LEVELS[1]
    picture[distance < epi_mm] = LEVELS[2]
    if open_degrees:
        gap = np.abs(np.degrees(np.arctan2(y, x))) < open_degrees / 2
        picture[gap & (distance > endo_mm) & (distance < epi_mm)] = 0.0
    picture[distance < endo_mm] = LEVELS[3]
    return picture


def write_cine(
    path: Path,
    slices: list[np.ndarray],
    spacing_mm: float = 8.0,
    step_ms: float = 70.0,
    depth_mm: float = 0.0,
    oriented: bool = True,
) -> Path:
    """Slices [T, H, W] from base to apex as a 4-D NIfTI with an oblique short-axis orientation, or with none."""
    volume = np.stack(slices, axis=1).astype(np.float32)
    image = sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in volume])
    apex = np.array([1.0, -1.0, -1.0]) / np.sqrt(3)
    x = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    y = np.cross(apex, x)
    direction = np.eye(4)
    direction[:3, :3] = np.stack([x, y, apex], axis=1)
    image.SetDirection(direction.ravel())
    image.SetSpacing((PIXEL_MM, PIXEL_MM, spacing_mm, step_ms / 1000.0))
    image.SetOrigin((*(depth_mm * apex), 0.0))
    sitk.WriteImage(image, str(path))
    if not oriented:  # both codes zero: the file states no orientation
        header = bytearray(gzip.decompress(path.read_bytes()))
        header[252:256] = b"\0\0\0\0"
        path.write_bytes(gzip.compress(bytes(header)))
    return path


def contracting(size: float = 1.0, **options: float | bool) -> np.ndarray:
    """A slice [T, H, W] whose ring contracts."""
    return np.stack([ring_frame(*radii(frame, size), **options) for frame in range(FRAMES)])
