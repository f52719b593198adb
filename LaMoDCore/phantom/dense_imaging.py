"""Simulated cine DENSE of a moving wall: magnitude and wrapped phase, as a scanner would hand them over.

The signal of a stimulated echo (Kim et al., Radiology 230:862, 2004; Zhong et al., MRM 64:1089, 2010) at x,
time t:  s(x, t) = M(x, t) exp(i 2π ke u(x, t)), where u = x − X is how far the tissue now at x has come since the
encoding pulses. The stored magnetisation fades with T1 and with every read-out pulse; blood is encoded too, but
flows away and loses its phase within the first frames. Each pixel averages its subpixels, so the rim of the wall
mixes with blood and lung; eddy currents add a background phase that is smooth in space and constant in time;
real and imaginary parts get independent Gaussian noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from LaMoDCore.case import Level
from LaMoDCore.dense.images import DenseImages
from LaMoDCore.geometry import Array, SliceGrid


class LagrangianMap(Protocol):
    """Closed-form motion: where material points have gone."""

    def __call__(self, points_mm: Array, phase: float) -> Array:
        """Displacement [..., 2] in mm of the material points [..., 2] at a fraction of the cycle in [0, 1)."""


class ImplicitWall(Protocol):
    """The myocardium at the encoding instant."""

    def __call__(self, points_mm: Array) -> Array:
        """[..., 2] -> [...]: negative inside the myocardium, positive outside, about a distance in mm."""


@dataclass(frozen=True)
class DenseProtocol:
    """What the operator and the scanner decide.

    Attributes:
        pixel_mm: pixel size; DENSE is usually acquired at 2.65–2.8 mm.
        ke: (x, y) encoding frequency in cycles/mm.
        frame_ms: time between frames.
        first_frame_ms: from the encoding pulses to the first frame.
        coverage: share of the cycle that is covered.
        snr: myocardial signal over noise SD of one channel, in the first frame: phase noise starts at 1/snr rad.
        t1_ms: of myocardium at 1.5–3 T.
        flip_deg: read-out flip angle; each read-out costs cos(flip) of what is stored.
        background_rad: largest background phase within the field of view.
        background_order: of the background polynomial in space.
        blood_fade_ms: time constant of blood's signal, by outflow.
        static_tissue: whether a chest wall surrounds the heart.
        subpixels: along each axis, for partial volume.
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
    """Images and what they should give back.

    Attributes:
        images: as a scan would be read in, masks drawn without error.
        displacement_mm: float32 [T, 2, H, W]: truth at the pixels of the reference wall, NaN elsewhere.
        reference_myocardium: bool [H, W].
        background_rad: float32 [2, H, W]: the background phase that was added.
    """

    images: DenseImages
    displacement_mm: Array
    reference_myocardium: Array
    background_rad: Array


