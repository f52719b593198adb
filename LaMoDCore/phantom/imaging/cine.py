"""Balanced SSFP cine pictures of a synthetic slice on the oblique grid of a scanner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.imaging.scene import Scene, Tissue, draw_scene


@dataclass(frozen=True)
class CineProtocol:
    """A site's cine acquisition.

    Attributes:
        pixel_mm: pixel size, 1.2–1.8.
        shape: (H, W) of the matrix.
        frames: number of frames over R–R, 25–30.
        thickness_mm: thickness of the slice, 6–10.
        rotation_deg: rotation of the image columns relative to the canonical ones.
        signals: bSSFP signal of each ``Tissue``. bSSFP is weighted by T2/T1, so blood and fat are bright.
        noise: SD of the complex channels' noise, in the same units.
        coil_fall_mm: distance from the chest wall over which the surface coils' sensitivity halves.
        blur_px: SD of the point spread function.
    """

    pixel_mm: float = 1.4
    shape: tuple[int, int] = (176, 192)
    frames: int = 25
    thickness_mm: float = 8.0
    rotation_deg: float = 0.0
    signals: tuple[float, ...] = (0.0, 20.0, 92.0, 335.0, 350.0, 88.0, 105.0, 35.0, 190.0)
    noise: float = 9.0
    coil_fall_mm: float = 150.0
    blur_px: float = 0.55


#: Typical settings of vendors: pixel (mm), matrix, frames, thickness (mm), blood/myocardium contrast, noise.
_SITE_SETTINGS = (
    (1.40, (184, 208), 25, 8.0, 1.00, 8.0),
    (1.25, (208, 224), 30, 8.0, 0.90, 12.0),
    (1.70, (152, 168), 25, 10.0, 1.10, 7.0),
    (1.56, (168, 184), 30, 6.0, 0.95, 10.0),
)


def draw_cine_protocol(rng: np.random.Generator, site: int = 0) -> CineProtocol:
    """Draw a site's protocol, with the variation between its examinations."""
    pixel, shape, frames, thickness, contrast, noise = _SITE_SETTINGS[site % len(_SITE_SETTINGS)]
    signals = np.array(CineProtocol.signals) * rng.uniform(0.93, 1.07, len(Tissue))
    signals[Tissue.BLOOD] *= contrast
    return CineProtocol(
        pixel_mm=float(np.clip(pixel * rng.uniform(0.94, 1.06), 1.2, 1.8)),
        shape=shape,
        frames=frames,
        thickness_mm=thickness,
        rotation_deg=float(rng.normal(0, 14)),
        signals=tuple(float(s) for s in signals),
        noise=noise * float(rng.uniform(0.8, 1.25)),
        coil_fall_mm=float(rng.uniform(110, 200)),
        blur_px=float(rng.uniform(0.45, 0.65)),
    )


def cine_grid(plane: PhantomSlice, protocol: CineProtocol, offset_mm: tuple[float, float] = (0.0, 0.0)) -> SliceGrid:
    """The scanner's grid: perpendicular to the ventricle's axis, rotated by the protocol, ``offset_mm`` off centre."""
    angle = np.deg2rad(protocol.rotation_deg)
    x, y = plane.grid.directions.T
    columns = np.cos(angle) * x + np.sin(angle) * y
    rows = np.cos(angle) * y - np.sin(angle) * x
    height, width = protocol.shape
    step = protocol.pixel_mm
    middle = plane.parameters.center_lps - columns * offset_mm[0] - rows * offset_mm[1]
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = columns * step, rows * step
    affine[:3, 2] = np.cross(columns, rows) * protocol.thickness_mm
    affine[:3, 3] = middle - columns * step * (width - 1) / 2 - rows * step * (height - 1) / 2
    return SliceGrid(protocol.shape, affine)


