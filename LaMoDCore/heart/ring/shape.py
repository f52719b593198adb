"""Measurements of the drawn myocardium of one frame, which the contour checks compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.extent import extent
from LaMoDCore.heart.ring.mask import cavity, epicardial_region, is_closed_ring

#: Number of directions in which the wall is measured.
RAYS = 48
#: Number of overlapping sectors over which the thickness is averaged.
SECTORS = 12
#: A hole is the cavity if it is at least this share of the undrawn part of the ring's hull; otherwise the ring has a
#: gap, and the hole is one in the wall.
_CAVITY_SHARE = 0.4
#: A second hole of at least this share of the largest one is a part of the cavity, separated by touching walls.
_SPLIT_SHARE = 0.2
_SQUARE = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class RingShape:
    """The myocardium of one frame, cropped, with its spacing and position in the image.

    Attributes:
        mask: bool [H, W], cropped to the drawn pixels.
        spacing_mm: (dx, dy).
        corner_xy: position (x, y) of the first pixel of `mask` in the whole image.
        touches_border: whether a drawn pixel lies on the image's edge.
    """

    mask: Array
    spacing_mm: tuple[float, float]
    corner_xy: tuple[int, int]
    touches_border: bool

    @cached_property
    def is_empty(self) -> bool:
        return not bool(self.mask.any())

    @cached_property
    def _pieces(self) -> tuple[Array, Array]:
        labels, _ = ndimage.label(self.mask, structure=_SQUARE)
        return labels, np.bincount(labels.ravel())[1:]

    @cached_property
    def piece_pixels(self) -> tuple[int, ...]:
        """Pixels of each connected piece (diagonal neighbours touch), the largest first."""
        return tuple(sorted((int(n) for n in self._pieces[1]), reverse=True))

    @cached_property
    def ring(self) -> Array:
        """bool [H, W]: the largest piece."""
        labels, sizes = self._pieces
        return np.asarray(labels == 1 + int(np.argmax(sizes))) if sizes.size else self.mask

    @cached_property
    def _holes(self) -> tuple[int, ...]:
        labels, count = ndimage.label(epicardial_region(self.ring) & ~self.ring)
        return tuple(sorted((int(n) for n in np.bincount(labels.ravel())[1:]), reverse=True)) if count else ()

    @cached_property
    def is_closed(self) -> bool:
        """Whether the ring encloses its cavity; a hole in the wall does not count."""
        if not is_closed_ring(self.ring):
            return False
        return self._holes[0] >= _CAVITY_SHARE * self._surrounded_pixels

    @cached_property
    def _surrounded_pixels(self) -> float:
        """Number of undrawn pixels within the ring's convex hull."""
        from scipy.spatial import ConvexHull, QhullError  # only here, as its import takes long

        rows, columns = np.nonzero(self.ring & ~ndimage.binary_erosion(self.ring))
        corners = np.concatenate([np.stack([columns + a, rows + b], axis=1) for a in (-0.5, 0.5) for b in (-0.5, 0.5)])
        try:
            return float(ConvexHull(corners).volume) - float(self.ring.sum())
        except QhullError:
            return 0.0

    @cached_property
    def cavity_parts(self) -> tuple[int, ...]:
        """Pixels of the cavity, or of its parts if touching walls separate it, the largest first."""
        if not self.is_closed:
            return ()
        return tuple(n for n in self._holes if n >= _SPLIT_SHARE * self._holes[0])

    @cached_property
    def hole_pixels(self) -> tuple[int, ...]:
        """Pixels of each hole in the wall, without the cavity and its parts."""
        return self._holes[len(self.cavity_parts) :]

    @cached_property
    def area_mm2(self) -> float:
        """Area of the largest piece; NaN for an empty frame."""
        return float(self.ring.sum()) * self._pixel_mm2 if not self.is_empty else float("nan")

    @cached_property
    def area_error_mm2(self) -> float:
        """Standard deviation of `area_mm2` due to rasterisation; NaN for an empty frame.

        Each pixel on the contour is inside or outside as a whole: a uniform error of variance 1/12 pixel².
        """
        if self.is_empty:
            return float("nan")
        cut = self.ring & ~ndimage.binary_erosion(self.ring)
        return float(np.sqrt(cut.sum() / 12)) * self._pixel_mm2

    @cached_property
    def cavity_mm2(self) -> float:
        """Area of the cavity; NaN for an open ring."""
        return float(sum(self.cavity_parts)) * self._pixel_mm2 if self.is_closed else float("nan")

    @cached_property
    def center_mm(self) -> Array:
        """[2]: centroid (x, y) of the epicardial region, mm from the image's first pixel; NaN for an open ring."""
        if not self.is_closed:
            return np.full(2, np.nan)
        rows, columns = np.nonzero(epicardial_region(self.ring))
        center = np.array([columns.mean(), rows.mean()]) + self.corner_xy
        return np.asarray(center * np.array(self.spacing_mm))

    @cached_property
    def radii_mm(self) -> Array:
        """[2, RAYS]: endo- and epicardial radius about the cavity's centroid, between pixels; NaN for an open ring."""
        if not self.is_closed:
            return np.full((2, RAYS), np.nan)
        inside = cavity(self.ring)
        rows, columns = np.nonzero(inside)
        dx, dy = self.spacing_mm
        step = 0.5 * min(dx, dy)
        ring_rows, ring_columns = np.nonzero(self.ring)
        reach = float(np.hypot((ring_columns - columns.mean()) * dx, (ring_rows - rows.mean()) * dy).max())
        distance = np.arange(0.0, reach + 2 * max(dx, dy), step)
        angle = np.arange(RAYS) * 2 * np.pi / RAYS
        x = columns.mean() + np.cos(angle)[:, None] * distance / dx
        y = rows.mean() + np.sin(angle)[:, None] * distance / dy
        radii = np.empty((2, RAYS))
        for index, region in enumerate((inside, epicardial_region(self.ring))):
            # smoothing removes the staircase, so that the edge is found between pixels
            soft = ndimage.gaussian_filter(region.astype(np.float32), 0.6)
            along = ndimage.map_coordinates(soft, [y, x], order=1, mode="constant")
            within = along > 0.5
            last = np.minimum(distance.size - 1 - np.argmax(within[:, ::-1], axis=1), distance.size - 2)
            ray = np.arange(RAYS)
            inner, outer = along[ray, last], along[ray, last + 1]
            share = np.clip((inner - 0.5) / np.maximum(inner - outer, 1e-6), 0.0, 1.0)
            radii[index] = np.where(within.any(axis=1), distance[last] + share * step, 0.0)
        return radii

    @cached_property
    def wall_mm(self) -> Array:
        """[RAYS]: wall thickness along each ray."""
        endo, epi = self.radii_mm
        return np.asarray(epi - endo)

    @cached_property
    def quarter_wall_mm(self) -> Array:
        """[SECTORS]: mean thickness over a quarter of the ring about each of twelve directions."""
        return self._sector_means(RAYS // 4)

    @cached_property
    def sixth_wall_mm(self) -> Array:
        """[SECTORS]: mean thickness over a sixth of the ring, the width of a segment."""
        return self._sector_means(RAYS // 6)

    def _sector_means(self, width: int) -> Array:
        start = np.arange(SECTORS)[:, None] * (RAYS // SECTORS) - width // 2
        return np.asarray(self.wall_mm[np.mod(start + np.arange(width), RAYS)].mean(axis=1))

    @cached_property
    def touching_region(self) -> Array:
        """bool [H, W]: the longest run of wall pixels next to both the cavity and the outside: both contours touch."""
        if not self.is_closed:
            return np.zeros_like(self.mask)
        outside = ~epicardial_region(self.ring)
        touching = self.ring & ndimage.binary_dilation(cavity(self.ring)) & ndimage.binary_dilation(outside)
        runs, count = ndimage.label(touching, structure=_SQUARE)
        if not count:
            return np.zeros_like(self.mask)
        return np.asarray(runs == 1 + int(np.argmax(np.bincount(runs.ravel())[1:])))

    @property
    def touching_pixels(self) -> int:
        """Number of pixels of `touching_region`."""
        return int(self.touching_region.sum())

    @property
    def _pixel_mm2(self) -> float:
        return self.spacing_mm[0] * self.spacing_mm[1]


def measure_frames(myocardium: Array, spacing_mm: tuple[float, float]) -> tuple[RingShape, ...]:
    """Measure every frame of masks [T, H, W]."""
    masks = np.asarray(myocardium, dtype=bool)
    rows, columns = extent(masks)
    edge = masks.copy()
    edge[:, 1:-1, 1:-1] = False
    on_edge = np.atleast_1d(edge.any(axis=(1, 2)))
    corner = (columns.start or 0, rows.start or 0)
    # a margin of background, so that a ring at the image's edge is measured like any other
    padded = np.pad(masks[:, rows, columns], ((0, 0), (1, 1), (1, 1)))
    corner = (corner[0] - 1, corner[1] - 1)
    return tuple(RingShape(m, spacing_mm, corner, bool(b)) for m, b in zip(padded, on_edge, strict=True))
