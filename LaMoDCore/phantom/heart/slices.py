"""One short-axis slice of a synthetic subject: its motion, strain, contours and masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array, SliceGrid, canonical_grid
from LaMoDCore.phantom.heart.anatomy import PLANES
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.fourier import from_samples
from LaMoDCore.phantom.heart.kinematics import WallState, deformation_gradient, displacement, polar_map
from LaMoDCore.phantom.heart.parameters import SliceParameters, SubjectParameters
from LaMoDCore.phantom.heart.regional import HARMONICS, TETHERING_RAD
from LaMoDCore.phantom.heart.timecurves import contraction, drift_curve, rotation_curve

#: Number of angles of a contour.
CONTOUR_SAMPLES = 720


@dataclass(frozen=True, eq=False)
class WallStrain:
    """Exact Green–Lagrange strain of material points, each field [T, ...]; fractions.

    ecc, err, ecr are in the radial/circumferential frame of frame 0 about the centroid of the epicardial
    region; e1 ≥ e2; jacobian is the in-plane det F.
    """

    ecc: Array
    err: Array
    ecr: Array
    e1: Array
    e2: Array
    jacobian: Array


@dataclass(frozen=True, eq=False)
class PhantomSlice:
    """A plane of a subject.

    In-plane positions ``xy`` are in mm from the ventricle's centre at end-diastole, x towards the patient's
    left as far as the plane allows, y down the canonical picture (seen from the apex). Phases are fractions
    of R–R from end-diastole; every function of them has period 1, and there is no motion at 0.
    """

    subject: SubjectParameters
    parameters: SliceParameters

    @property
    def name(self) -> str:
        return self.parameters.name

    @property
    def number(self) -> int:
        """0…3 from base to apex; part of the random seeds of the slice."""
        return [name for name, _, _ in PLANES].index(self.name)

    @property
    def level(self) -> Level:
        return self.parameters.level

    @property
    def disease(self) -> str:
        return self.subject.disease

    @property
    def rr_ms(self) -> float:
        return self.subject.rr_ms

    @cached_property
    def grid(self) -> SliceGrid:
        """The canonical picture: 128 × 128 at 1 mm, seen from the apex."""
        return _canonical_slice_grid(
            self.parameters.center_lps, self.subject.axis_lps, self.parameters.picture_offset_mm
        )

    @property
    def rv_insertion_xy(self) -> Array:
        """[2]: the anterior right-ventricular insertion on the epicardium at end-diastole."""
        angle = self.parameters.shape.insertion_angle
        radius = self.parameters.shape.epi(np.array([angle]))[0]
        return np.array([radius * np.cos(angle), -radius * np.sin(angle)])

    @property
    def rv_insertion_lps(self) -> Array:
        """[3]: the same point in patient coordinates."""
        return np.asarray(self.parameters.center_lps + self.grid.directions @ self.rv_insertion_xy)

    @cached_property
    def centroid_xy(self) -> Array:
        """[2]: centroid of the epicardial region at end-diastole."""
        theta = np.arange(CONTOUR_SAMPLES) * 2 * np.pi / CONTOUR_SAMPLES
        epi = self.parameters.shape.epi(theta)
        moment = (epi**3 / 3 * np.exp(1j * theta)).mean() / (epi**2 / 2).mean()
        return np.array([moment.real, -moment.imag])

    def points_of(self, grid: SliceGrid) -> Array:
        """[H, W, 2]: in-plane position xy of every pixel of a grid in (or near) this plane."""
        height, width = grid.shape
        columns, rows = np.meshgrid(np.arange(width), np.arange(height))
        lps = grid.pixel_to_lps(np.stack([columns, rows], -1))
        return np.asarray((lps - self.parameters.center_lps) @ self.grid.directions)

    def wall_state(self, phases: npt.ArrayLike) -> WallState:
        """Parameters of the closed-form map at phases [T]."""
        times = np.asarray(phases, dtype=np.float64).reshape(-1)
        p, timing = self.parameters, self.subject.timing
        work = p.function.shortening(timing, times)
        rotation = np.deg2rad(rotation_curve(timing, times, p.rotation_early, p.rotation_recoil))
        drift = drift_curve(timing, times, p.translation_return)
        return WallState(
            endo=p.shape.endo,
            epi=p.shape.epi,
            log_stretch=work.scaled(np.full(times.shape, p.endo_log_stretch)),
            log_area=work.flattened(p.area_follows).scaled(np.full(times.shape, p.log_area_gain)),
            area_slope=p.area_slope * contraction(timing, times),
            rotation_epi=p.rotation_epi_deg * rotation,
            rotation_endo=p.rotation_endo_deg * rotation,
            translation=p.translation_mm * drift,
            radial_share=self.subject.radial_share,
        )

    def displacement_mm(self, phases: npt.ArrayLike, xy: Array) -> Array:
        """u(X, τ) = x − X at material points X: [T, ..., 2] in mm for xy [..., 2]; finite everywhere."""
        points = (xy[..., 0] - 1j * xy[..., 1]).reshape(-1)
        moved = displacement(self.wall_state(phases), points)
        return np.stack([moved.real, -moved.imag], -1).reshape(-1, *xy.shape)

    def displacement_on(self, phases: npt.ArrayLike, grid: SliceGrid) -> Array:
        """u at every pixel of a grid: [T, 2, H, W] in mm along **that grid's** (x, y)."""
        own = self.displacement_mm(phases, self.points_of(grid))
        turned = grid.vectors_from_lps(self.grid.vectors_to_lps(own))
        return np.moveaxis(turned, -1, 1)

    def strain(self, phases: npt.ArrayLike, xy: Array) -> WallStrain:
        """Exact strain [T, ...] at material points xy [..., 2] **of the wall**."""
        shape = (-1, *xy.shape[:-1])
        points = (xy[..., 0] - 1j * xy[..., 1]).reshape(-1)
        gradient = deformation_gradient(self.wall_state(phases), points)
        green = 0.5 * (np.swapaxes(gradient, -1, -2) @ gradient - np.eye(2))
        center = complex(self.centroid_xy[0], -self.centroid_xy[1])
        cosine, sine = np.cos(np.angle(points - center)), np.sin(np.angle(points - center))
        xx, xy_, yy = green[..., 0, 0], green[..., 0, 1], green[..., 1, 1]
        err = xx * cosine**2 + 2 * xy_ * cosine * sine + yy * sine**2
        ecc = xx * sine**2 - 2 * xy_ * cosine * sine + yy * cosine**2
        ecr = (yy - xx) * cosine * sine + xy_ * (cosine**2 - sine**2)
        mean, deviation = 0.5 * (xx + yy), np.sqrt((0.5 * (xx - yy)) ** 2 + xy_**2)
        fields = (ecc, err, ecr, mean + deviation, mean - deviation, np.linalg.det(gradient))
        return WallStrain(*(field.reshape(shape) for field in fields))

    def activation_ms(self, theta: Array) -> Array:
        """[N]: delay of electrical activation in ms at angles θ."""
        delay = from_samples(self.parameters.function.delay, HARMONICS, TETHERING_RAD)
        return np.asarray(delay(theta) * self.subject.rr_ms)

    def contours(
        self, phases: npt.ArrayLike, *, material: bool = False, samples: int = CONTOUR_SAMPLES
    ) -> PolarContours:
        """True contours at phases [T].

        Args:
            phases: [T].
            material: follow the tissue of frame 0. Otherwise the plane is fixed in space and cuts the tissue that has
                moved into it, whose radius differs by the ventricle's taper.
            samples: angles of each contour; a quarter of the default moves it by 0.01 mm at most.
        """
        times = np.asarray(phases, dtype=np.float64).reshape(-1)
        state = self.wall_state(times)
        theta = np.arange(samples) * 2 * np.pi / samples
        widening = np.zeros(times.shape)
        if not material:
            p = self.parameters
            widening = p.taper_per_mm * p.through_plane_mm * contraction(self.subject.timing, times)
        radii = []
        for series in (state.endo, state.epi):
            moved = polar_map(state, series(theta) * (1 + widening[:, None]), theta)
            frames, turned = moved.radius, theta + moved.turn
            radii.append(
                np.stack([np.interp(theta, a, r, period=2 * np.pi) for a, r in zip(turned, frames, strict=True)])
            )
        return PolarContours(center=state.translation, endo=radii[0], epi=radii[1])

    def masks(self, phases: npt.ArrayLike, grid: SliceGrid | None = None, *, material: bool = False) -> Array:
        """Myocardium, bool [T, H, W]: pixels whose centre lies in the wall, on the canonical grid if None."""
        points = self.points_of(grid or self.grid)
        return self.contours(phases, material=material).rasterise(points)


def _canonical_slice_grid(center_lps: Array, axis_lps: Array, offset_mm: tuple[float, float]) -> SliceGrid:
    """The canonical 128 × 128 grid at 1 mm in the plane perpendicular to ``axis_lps`` through ``center_lps``.

    Args:
        center_lps: [3], the ventricle's centre.
        axis_lps: [3], from apex to base.
        offset_mm: (x, y) of that centre relative to the picture's centre.
    """
    helper = np.array([0.0, 0.0, 1.0])
    x = np.cross(axis_lps, helper)
    x = x / np.linalg.norm(x)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = x, np.cross(axis_lps, x), axis_lps * 10.0
    affine[:3, 3] = center_lps
    grid = canonical_grid(SliceGrid((2, 2), affine), (0.0, 0.0))
    shifted = grid.ijk_to_lps.copy()
    shifted[:3, 3] -= grid.directions @ np.asarray(offset_mm)
    return SliceGrid(grid.shape, shifted)