def cine_pictures(
    plane: PhantomSlice,
    grid: SliceGrid,
    phases: Array,
    protocol: CineProtocol,
    *,
    seed: int = 0,
    scene: Scene | None = None,
    oversampling: int = 2,
) -> Array:
    """Simulate cine pictures float32 [T, H, W] of a slice.

    Each pixel averages its subpixels over three sections of the slice's thickness (partial volume). The picture is
    blurred by the point spread function and weighted by coil sensitivity; the magnitude of the signal with
    independent noise in both channels is Rician.

    Args:
        plane: the slice.
        grid: pixel grid, in the slice's plane.
        phases: [T] fractions of R–R.
        protocol: contrast, noise and blur.
        seed: random seed of the surroundings and the noise.
        scene: the surroundings; drawn with ``seed`` if None.
        oversampling: subpixels along each axis.
    """
    scene = scene or draw_scene(plane, seed)
    rng = np.random.default_rng([23, seed, plane.subject.seed, plane.number])
    fine = _subpixels(grid, oversampling)
    xy = plane.points_of(fine)
    signals = np.asarray(protocol.signals)
    still = signals[scene.static_tissue(xy)]
    texture = _texture(rng, xy.shape[:2], oversampling)
    shading = 1 + 0.10 * _smooth_noise(rng, xy.shape[:2], 16.0 * oversampling)
    motion = scene.at(phases)
    near = _heart_window(scene, xy)
    sections = (-protocol.thickness_mm / 3, 0.0, protocol.thickness_mm / 3)

    pictures = np.empty((len(phases), *grid.shape), dtype=np.float32)
    coil = _coil(plane.points_of(grid), scene, protocol)
    for frame in range(len(phases)):
        picture = still * texture
        window = np.zeros(picture[near].shape)
        for tissue in motion.heart_sections(frame, xy[near], sections):
            inside = np.where(tissue == 255, 0, tissue)
            value = signals[inside] * np.where(inside == Tissue.BLOOD, shading[near], texture[near])
            window += np.where(tissue == 255, picture[near], value)
        picture[near] = window / len(sections)
        pixels = _block_mean(picture, oversampling)
        pixels = gaussian_filter(pixels, protocol.blur_px) * coil
        noise = rng.normal(0, protocol.noise, (2, *grid.shape))
        pictures[frame] = np.hypot(pixels + noise[0], noise[1])
    return pictures


def _subpixels(grid: SliceGrid, factor: int) -> SliceGrid:
    """The grid with each pixel divided into ``factor`` × ``factor`` pixels."""
    affine = grid.ijk_to_lps.copy()
    affine[:3, :2] /= factor
    affine[:3, 3] -= (affine[:3, 0] + affine[:3, 1]) * (factor - 1) / 2
    return SliceGrid((grid.shape[0] * factor, grid.shape[1] * factor), affine)


def _block_mean(picture: Array, factor: int) -> Array:
    height, width = picture.shape
    return np.asarray(picture.reshape(height // factor, factor, width // factor, factor).mean((1, 3)))


def _heart_window(scene: Scene, xy: Array) -> tuple[slice, slice]:
    """The rows and columns that the heart can cover."""
    reach = float(scene.plane.parameters.shape.epi.mean) * 1.3 + scene.rv_bulge_mm + 18.0
    near = np.hypot(xy[..., 0], xy[..., 1]) < reach
    rows, columns = np.nonzero(near.any(1))[0], np.nonzero(near.any(0))[0]
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _coil(xy: Array, scene: Scene, protocol: CineProtocol) -> Array:
    """Surface coil sensitivity, 1 at the heart's centre, higher towards the chest wall."""
    depth = scene.chest_mm + xy[..., 1]
    return np.asarray(np.clip(2.0 ** ((scene.chest_mm - depth) / protocol.coil_fall_mm), 0.4, 1.8))


def _texture(rng: np.random.Generator, shape: tuple[int, ...], oversampling: int) -> Array:
    """Factor of the signal: variation of 6 % over a few pixels and 8 % over a few centimetres."""
    fine, coarse = (_smooth_noise(rng, shape, scale * oversampling) for scale in (2.0, 14.0))
    return np.asarray(1 + 0.06 * fine + 0.08 * coarse)


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> Array:
    """Noise of unit SD, smoothed by a Gaussian of ``scale`` pixels."""
    field = gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return np.asarray(field / field.std())
