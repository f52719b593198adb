"""A heart with exact motion: an incompressible truncated ellipsoid in three dimensions, cut by a fixed plane.

In the heart's frame z runs from the endocardial apex to the base, x towards the middle of the septum, y = z × x;
r and θ are polar coordinates after the ellipse x/e, y·e. Activity a(t) is 0 at end-diastole and about 1 at end-systole;
A(θ, t) is that of the wall at θ, which differs in regional disease. A material point (r, θ, z) moves to

    r₁² = r² − k R(z)² A(θ, t)       R(z) is the endocardial radius: the cavity's area decreases by the share k
    θ₁  = θ + τ(r₁, z, t)            twist, decreasing from endo- to epicardium and from apex to base
    z₁  = l z,  l = 1 − s a(t)       shortening towards the apex, which stays in place
    r₁ is then divided by √l, the ellipse is undone, and the whole heart is shifted by a(t).

Each step preserves volume, so that det F = 1 everywhere, and has a closed-form inverse: first z, then θ from r₁, then r
from θ. The plane is fixed while the heart passes through it, as in cine MRI: the slice shows different tissue at
end-systole than at end-diastole. A reader draws both contours of each frame with a smooth random error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.geometry import Array, SliceGrid

#: The heart's frame in LPS: z from apex to base, x to the middle of the septum, which lies right-anterior.
_TO_BASE = np.array([-0.55, 0.50, 0.67]) / np.linalg.norm([-0.55, 0.50, 0.67])
_TO_SEPTUM = np.cross(np.cross(_TO_BASE, [-1.0, -0.55, 0.1]), _TO_BASE)
_TO_SEPTUM /= np.linalg.norm(_TO_SEPTUM)
_FRAME = np.stack([_TO_SEPTUM, np.cross(_TO_BASE, _TO_SEPTUM), _TO_BASE])
_APEX_LPS = np.array([-20.0, 30.0, 40.0])
#: θ of the anterior RV insertion point.
_INSERTION_ANGLE = np.deg2rad(62)
#: Height of the widest ring above the apex, as a share of the cavity's length.
_WIDEST = 0.66
#: Margin of the image around the epicardium.
_MARGIN_MM = 22.0
#: Harmonics of a reader's error along a contour; the m-th has a variance of 1/m of the first's.
_READER_HARMONICS = np.arange(1, 6)

#: A(θ, t) from the usual activity (as a function of the phase), angles and one phase.
Activity = Callable[[float], float]
LocalActivity = Callable[[Activity, Array, float], Array]


def everywhere(activity: Activity, angle: Array, phase: float) -> Array:
    """The whole ring contracts equally."""
    return np.full_like(angle, activity(phase))


def weaker(center_degrees: float, half_width_degrees: float, loss: float) -> LocalActivity:
    """A sector that keeps 1 − loss of the activity: akinetic at a loss of 1, dyskinetic above."""

    def local(activity: Activity, angle: Array, phase: float) -> Array:
        away = np.rad2deg(np.abs(np.angle(np.exp(1j * (angle - np.deg2rad(center_degrees))))))
        inside = _smooth_step((half_width_degrees + 12 - away) / 24)
        return activity(phase) * (1 - loss * inside)

    return local


def septal_flash(activity: Activity, angle: Array, phase: float) -> Array:
    """Left bundle branch block: the septum contracts early, rebounds and contracts weakly; the lateral wall is late."""
    early = 0.45 * np.exp(-(((phase - 0.09) / 0.05) ** 2))
    after = 0.38 * np.exp(-(((phase - 0.48) / 0.16) ** 2))
    septal = (early + after) * _smooth_step(phase / 0.04)
    lateral = 1.15 * activity(max(phase - 0.09, 0.0))
    share = (1 - np.cos(angle)) / 2
    return (septal * (1 - share) + lateral * share) * _smooth_step((1 - phase) / 0.12)


@dataclass(frozen=True)
class EllipsoidHeart:
    """One heart and the slice that is imaged.

    Attributes:
        name: name in tables.
        cavity_mm, wall_mm, length_mm: greatest endocardial radius, wall thickness there, length of the cavity.
        ellipse: e, the ratio of its axes is e².
        contraction: k.
        shortening: s.
        rotation_degrees: at base and apex, mid-wall at a = 1, counter-clockwise as seen from the apex.
        shift_mm: shift of the whole heart at a = 1, along x and y.
        local: A(θ, t).
        systole: phase of end-systole.
        rr_ms: length of the cycle.
        frames: number of frames, evenly over the covered part.
        first_phase: phase of the first frame.
        covered: share of the cycle that is acquired.
        missing: frames that are left out.
        plane: height of the slice above the apex, as a share of the cavity's length.
        pixel_mm: (dx, dy).
        turn_degrees: in-plane angle of the image's columns.
        mirrored: whether the rows run the other way, so that the image is seen from the base.
        reader_mm: SD of a drawn contour about the true one.
    """

    name: str
    cavity_mm: float = 25.0
    wall_mm: float = 9.0
    length_mm: float = 88.0
    ellipse: float = 1.0
    contraction: float = 0.55
    shortening: float = 0.15
    rotation_degrees: tuple[float, float] = (-4.0, 10.0)
    shift_mm: tuple[float, float] = (1.5, -1.0)
    local: LocalActivity = everywhere
    systole: float = 0.36
    rr_ms: float = 850.0
    frames: int = 25
    first_phase: float = 0.0
    covered: float = 1.0
    missing: tuple[int, ...] = ()
    plane: float = 0.45
    pixel_mm: tuple[float, float] = (1.2, 1.8)
    turn_degrees: float = 17.0
    mirrored: bool = False
    reader_mm: float = 0.25

    def activity(self, phase: float) -> float:
        """a(t): contraction, rapid filling, diastasis, atrial kick."""
        rest = (phase - self.systole) / (1 - self.systole)
        if rest < 0:
            return float(_rise(phase / self.systole))
        return float(1 - 0.72 * _rise(rest / 0.38) - 0.28 * _rise((rest - 0.68) / 0.32))

    def moved(self, material: Array, phase: float) -> Array:
        """Positions at a phase of material points [..., 3], given in mm at end-diastole in the heart's frame."""
        radius, angle, height = self._polar(material)
        # only blood near the axis reaches this bound; tissue is further out
        inward = np.sqrt(np.maximum(radius**2 - self._area_lost(angle, height, phase), 0.25))
        turned = angle + self._twist(inward, height, phase)
        length = self._length(phase)
        wide = inward / np.sqrt(length)
        points = np.stack([self.ellipse * wide * np.cos(turned), wide * np.sin(turned) / self.ellipse], axis=-1)
        return np.concatenate([points + self._shift(phase), (length * height)[..., None]], axis=-1)

    def material(self, points: Array, phase: float) -> Array:
        """The inverse of `moved`: end-diastolic positions of the points that are at [..., 3] at a phase."""
        length = self._length(phase)
        still = np.concatenate([points[..., :2] - self._shift(phase), points[..., 2:] / length], axis=-1)
        wide, turned, height = self._polar(still)
        inward = wide * np.sqrt(length)
        angle = turned - self._twist(inward, height, phase)
        radius = np.sqrt(np.maximum(inward**2 + self._area_lost(angle, height, phase), 0.0))
        flat = np.stack([self.ellipse * radius * np.cos(angle), radius * np.sin(angle) / self.ellipse], axis=-1)
        return np.concatenate([flat, height[..., None]], axis=-1)

    def case(self, seed: int) -> tuple[Case, Array]:
        """The case as its reader draws it, and its true displacement [T, 2, H, W] in mm along the grid's axes."""
        rng = np.random.default_rng([113, seed])
        step = self.covered / self.frames
        kept = np.setdiff1d(np.arange(self.frames), self.missing)
        phases = np.mod(self.first_phase + step * kept, 1.0)
        reference = int(np.argmin(np.minimum(phases, 1 - phases)))
        axes, points = self._plane_points()
        masks = np.stack([self._drawn(points, phase, rng) for phase in phases])
        tissue = self.material(points, phases[reference])
        travel = np.stack([self.moved(tissue, phase) - points for phase in phases])
        displacement = np.moveaxis(travel[..., :2] @ axes, -1, 1).astype(np.float32)
        times = step * kept * self.rr_ms
        slice_ = CineSlice(self.name, self._grid(axes, points), masks, times, self.rr_ms)
        return Case((slice_,), reference, self._insertion_lps()), displacement

    def _polar(self, points: Array) -> tuple[Array, Array, Array]:
        x, y = points[..., 0] / self.ellipse, points[..., 1] * self.ellipse
        return np.hypot(x, y), np.arctan2(y, x), points[..., 2]

    def _length(self, phase: float) -> float:
        return 1 - self.shortening * self.activity(phase)

    def _shift(self, phase: float) -> Array:
        return np.array(self.shift_mm) * self.activity(phase)

    def _inner(self, height: Array) -> Array:
        below = np.clip(1 - height / (_WIDEST * self.length_mm), -1, 1)
        return self.cavity_mm * np.sqrt(1 - below**2)

    def _outer(self, height: Array) -> Array:
        below = (_WIDEST * self.length_mm - height) / (_WIDEST * self.length_mm + self.wall_mm)
        return (self.cavity_mm + self.wall_mm) * np.sqrt(1 - np.clip(below, -1, 1) ** 2)

    def _area_lost(self, angle: Array, height: Array, phase: float) -> Array:
        return self.contraction * self._inner(height) ** 2 * self.local(self.activity, angle, phase)

    def _twist(self, radius: Array, height: Array, phase: float) -> Array:
        base, apex = self.rotation_degrees
        up = np.clip(height / (0.72 * self.length_mm), 0, 1)
        depth = np.clip((radius - 0.7 * self._inner(height)) / (1.3 * self.wall_mm), -0.5, 1.5)
        # counter-clockwise seen from the apex is clockwise about z, which points to the base
        return -np.deg2rad(base * up + apex * (1 - up)) * (1.2 - 0.4 * depth) * self.activity(phase)

    def _plane_points(self) -> tuple[Array, Array]:
        """Directions of columns and rows [2 (x, y), 2] in the plane, and every pixel [H, W, 3] in the heart's frame."""
        turn = np.deg2rad(self.turn_degrees)
        axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        axes[:, 1] *= -1 if self.mirrored else 1
        half = self.cavity_mm + self.wall_mm + _MARGIN_MM
        width, height = (int(np.ceil(2 * half / pixel)) for pixel in self.pixel_mm)
        rows, columns = np.indices((height, width))
        offsets = np.stack([columns - (width - 1) / 2, rows - (height - 1) / 2], axis=-1) * self.pixel_mm
        level = np.full((height, width, 1), self.plane * self.length_mm)
        return axes, np.concatenate([offsets @ axes.T, level], axis=-1)

    def _grid(self, axes: Array, points: Array) -> SliceGrid:
        affine = np.eye(4)
        affine[:3, :2] = _FRAME[:2].T @ axes * self.pixel_mm
        affine[:3, 2] = _TO_BASE * 8.0
        affine[:3, 3] = _APEX_LPS + points[0, 0] @ _FRAME
        return SliceGrid(points.shape[:2], affine)

    def _insertion_lps(self) -> Array:
        height = self.plane * self.length_mm
        outer = float(self._outer(np.array(height)))
        x, y = outer * self.ellipse * np.cos(_INSERTION_ANGLE), outer / self.ellipse * np.sin(_INSERTION_ANGLE)
        return _APEX_LPS + np.array([x, y, height]) @ _FRAME

    def _drawn(self, points: Array, phase: float, rng: np.random.Generator) -> Array:
        """Mask [H, W] between the reader's two contours."""
        return self._within(self._outer, points, phase, rng) & ~self._within(self._inner, points, phase, rng)

    def _within(
        self, surface: Callable[[Array], Array], points: Array, phase: float, rng: np.random.Generator
    ) -> Array:
        """Pixels that lie inside a surface, after undoing the reader's error along the radius."""
        x, y = np.moveaxis(points[..., :2] - self._shift(phase), -1, 0)
        angle = np.arctan2(y, x)
        spread = self.reader_mm * np.sqrt(2 / _READER_HARMONICS / (1 / _READER_HARMONICS).sum())
        sizes, starts = rng.normal(0, spread), rng.uniform(0, 2 * np.pi, len(spread))
        error = np.cos(angle[..., None] * _READER_HARMONICS + starts) @ sizes
        outward = np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=-1)
        radius, _, height = self._polar(self.material(points - error[..., None] * outward, phase))
        return radius < surface(height)


def _rise(part: float) -> float:
    """Rise from 0 to 1 along a half cosine."""
    return float(0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)))


def _smooth_step(part: Array | float) -> Array:
    """Rise from 0 to 1 along a smooth cubic."""
    bounded = np.clip(part, 0, 1)
    return np.asarray(bounded**2 * (3 - 2 * bounded))
