"""Mask files of contracting rings, small and fast to predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

FRAMES, SHAPE, PIXEL_MM = 8, (44, 46), 2.0


def write_ring(path: Path, inner_mm: float = 22.0) -> Path:
    """A closed ring over eight frames in an oblique short-axis plane."""
    rows, columns = np.indices(SHAPE)
    radius = PIXEL_MM * np.hypot(rows - SHAPE[0] / 2, columns - SHAPE[1] / 2)
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAMES) / FRAMES)
    inner, outer = inner_mm - 6 * amount, inner_mm + 9 - 2 * amount
    ring = (radius >= inner[:, None, None]) & (radius < outer[:, None, None])
    normal = np.array([-0.48, 0.62, 0.62]) / np.linalg.norm([-0.48, 0.62, 0.62])
    x = np.array([1.0, 0, 0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([PIXEL_MM * x, PIXEL_MM * np.cross(normal, x), 8 * normal], axis=1)
    times = np.arange(FRAMES) * 100.0
    write_seq_nrrd(
        path, ring[:, None].astype(np.uint8), affine, times, node_class="vtkMRMLLabelMapVolumeNode", rr_ms=800.0
    )
    return path
