"""The image window that a contour engine receives, and the mapping back to the cine's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.automatic.engine import PixelRange
from LaMoDCore.heart.geometry import Array

#: Beyond this ratio of the sides of a pixel the picture is made isotropic, whatever its size.
_SQUARE = 1.02


@dataclass(frozen=True)
class NetworkGrid:
    """A window on a slice, resampled to the engine's pixel size.

    Window pixel (i, j) lies at cine pixel ``corner_xy + (i, j) * scale_xy``.

    Attributes:
        shape: (H, W) of the window.
        pixel_mm: its isotropic pixel size.
        corner_xy: cine pixel (x, y) of the window's first pixel.
        scale_xy: cine pixels per window pixel along x and y.
    """

    shape: tuple[int, int]
    pixel_mm: float
    corner_xy: tuple[float, float]
    scale_xy: tuple[float, float]

    def resample(self, frames: Array) -> Array:
        """Frames [T, H, W] of the cine on the window, float32; 0 outside the field of view.

        A window coarser than the cine averages over its pixels (Gaussian, standard deviation 0.4 window pixels) so
        that noise and edges do not alias.
        """
        blurred = np.asarray(frames, dtype=np.float32)
        sigma = [0.4 * scale if scale > _SQUARE else 0.0 for scale in self.scale_xy]
        if any(sigma):
            blurred = ndimage.gaussian_filter(blurred, (0.0, sigma[1], sigma[0]), mode="nearest")
        if all(
            abs(s - 1.0) < 1e-9 and abs(c - round(c)) < 1e-9 for s, c in zip(self.scale_xy, self.corner_xy, strict=True)
        ):
            return self._cut(blurred)
        rows = self.corner_xy[1] + np.arange(self.shape[0]) * self.scale_xy[1]
        columns = self.corner_xy[0] + np.arange(self.shape[1]) * self.scale_xy[0]
        y, x = np.meshgrid(rows, columns, indexing="ij")
        return np.stack([ndimage.map_coordinates(f, [y, x], order=1, mode="constant") for f in blurred])

    def _cut(self, frames: Array) -> Array:
        """The window of whole pixels, without interpolation."""
        x, y = (round(c) for c in self.corner_xy)
        height, width = frames.shape[1:]
        window = np.zeros((len(frames), *self.shape), dtype=np.float32)
        top, left = max(0, -y), max(0, -x)
        bottom, right = min(self.shape[0], height - y), min(self.shape[1], width - x)
        if bottom > top and right > left:
            window[:, top:bottom, left:right] = frames[:, y + top : y + bottom, x + left : x + right]
        return window

    def to_cine(self, window_xy: Array) -> Array:
        """Window pixels (x, y) [..., 2] as pixels of the cine."""
        return np.asarray(np.asarray(self.corner_xy) + np.asarray(window_xy) * np.asarray(self.scale_xy))


def network_grid(
    cine_shape: tuple[int, int],
    spacing_mm: tuple[float, float],
    center_xy: tuple[float, float],
    input_size: tuple[int, int],
    pixel_mm: PixelRange,
) -> NetworkGrid:
    """The window about a point of the cine. Pixels are not resampled if the engine expects their size.

    Args:
        cine_shape: (H, W).
        spacing_mm: (dx, dy) of the cine.
        center_xy: cine pixel about which the window lies; the window is moved so that it covers as much of the
            field of view as it can.
        input_size: (H, W) of the engine.
        pixel_mm: sizes that the engine expects.
    """
    dx, dy = spacing_mm
    square = max(dx, dy) / min(dx, dy) <= _SQUARE
    wanted = dx if square and pixel_mm.least <= min(dx, dy) and max(dx, dy) <= pixel_mm.most else pixel_mm.preferred
    as_it_is = square and wanted == dx
    scale = (1.0, 1.0) if as_it_is else (wanted / dx, wanted / dy)
    corner = []
    for axis, (size, side) in enumerate(((cine_shape[1], input_size[1]), (cine_shape[0], input_size[0]))):
        covered = side * scale[axis]
        start = (
            (size - covered) / 2
            if covered >= size
            else float(np.clip(center_xy[axis] - covered / 2, 0, size - covered))
        )
        corner.append(float(np.round(start)) if scale[axis] == 1.0 else start)
    return NetworkGrid(input_size, float(wanted), (corner[0], corner[1]), (float(scale[0]), float(scale[1])))
