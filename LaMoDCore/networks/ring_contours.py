"""A ring as curves: its centre, and the radii of endo- and epicardium about it, at every frame of the cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import DEPTH_MARGIN
from LaMoDCore.networks.ring_motion import LEAST_AREA, wall_along_rays

#: Number of angles at which radii are stored.
CONTOUR_ANGLES = 36
#: Harmonics of the curves that are fitted to the rays, and penalty of the highest.
_HARMONICS, _PENALTY = 10, 0.15
#: A ray through less than this share of the median wall may pass a gap.
_THIN = 0.6
_FINE_ANGLES = 180
#: Radii (endo, epi) in mm for masks without a ring.
_NO_RING = (24.0, 32.0)


@dataclass(frozen=True, eq=False)
class RingContours:
    """Contours of one slice on the canonical grid.

    Attributes:
        center: complex [T], centroid of the region within the epicardium, mm from the image centre, imaginary part
            upwards (seen from the apex).
        endo, epi: [T, CONTOUR_ANGLES] radii about it in mm, at even angles counter-clockwise from the image's right.
    """

    center: Array
    endo: Array
    epi: Array

    @classmethod
    def about_epicardium(cls, center: Array, endo: Array, epi: Array) -> RingContours:
        """From radii [T, M] about any centres [T] within the cavity."""
        count = epi.shape[1]
        direction = np.exp(2j * np.pi * np.arange(count) / count)
        shift = (epi**3 / 3 * direction).mean(axis=1) / (epi**2 / 2).mean(axis=1)
        angles = 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES
        curves = []
        for radii in (endo, epi):
            points = radii * direction - shift[:, None]
            curves.append(np.stack([np.interp(angles, np.angle(p), np.abs(p), period=2 * np.pi) for p in points]))
        return cls(center + shift, *curves)

    @classmethod
    def of_masks(cls, masks: Array) -> RingContours:
        """From canonical occupancy [T, 128, 128]: smooth curves through the wall along rays from its centroid.

        The contours of a frame without a wall are interpolated from the frames around it; gaps in a wall are bridged.
        """
        pictures = torch.from_numpy(np.ascontiguousarray(masks, dtype=np.float32))[:, None]
        frames, _, height, width = pictures.shape
        area = pictures.sum(dim=(1, 2, 3)).clamp(min=1.0)
        x, y = torch.arange(width, dtype=torch.float32), torch.arange(height, dtype=torch.float32)
        columns, rows = pictures.sum(dim=(1, 2)) @ x / area, pictures.sum(dim=(1, 3)) @ y / area
        wall, middle = (
            values.double().numpy() for values in wall_along_rays(pictures, torch.stack([columns, rows], dim=1))
        )
        wall, middle = _fitted(wall, middle)
        center = (columns.numpy() - (width - 1) / 2) + 1j * ((height - 1) / 2 - rows.numpy())
        whole = np.flatnonzero(area.numpy() > LEAST_AREA)
        if not len(whole):
            around = np.ones((frames, CONTOUR_ANGLES))
            return cls(np.zeros(frames, dtype=complex), _NO_RING[0] * around, _NO_RING[1] * around)
        endo = np.maximum(middle - wall / 2, 1.0)
        values = np.concatenate([center.real[:, None], center.imag[:, None], endo, middle + wall / 2], axis=1)
        everywhere = np.stack(
            [np.interp(np.arange(frames), whole, column[whole], period=frames) for column in values.T], axis=1
        )
        endo, epi = everywhere[:, 2 : 2 + _FINE_ANGLES], everywhere[:, 2 + _FINE_ANGLES :]
        return cls.about_epicardium(everywhere[:, 0] + 1j * everywhere[:, 1], endo, np.maximum(epi, endo + 0.1))

    def at(self, positions: Array) -> tuple[Array, Array]:
        """Depth (0 at the endocardium, 1 at the epicardium) and angle of complex positions [P] at end-diastole."""
        offset = positions - self.center[0]
        angle = np.angle(offset)
        angles = 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES
        endo, epi = (np.interp(angle, angles, radii[0], period=2 * np.pi) for radii in (self.endo, self.epi))
        depth = (np.abs(offset) - endo) / np.maximum(epi - endo, 0.5)
        return np.clip(depth, -DEPTH_MARGIN, 1 + DEPTH_MARGIN), angle


def _fitted(wall: Array, middle: Array) -> tuple[Array, Array]:
    """Fourier series through thickness and radius along rays [T, A], at even counter-clockwise angles [T, M].

    Rays through little wall, as in and next to a gap, have less weight; high harmonics are penalised to bridge gaps.
    """
    rays = wall.shape[1]
    clockwise = -2 * math.pi * np.arange(rays) / rays
    series = _series(clockwise)
    usual = np.median(wall, axis=1, keepdims=True).clip(min=1.0)
    weight = np.minimum(wall / (_THIN * usual), 1.0) ** 4 + 1e-6
    order = np.concatenate([[0], np.repeat(np.arange(1, _HARMONICS + 1), 2)])
    penalty = np.diag(_PENALTY * rays * (order / _HARMONICS) ** 4)
    normal = np.einsum("ap,ta,aq->tpq", series, weight, series) + penalty
    fine = _series(2 * math.pi * np.arange(_FINE_ANGLES) / _FINE_ANGLES)
    wall_series, middle_series = (
        np.linalg.solve(normal, np.einsum("ap,ta->tp", series, weight * values)[..., None])[..., 0]
        for values in (wall, middle)
    )
    return wall_series @ fine.T, middle_series @ fine.T


def _series(angle: Array) -> Array:
    """1, cos θ, sin θ, cos 2θ … at angles [A], [A, 1 + 2·harmonics]."""
    columns = [np.ones_like(angle)]
    for k in range(1, _HARMONICS + 1):
        columns += [np.cos(k * angle), np.sin(k * angle)]
    return np.stack(columns, axis=1)
