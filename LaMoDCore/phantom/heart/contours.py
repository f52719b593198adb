"""Endo- and epicardial contours of a slice over time, star-shaped about a moving centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True, eq=False)
class PolarContours:
    """Contours as radii about a centre, at evenly spaced angles (counter-clockwise seen from the apex).

    Attributes:
        center: complex [T], mm from the ventricle's end-diastolic centre, imaginary part up in the picture.
        endo, epi: [T, M] radii in mm at the angles 2πj/M.
    """

    center: Array
    endo: Array
    epi: Array

    def rasterise(self, xy: Array) -> Array:
        """Myocardium, bool [T, H, W] at positions xy [H, W, 2] (x right, y down, mm)."""
        return np.stack(
            [self._inside(frame, xy, self.epi) & ~self._inside(frame, xy, self.endo) for frame in self._frames]
        )

    def cavity(self, xy: Array) -> Array:
        """Blood pool, bool [T, H, W] at positions xy [H, W, 2]."""
        return np.stack([self._inside(frame, xy, self.endo) for frame in self._frames])

    def signed_distances(self, frame: int, xy: Array) -> tuple[Array, Array]:
        """Radial distance (mm, positive inside) of positions [..., 2] from the endo- and the epicardium."""
        offset = xy[..., 0] - 1j * xy[..., 1] - self.center[frame]
        radius = np.abs(offset)
        return self._radius_at(self.endo[frame], offset) - radius, self._radius_at(self.epi[frame], offset) - radius

    def points_xy(self, frame: int) -> tuple[Array, Array]:
        """Endo- and epicardial polygons [M, 2] in mm (x right, y down)."""
        angles = np.exp(2j * np.pi * np.arange(self.endo.shape[1]) / self.endo.shape[1])
        polygons = [self.center[frame] + radii[frame] * angles for radii in (self.endo, self.epi)]
        endo, epi = (np.stack([p.real, -p.imag], -1) for p in polygons)
        return endo, epi

    @property
    def _frames(self) -> range:
        return range(self.center.shape[0])

    def _inside(self, frame: int, xy: Array, radii: Array) -> Array:
        offset = xy[..., 0] - 1j * xy[..., 1] - self.center[frame]
        return np.asarray(np.abs(offset) <= self._radius_at(radii[frame], offset))

    @staticmethod
    def _radius_at(radii: Array, offset: Array) -> Array:
        """Radius of a contour in the direction of complex offsets, linear between its samples."""
        count = radii.shape[0]
        place = np.mod(np.angle(offset), 2 * np.pi) * (count / (2 * np.pi))
        before = np.floor(place).astype(np.intp)
        share = place - before
        return np.asarray((1 - share) * radii[before % count] + share * radii[(before + 1) % count])
