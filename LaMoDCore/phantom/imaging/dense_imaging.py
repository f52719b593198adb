"""Simulated cine DENSE of a moving wall: magnitude and wrapped phase, as a scanner exports them.

The signal of a stimulated echo (Kim et al., Radiology 230:862, 2004; Zhong et al., MRM 64:1089, 2010) at x,
time t:  s(x, t) = M(x, t) exp(i 2π ke u(x, t)), where u = x − X is the displacement since the encoding pulses of the
tissue that is at x. The stored magnetisation decays with T1 and with every read-out pulse; blood is encoded too, but
flows out and loses its phase within the first frames. Each pixel averages its subpixels, so the rim of the wall
mixes with blood and lung; eddy currents add a background phase that is smooth in space and constant in time;
real and imaginary parts have independent Gaussian noise.

`simulate_dense` simulates any closed-form motion, `simulate_slice` a plane of a synthetic subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dense.images import DenseImages

if TYPE_CHECKING:
    from LaMoDCore.phantom.heart.slices import PhantomSlice

#: Sectors about the ring's centre in which its outer radius is tabulated.
_SECTORS = 48


class LagrangianMap(Protocol):
    """Closed-form motion of material points."""

    def __call__(self, points_mm: Array, phase: float) -> Array:
        """Displacement [..., 2] in mm of the material points [..., 2] at a fraction of the cycle in [0, 1)."""


class ImplicitWall(Protocol):
    """The myocardium at the encoding instant."""

    def __call__(self, points_mm: Array) -> Array:
        """[..., 2] -> [...]: negative inside the myocardium, positive outside, about a distance in mm."""


@dataclass(frozen=True)
class DenseProtocol:
    """Acquisition parameters.

    Attributes:
        pixel_mm: pixel size; DENSE is usually acquired at 2.65–2.8 mm.
        ke: (x, y) encoding frequency in cycles/mm.
        frame_ms: time between frames.
        first_frame_ms: time from the encoding pulses to the first frame.
        coverage: share of the cycle that is acquired.
        snr: myocardial signal over noise SD of one channel, in the first frame: phase noise starts at 1/snr rad.
        t1_ms: T1 of myocardium at 1.5–3 T.
        flip_deg: read-out flip angle; each read-out leaves cos(flip) of the stored magnetisation.
        background_rad: largest background phase within the field of view.
        background_order: order of the background polynomial in space.
        blood_fade_ms: time constant of the decay of blood's signal by outflow.
        static_tissue: simulate the chest wall.
        subpixels: number of subpixels per pixel along each axis, for partial volume.
    """

    pixel_mm: float = 2.65
    ke: tuple[float, float] = (0.1, 0.1)
    frame_ms: float = 17.0
    first_frame_ms: float = 17.0
    coverage: float = 0.7
    snr: float = 12.0
    t1_ms: float = 850.0
    flip_deg: float = 10.0
    background_rad: float = 0.4
    background_order: int = 1
    blood_fade_ms: float = 40.0
    static_tissue: bool = True
    subpixels: int = 3

    def frame_times_ms(self, rr_ms: float) -> Array:
        """[T]: times of the frames within `coverage` of a cycle of `rr_ms`."""
        last = self.coverage * rr_ms
        count = max(2, int((last - self.first_frame_ms) // self.frame_ms) + 1)
        return self.first_frame_ms + self.frame_ms * np.arange(count)

    def myocardial_signal(self, times_ms: Array) -> Array:
        """[T]: stimulated-echo signal of resting myocardium, 1 at t = 0 before any read-out."""
        readouts = np.arange(len(times_ms))
        return np.asarray(np.exp(-times_ms / self.t1_ms) * np.cos(np.deg2rad(self.flip_deg)) ** readouts)


@dataclass(frozen=True, eq=False)
class SimulatedDense:
    """Simulated images and the ground truth.

    Attributes:
        images: the images as read from a scan, with exact masks.
        displacement_mm: float32 [T, 2, H, W]: truth at the pixels of the reference wall, NaN elsewhere.
        reference_myocardium: bool [H, W].
        background_rad: float32 [2, H, W]: the background phase that was added.
    """

    images: DenseImages
    displacement_mm: Array
    reference_myocardium: Array
    background_rad: Array


def material_points(
    motion: LagrangianMap, points_mm: Array, phase: float, tolerance_mm: float = 1e-3, rounds: int = 60
) -> tuple[Array, Array]:
    """Invert the motion: the material point X of each spatial point x, with X + u(X) = x.

    The fixed-point iteration X ← x − u(X) contracts wherever |∇u| < 1; points where it is slow are damped.

    Args:
        motion: the closed-form map.
        points_mm: [N, 2] spatial points.
        phase: fraction of the cycle.
        tolerance_mm: largest difference between X + u(X) and x.
        rounds: largest number of iterations.

    Returns:
        X [N, 2], and bool [N], True where the iteration converged.
    """
    material = np.array(points_mm, dtype=np.float64)
    active = np.arange(len(material))
    for step in range(rounds):
        miss = points_mm[active] - material[active] - motion(material[active], phase)
        material[active] += (1.0 if step < rounds // 3 else 0.5) * miss
        active = active[np.abs(miss).max(axis=1) > tolerance_mm]
        if active.size == 0:
            break
    found = np.ones(len(material), dtype=bool)
    found[active] = False
    return material, found


def background_phase(shape: tuple[int, int], order: int, peak_rad: float, rng: np.random.Generator) -> Array:
    """A random polynomial of `order` over the field of view whose largest value is `peak_rad`: [H, W]."""
    y, x = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    field = sum(rng.normal() * x**i * y**j for i in range(order + 1) for j in range(order + 1 - i))
    return np.asarray(field * (peak_rad / np.abs(field).max()), dtype=np.float32)


def simulate_dense(
    motion: LagrangianMap,
    wall: ImplicitWall,
    grid: SliceGrid,
    rr_ms: float,
    protocol: DenseProtocol | None = None,
    seed: int = 0,
    origin_mm: tuple[float, float] = (0.0, 0.0),
    level: Level = "mid",
    name: str = "simulated DENSE",
) -> SimulatedDense:
    """Simulate cine DENSE of a moving wall.

    Args:
        motion: displacement of material points, closed form.
        wall: the myocardium at the encoding instant, a closed ring.
        grid: pixel grid of the scan; its spacing is used, not `protocol.pixel_mm`.
        rr_ms: length of the cycle.
        protocol: the scan; `DenseProtocol()` by default.
        seed: random seed of noise and background phase.
        origin_mm: coordinates, in the frame of `motion` and `wall`, of the centre of pixel (0, 0).
        level: the slice's level.
        name: the slice's name.
    """
    scan = protocol or DenseProtocol()
    rng = np.random.default_rng(seed)
    times = scan.frame_times_ms(rr_ms)
    x, y = grid.pixel_centers_mm()
    centres = np.stack([x + origin_mm[0], y + origin_mm[1]], axis=-1)
    reference = wall(centres) < 0
    background = np.stack(
        [background_phase(grid.shape, scan.background_order, scan.background_rad, rng) for _ in range(2)]
    )
    chest = _chest_wall(grid) if scan.static_tissue else np.zeros(grid.shape, dtype=bool)
    offsets = np.concatenate([[[0.0, 0.0]], _subpixel_offsets(grid.spacing_mm, scan.subpixels)])
    in_pool = _inside_ring_test(centres[reference])
    near = _near_wall(centres, centres[reference])

    magnitude = np.empty((len(times), *grid.shape), dtype=np.float32)
    phase = np.empty((len(times), 2, *grid.shape), dtype=np.float32)
    masks = np.zeros((len(times), *grid.shape), dtype=bool)
    truth = np.full((len(times), 2, *grid.shape), np.nan, dtype=np.float32)
    resting_signal = scan.myocardial_signal(times)
    sigma = float(resting_signal[0]) / scan.snr
    spots = (offsets[:, None, :] + centres[near]).reshape(-1, 2)
    for t, (time, stored) in enumerate(zip(times, resting_signal, strict=True)):
        cycle = float(time / rr_ms) % 1.0
        truth[t][:, reference] = np.asarray(motion(centres[reference], cycle)).T
        material, found = material_points(motion, spots, cycle)
        inside = (found & (wall(material) < 0)).reshape(len(offsets), -1)
        masks[t][near] = inside[0]
        came = (spots - material).reshape(*inside.shape, 2)[1:]
        pool = in_pool(material).reshape(inside.shape)[1:] & ~inside[1:]
        signal = np.zeros((2, *grid.shape), dtype=np.complex128)
        blood = 0.8 * stored * float(np.exp(-time / scan.blood_fade_ms))
        spoilt = np.exp(2j * np.pi * rng.uniform(size=pool.shape) * min(1.0, time / 100.0))
        for c in range(2):
            tissue = stored * np.exp(2j * np.pi * scan.ke[c] * came[..., c])
            signal[c][near] = np.where(inside[1:], tissue, np.where(pool, blood * spoilt, 0.0)).mean(axis=0)
        signal[:, chest] += 0.9 * stored
        signal *= np.exp(1j * background)
        signal += sigma * (rng.normal(size=signal.shape) + 1j * rng.normal(size=signal.shape))
        magnitude[t] = np.abs(signal).mean(axis=0)
        phase[t] = np.angle(signal)
    images = DenseImages(
        name=name, grid=grid, magnitude=magnitude, phase=phase, ke=scan.ke, frame_times_ms=times, rr_ms=rr_ms,
        myocardium=masks, level=level,
    )  # fmt: skip
    return SimulatedDense(images, truth, reference, background)


def simulate_slice(
    plane: PhantomSlice,
    protocol: DenseProtocol | None = None,
    seed: int = 0,
    *,
    grid: SliceGrid | None = None,
    name: str | None = None,
) -> SimulatedDense:
    """Simulate slice-following cine DENSE of one plane of a synthetic subject.

    Args:
        plane: the slice.
        protocol: the scan; `DenseProtocol()` by default.
        seed: random seed of noise and background phase.
        grid: pixel grid in the slice's plane; by default a square of 170 mm about the ventricle's centre.
        name: the slice's name; that of the plane by default.
    """
    scan = protocol or DenseProtocol()
    grid = grid or _centred_grid(plane, scan.pixel_mm)
    resting = plane.contours([0.0])
    center, origin = plane.parameters.center_lps, grid.pixel_to_lps([0.0, 0.0])

    def to_plane(points_mm: Array) -> Array:
        return np.asarray((origin + grid.vectors_to_lps(points_mm) - center) @ plane.grid.directions)

    def motion(points_mm: Array, phase: float) -> Array:
        own = plane.displacement_mm([phase], to_plane(points_mm))[0]
        return np.asarray(grid.vectors_from_lps(plane.grid.vectors_to_lps(own)))

    def wall(points_mm: Array) -> Array:
        within_endo, within_epi = resting.signed_distances(0, to_plane(points_mm))
        return np.asarray(np.maximum(within_endo, -within_epi))

    return simulate_dense(motion, wall, grid, plane.rr_ms, scan, seed, level=plane.level, name=name or plane.name)


def _centred_grid(plane: PhantomSlice, pixel_mm: float, field_of_view_mm: float = 170.0) -> SliceGrid:
    pixels = round(field_of_view_mm / pixel_mm)
    first = np.full(2, -0.5 * (pixels - 1) * pixel_mm)
    affine = np.array(plane.grid.ijk_to_lps)
    affine[:3, :2] = plane.grid.directions * pixel_mm
    affine[:3, 3] = plane.parameters.center_lps + plane.grid.directions @ first
    return SliceGrid((pixels, pixels), affine)


def _subpixel_offsets(spacing_mm: tuple[float, float], count: int) -> Array:
    """[count², 2] positions within a pixel, relative to its centre, in mm."""
    steps = (np.arange(count) + 0.5) / count - 0.5
    x, y = np.meshgrid(steps * spacing_mm[0], steps * spacing_mm[1])
    return np.stack([x.ravel(), y.ravel()], axis=-1)


def _chest_wall(grid: SliceGrid) -> Array:
    """bool [H, W]: static tissue, a band along the upper and the lower border of the field of view."""
    height = grid.shape[0]
    rows = np.arange(height)[:, None] * np.ones((1, grid.shape[1]))
    return np.asarray((rows < 0.14 * height) | (rows > 0.86 * height))


def _near_wall(centres: Array, ring: Array) -> Array:
    """bool [H, W]: pixels that the wall or the cavity can cover, within 1.6 times the ring's outer radius."""
    middle = ring.mean(axis=0)
    reach = float(np.linalg.norm(ring - middle, axis=1).max())
    return np.asarray(np.linalg.norm(centres - middle, axis=-1) < 1.6 * reach)


def _inside_ring_test(ring: Array) -> Callable[[Array], Array]:
    """Return a test for points [..., 2] within the outer border of the ring [N, 2]."""
    middle = ring.mean(axis=0)
    length = np.linalg.norm(ring - middle, axis=1)
    sector = _sectors(ring - middle)
    reach = np.array([length[sector == s].max(initial=0.0) for s in range(_SECTORS)])

    def inside(points: Array) -> Array:
        away = points - middle
        return np.asarray(np.linalg.norm(away, axis=-1) < reach[_sectors(away)])

    return inside


def _sectors(vectors: Array) -> Array:
    """Index of the sector about the ring's centre that vectors [..., 2] point into."""
    turn = (np.arctan2(vectors[..., 1], vectors[..., 0]) + np.pi) / (2.0 * np.pi)
    return np.asarray(np.minimum((turn * _SECTORS).astype(int), _SECTORS - 1))
