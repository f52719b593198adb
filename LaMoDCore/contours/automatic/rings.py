"""One closed ring per frame from the class probabilities of a slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.automatic.network_grid import NetworkGrid
from LaMoDCore.contours.automatic.rays import ANGLES, Edge, find_edge, sample_rays, smoothed
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.curves import inside_polygon
from LaMoDCore.heart.ring.mask import is_closed_ring

#: Corners of the polygon that fills a contour.
_CORNERS = 4 * ANGLES
#: The smallest wall thickness and cavity radius that give a closed ring on pixels, in pixels of the cine.
_LEAST_WALL_PIXELS = 1.2
_LEAST_CAVITY_PIXELS = 1.7
#: A ring whose radii jump from ray to ray is open on pixels: its radii are smoothed by so many rays until it closes.
_CALMER_RAYS = (0.0, 1.0, 2.0, 4.0, 8.0, 36.0)
#: Harmonics of the motion of the centre over the cycle.
_CENTER_HARMONICS = 3
#: A region smaller than this, mm², is not a ventricle.
_LEAST_REGION_MM2 = 60.0


@dataclass(frozen=True, eq=False)
class Rings:
    """Contours of one slice in the window of the network.

    Attributes:
        center_xy: [T, 2] window pixels.
        endo: radii [T, ANGLES] and their sharpness.
        epi: the same of the epicardium.
        wall_share: [T] share of the rays on which the wall itself, not only its borders, was seen.
        wall_probability: [T] mean probability of the wall within the ring, in each frame alone.
        label_overlap: [T] Dice of the ring with the wall labelled in each frame alone.
        own_endo: radii of each frame alone, before smoothing over the cycle.
        own_epi: the same of the epicardium.
    """

    center_xy: Array
    endo: Edge
    epi: Edge
    wall_share: Array
    wall_probability: Array
    label_overlap: Array
    own_endo: Array
    own_epi: Array


def ventricle_centers(cavity: Array, myocardium: Array, pixel_mm: float) -> Array | None:
    """Centre of the ventricle in each frame, [T, 2] window pixels, smooth over the cycle; None where none is seen.

    Args:
        cavity: probability of the blood pool [T, H, W].
        myocardium: probability of the wall [T, H, W].
        pixel_mm: pixel size of the window.
    """
    place = _main_region(cavity, myocardium, pixel_mm)
    if place is None:
        return None
    frames = len(cavity)
    centers = np.full((frames, 2), np.nan)
    for frame in range(frames):
        region = (cavity[frame] + myocardium[frame] > 0.5) & place
        if region.sum() * pixel_mm**2 >= _LEAST_REGION_MM2:
            y, x = ndimage.center_of_mass(ndimage.binary_fill_holes(region))
            centers[frame] = x, y
    seen = np.isfinite(centers[:, 0])
    if not seen.any():
        return None
    number = np.arange(frames)
    for axis in (0, 1):
        centers[:, axis] = np.interp(number, number[seen], centers[seen, axis], period=frames)
    spectrum = np.fft.rfft(centers, axis=0)
    spectrum[_CENTER_HARMONICS + 1 :] = 0
    return np.asarray(np.fft.irfft(spectrum, frames, axis=0))


def _main_region(cavity: Array, myocardium: Array, pixel_mm: float) -> Array | None:
    """bool [H, W]: where the ventricle lies over the cycle: the component with most probability of being one."""
    mean = (cavity + myocardium).mean(axis=0)
    labels, count = ndimage.label(mean > 0.3)
    if count == 0:
        return None
    weight = ndimage.sum_labels(mean, labels, np.arange(1, count + 1))
    best = int(np.argmax(weight)) + 1
    region = labels == best
    if region.sum() * pixel_mm**2 < _LEAST_REGION_MM2:
        return None
    margin = max(1, round(8.0 / pixel_mm))
    return np.asarray(ndimage.binary_dilation(region, iterations=margin))


def find_rings(cavity: Array, myocardium: Array, centers_xy: Array, pixel_mm: float) -> Rings:
    """Endo- and epicardium of every frame.

    Args:
        cavity: probability of the blood pool [T, H, W].
        myocardium: probability of the wall [T, H, W].
        centers_xy: [T, 2] window pixels, as `ventricle_centers` gives them.
        pixel_mm: pixel size of the window.
    """
    rays = sample_rays(cavity, myocardium, centers_xy, pixel_mm)
    calm = smoothed(rays)
    endo, epi = find_edge(calm.cavity, rays.radius_mm), find_edge(calm.region, rays.radius_mm)
    wall = calm.region - calm.cavity
    between = (rays.radius_mm > endo.radius_mm[..., None]) & (rays.radius_mm < epi.radius_mm[..., None])
    seen = np.where(between, wall, 0.0).max(axis=-1) > 0.5
    own_wall = rays.region - rays.cavity
    area = np.where(between, rays.radius_mm, 0.0)  # of a sample in polar coordinates, up to a factor
    labelled = np.where(own_wall > 0.5, rays.radius_mm, 0.0)
    drawn, known = (np.maximum(each.sum(axis=(1, 2)), 1e-6) for each in (area, labelled))
    return Rings(
        center_xy=centers_xy,
        endo=endo,
        epi=epi,
        wall_share=seen.mean(axis=1),
        wall_probability=(own_wall * area).sum(axis=(1, 2)) / drawn,
        label_overlap=2.0 * np.minimum(area, labelled).sum(axis=(1, 2)) / (drawn + known),
        own_endo=find_edge(rays.cavity, rays.radius_mm).radius_mm,
        own_epi=find_edge(rays.region, rays.radius_mm).radius_mm,
    )


def rasterise(
    rings: Rings, grid: NetworkGrid, shape: tuple[int, int], spacing_mm: tuple[float, float]
) -> tuple[Array, Array]:
    """Myocardium and cavity on the cine's own pixels, bool [T, H, W] each: closed, and never overlapping."""
    pixel = max(spacing_mm)
    myocardium = np.zeros((len(rings.center_xy), *shape), dtype=bool)
    cavity = np.zeros_like(myocardium)
    for frame, center in enumerate(rings.center_xy):
        for rays in _CALMER_RAYS:
            epi = np.maximum(
                _calmed(rings.epi.radius_mm[frame], rays), (_LEAST_CAVITY_PIXELS + _LEAST_WALL_PIXELS) * pixel
            )
            endo = _calmed(rings.endo.radius_mm[frame], rays)
            endo = np.clip(endo, _LEAST_CAVITY_PIXELS * pixel, epi - _LEAST_WALL_PIXELS * pixel)
            cavity[frame] = _filled(center, endo, grid, shape)
            myocardium[frame] = _filled(center, epi, grid, shape) & ~cavity[frame]
            if is_closed_ring(myocardium[frame]):
                break
    return myocardium, cavity


