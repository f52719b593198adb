"""A ring with a closed-form contraction, twist and drift, and its simulated DENSE scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.phantom.imaging.dense_imaging import DenseProtocol, SimulatedDense, simulate_dense

RR_MS = 900.0

#: A short scan to keep the tests fast: 18 frames over 70 % of the cycle.
SHORT_SCAN = DenseProtocol(frame_ms=34.0, first_frame_ms=34.0, subpixels=2)


@dataclass(frozen=True)
class Annulus:
    """Radii in mm at rest; at full contraction the cavity's radius is `shrink` times that, and the area 15 % larger."""

    inner: float = 24.0
    outer: float = 33.0
    shrink: float = 0.8
    twist_deg: float = 8.0
    drift_mm: tuple[float, float] = (3.0, -2.0)

    def wall(self, points: Array) -> Array:
        radius = np.hypot(points[..., 0], points[..., 1])
        return np.asarray(np.maximum(self.inner - radius, radius - self.outer))

    def motion(self, points: Array, phase: float) -> Array:
        active = np.sin(np.pi * min(phase / 0.7, 1.0)) ** 2
        radius, angle = np.hypot(points[..., 0], points[..., 1]), np.arctan2(points[..., 1], points[..., 0])
        inner = self.inner * (1 - (1 - self.shrink) * active)
        squared = inner**2 + (1 + 0.15 * active) * (radius**2 - self.inner**2)
        moved = np.sqrt(np.maximum(squared, 0.25 * radius**2))
        depth = (radius - self.inner) / (self.outer - self.inner)
        turned = angle + np.deg2rad(self.twist_deg) * active * (1.2 - 0.4 * depth)
        return np.stack(
            [
                moved * np.cos(turned) - points[..., 0] + self.drift_mm[0] * active,
                moved * np.sin(turned) - points[..., 1] + self.drift_mm[1] * active,
            ],
            axis=-1,
        )


def short_axis_grid(pixels: int = 48, spacing_mm: float = 2.65) -> SliceGrid:
    """A slice seen from the apex, centred on the origin."""
    normal = -np.array([1.0, -1.0, -1.0]) / np.sqrt(3.0)
    x = np.array([1.0, 0.0, 0.0]) - normal[0] * normal
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x * spacing_mm, y * spacing_mm, normal * 8.0
    affine[:3, 3] = -(x + y) * spacing_mm * (pixels - 1) / 2
    return SliceGrid((pixels, pixels), affine)


def scan(
    ring: Annulus | None = None, protocol: DenseProtocol = SHORT_SCAN, seed: int = 0, grid: SliceGrid | None = None
) -> SimulatedDense:
    """DENSE of the ring, the field of view centred on it."""
    ring, grid = ring or Annulus(), grid or short_axis_grid(spacing_mm=protocol.pixel_mm)
    corner = -0.5 * (np.array(grid.shape[::-1]) - 1) * np.array(grid.spacing_mm)
    return simulate_dense(
        ring.motion, ring.wall, grid, RR_MS, protocol, seed, origin_mm=(float(corner[0]), float(corner[1]))
    )