def material_points(
    motion: LagrangianMap, points_mm: Array, phase: float, tolerance_mm: float = 1e-4
) -> Array:
    """Invert the motion: the material point X of each spatial point x, with X + u(X) = x.

    Fixed-point iteration with Anderson's two-point acceleration off the table: plain X ← x − u(X) contracts
    wherever |∇u| < 1; it is damped where it does not.

    Args:
        motion: the closed-form map.
        points_mm: [..., 2] spatial points.
        phase: fraction of the cycle.
        tolerance_mm: where to stop.
    """
    material = np.array(points_mm, dtype=np.float64)
    previous = np.inf
    damping = 1.0
    for _ in range(200):
        miss = points_mm - material - motion(material, phase)
        worst = float(np.abs(miss).max())
        if worst < tolerance_mm:
            break
        if worst > previous:
            damping = max(0.3, 0.7 * damping)
        previous = worst
        material = material + damping * miss
    return material


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
    """Image a moving wall with cine DENSE.

    Args:
        motion: displacement of material points, closed form.
        wall: the myocardium at the encoding instant, a closed ring.
        grid: pixel grid of the scan; its spacing counts, not `protocol.pixel_mm`.
        rr_ms: length of the cycle.
        protocol: the scan; `DenseProtocol()` by default.
        seed: of noise and background phase.
        origin_mm: coordinates, in the frame of `motion` and `wall`, of the centre of pixel (0, 0).
        level: of the slice.
        name: of the slice.
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
    offsets = _subpixel_offsets(grid.spacing_mm, scan.subpixels)
    interior = _cavity_test(wall, centres)

    magnitude = np.empty((len(times), *grid.shape), dtype=np.float32)
    phase = np.empty((len(times), 2, *grid.shape), dtype=np.float32)
    masks = np.empty((len(times), *grid.shape), dtype=bool)
    truth = np.full((len(times), 2, *grid.shape), np.nan, dtype=np.float32)
    sigma = float(scan.myocardial_signal(times)[0]) / scan.snr
    for t, (time, stored) in enumerate(zip(times, scan.myocardial_signal(times), strict=True)):
        cycle = float(time / rr_ms) % 1.0
        truth[t][:, reference] = np.asarray(motion(centres[reference], cycle)).T
        signal = np.zeros((2, *grid.shape), dtype=np.complex128)
        blood = 0.8 * stored * float(np.exp(-time / scan.blood_fade_ms))
        for offset in offsets:
            here = centres + offset
            material = material_points(motion, here, cycle)
            inside = wall(material) < 0
            came = here - material
            spoilt = np.exp(2j * np.pi * rng.uniform(size=grid.shape) * min(1.0, time / 100.0))
            pool = interior(material) & ~inside
            for c in range(2):
                tissue = np.exp(2j * np.pi * scan.ke[c] * came[..., c])
                signal[c] += np.where(inside, stored * tissue, np.where(pool, blood * spoilt, 0.0))
        signal = signal / len(offsets)
        signal[:, chest] += 0.9 * stored
        signal *= np.exp(1j * background)
        signal += sigma * (rng.normal(size=signal.shape) + 1j * rng.normal(size=signal.shape))
        magnitude[t] = np.abs(signal).mean(axis=0)
        phase[t] = np.angle(signal)
        masks[t] = wall(material_points(motion, centres, cycle)) < 0
    images = DenseImages(
        name=name, grid=grid, magnitude=magnitude, phase=phase, ke=scan.ke, frame_times_ms=times, rr_ms=rr_ms,
        myocardium=masks, level=level,
    )  # fmt: skip
    return SimulatedDense(images, truth, reference, background)


def _subpixel_offsets(spacing_mm: tuple[float, float], count: int) -> list[Array]:
    steps = (np.arange(count) + 0.5) / count - 0.5
    return [np.array([sx * spacing_mm[0], sy * spacing_mm[1]]) for sx in steps for sy in steps]


def _chest_wall(grid: SliceGrid) -> Array:
    """Static tissue: a band along the upper and the lower border of the field of view."""
    height = grid.shape[0]
    rows = np.arange(height)[:, None] * np.ones((1, grid.shape[1]))
    return np.asarray((rows < 0.14 * height) | (rows > 0.86 * height))


def _cavity_test(wall: ImplicitWall, centres: Array):  # type: ignore[no-untyped-def]
    """A test for points inside the ring's hull: nearer to the wall's centre than the wall is in that direction."""
    ring = wall(centres) < 0
    centre = centres[ring].mean(axis=0)
    offset = centres[ring] - centre
    angles = np.arctan2(offset[:, 1], offset[:, 0])
    bins = np.linspace(-np.pi, np.pi, 49)
    reach = np.array(
        [np.linalg.norm(offset[(angles >= a) & (angles < b)], axis=1).max(initial=0.0)
         for a, b in zip(bins[:-1], bins[1:], strict=True)]
    )  # fmt: skip

    def inside(points: Array) -> Array:
        away = points - centre
        sector = np.clip(np.digitize(np.arctan2(away[..., 1], away[..., 0]), bins) - 1, 0, len(reach) - 1)
        return np.asarray(np.linalg.norm(away, axis=-1) < reach[sector])

    return inside