def _calmed(radii_mm: Array, rays: float) -> Array:
    """Radii smoothed around the ring with a standard deviation of so many rays."""
    return np.asarray(ndimage.gaussian_filter1d(radii_mm, rays, mode="wrap")) if rays else radii_mm


def contour_points(center_xy: Array, radii_mm: Array, grid: NetworkGrid) -> Array:
    """A contour as points [ANGLES, 2] in pixels (x, y) of the cine."""
    angle = np.arange(ANGLES) * 2 * np.pi / ANGLES
    arms = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radii_mm[:, None] / grid.pixel_mm
    return grid.to_cine(center_xy + arms)


def _filled(center_xy: Array, radii_mm: Array, grid: NetworkGrid, shape: tuple[int, int]) -> Array:
    corner = np.arange(_CORNERS) * ANGLES / _CORNERS
    radii = np.interp(corner, np.arange(ANGLES + 1), np.append(radii_mm, radii_mm[0]))
    angle = corner * 2 * np.pi / ANGLES
    arms = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radii[:, None] / grid.pixel_mm
    points = grid.to_cine(center_xy + arms)
    low = np.maximum(np.floor(points.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 2, [shape[1], shape[0]])
    filled = np.zeros(shape, dtype=bool)
    if (high > low).all():
        filled[low[1] : high[1], low[0] : high[0]] = inside_polygon(
            points - low, (int(high[1] - low[1]), int(high[0] - low[0]))
        )
    return filled
