"""Contours as radii about a centre, and their masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.curves import inside_polygon
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.heart.ring.shape import RAYS, RingShape

#: Corners of the polygon that is filled.
_CORNERS = 4 * RAYS


@dataclass(frozen=True, eq=False)
class RayContours:
    """Endo- and epicardium of one frame, star-shaped about a centre.

    Attributes:
        center_mm: [2] (x, y) from the centre of the image's first pixel.
        endo_mm, epi_mm: [RAYS] radii at the angles 2πj/RAYS from x towards y.
    """

    center_mm: Array
    endo_mm: Array
    epi_mm: Array

    @classmethod
    def of(cls, shape: RingShape) -> RayContours:
        """The contours of a closed ring, about the centroid of its cavity."""
        rows, columns = np.nonzero(cavity(shape.ring))
        center = (np.array([columns.mean(), rows.mean()]) + shape.corner_xy) * np.array(shape.spacing_mm)
        endo, epi = shape.radii_mm
        return cls(center, endo, epi)

    def rasterise(self, shape: tuple[int, int], spacing_mm: tuple[float, float]) -> tuple[Array, Array]:
        """Myocardium and cavity, bool [H, W] each."""
        inside = [self._fill(radii, shape, spacing_mm) for radii in (self.epi_mm, self.endo_mm)]
        return inside[0] & ~inside[1], inside[1]

    def _fill(self, radii: Array, shape: tuple[int, int], spacing_mm: tuple[float, float]) -> Array:
        angle = np.arange(_CORNERS) * 2 * np.pi / _CORNERS
        dense = np.interp(angle, np.arange(RAYS + 1) * 2 * np.pi / RAYS, np.append(radii, radii[0]))
        points = self.center_mm + dense[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        pixels = points / np.array(spacing_mm)
        low = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 2, [shape[1], shape[0]])
        filled = np.zeros(shape, dtype=bool)
        if (high > low).all():
            filled[low[1] : high[1], low[0] : high[0]] = inside_polygon(
                pixels - low, (int(high[1] - low[1]), int(high[0] - low[0]))
            )
        return filled
