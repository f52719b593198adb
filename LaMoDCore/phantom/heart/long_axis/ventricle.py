"""A closed-form three-dimensional motion of the whole wall that agrees with the motion of the short-axis slices.

A material point has the place ℓ on the long axis (0 at the mitral ring, 1 at the endocardial apex), the angle θ and the
depth d in the wall. Its motion across the axis is that of `LaMoDCore.phantom.heart.kinematics` with parameters that are
blended between the four slices: at the place of a slice it is exactly the slice's motion. Along the axis,

    z(θ, ℓ, τ) = L ∫_ℓ^{ℓ_e} λ_z dℓ',    λ_z = exp(v(τ)) / J(θ, ℓ, τ),                                    (1)

so that in-plane area J and longitudinal stretch λ_z give the three-dimensional volume exp(v), which is that of the
subject (`volume_ratio`) at end-systole. The epicardial apex, ℓ_e, does not move; the translation of the slices fades
towards it beyond the last slice.

Beyond the last slice the radii close like an ellipse, and J falls to J < 1 at the tip, where the thickness of the wall
lies along the axis and both in-plane directions shorten: ln J = m, half of what a circumferential shortening of m in
both directions gives. This is an assumption; no slice lies there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.kinematics import WallState
from LaMoDCore.phantom.heart.subject import Subject
from LaMoDCore.phantom.heart.timecurves import contraction

#: Thickness of the wall at the apex, as a share of the mean thickness at mid level.
_TIP_THICKNESS = 0.6
#: Intervals of the integral in (1).
_STEPS = 160


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points of the moving wall.

    Attributes:
        across: complex [T, N] mm about the axis at end-diastole; imaginary part upwards in the slices' pictures.
        about_axis: the same about the moving axis, without the slices' translation.
        along: [T, N] mm from the epicardial apex towards the base.
    """

    across: Array
    about_axis: Array
    along: Array


@dataclass(frozen=True, eq=False)
class Ventricle:
    """The left ventricle of a synthetic subject at T phases, fractions of R–R from end-diastole.

    Attributes:
        subject: its parameters.
        phases: [T].
    """

    subject: Subject
    phases: Array

    @cached_property
    def places(self) -> Array:
        """[4]: places of the slices."""
        return np.array([each.place for each in self.subject.slice_parameters])

    @property
    def length_mm(self) -> float:
        """Distance from the mitral ring to the endocardial apex at end-diastole."""
        return self.subject.long_axis.length_mm

    @property
    def end_place(self) -> float:
        """ℓ_e: place of the epicardial apex."""
        return 1.0 + _TIP_THICKNESS * self.subject.wall_mm / self.length_mm

    @cached_property
    def _states(self) -> list[WallState]:
        return [each.wall_state(self.phases) for each in self.subject.slices()]

    @cached_property
    def _timing(self) -> Array:
        return contraction(self.subject.timing, self.phases)

    def _weights(self, place: Array) -> Array:
        """[N, 4]: weights of the slices at places [N]; smooth steps between neighbours, constant beyond the last."""
        index = np.clip(np.searchsorted(self.places, place) - 1, 0, len(self.places) - 2)
        share = np.clip((place - self.places[index]) / (self.places[index + 1] - self.places[index]), 0.0, 1.0)
        share = share**2 * (3 - 2 * share)
        weights = np.zeros((len(place), len(self.places)))
        rows = np.arange(len(place))
        weights[rows, index], weights[rows, index + 1] = 1 - share, share
        return weights

    def _size(self, place: Array, closes_at: float) -> Array:
        """Radius at places [N] relative to that of an unscaled shape; an ellipse that closes beyond the last slice."""
        axis, last = self.subject.long_axis, float(self.places[-1])
        inside = self.subject.mid_radius_mm * axis.radius_ratio(np.minimum(place, last))
        slope = float(np.log(axis.radius_ratio(last) / axis.radius_ratio(last - 0.01))) / 0.01
        beyond = np.clip((place - last) / (closes_at - last), 0.0, 1.0)
        tail = np.exp(slope * np.maximum(place - last, 0.0)) * np.sqrt(1 - beyond**2)
        return np.asarray(inside * tail)

    def _radii(self, place: Array, theta: Array) -> tuple[Array, Array]:
        """R_i and R_e [N] at end-diastole at pairs of place and angle."""
        parameters = self.subject.slice_parameters
        size = self.subject.mid_radius_mm * self.subject.long_axis.radius_ratio(self.places)
        weights = self._weights(place)
        inner = np.stack([p.shape.endo(theta) / s for p, s in zip(parameters, size, strict=True)], axis=1)
        outer = np.stack([p.shape.epi(theta) / s for p, s in zip(parameters, size, strict=True)], axis=1)
        endo = (weights * inner).sum(axis=1) * self._size(place, 1.0)
        epi = (weights * outer).sum(axis=1) * self._size(place, self.end_place)
        return np.maximum(endo, 1e-3), np.maximum(epi, np.maximum(endo, 1e-3) + 1e-3)

    def _tip(self, place: Array) -> Array:
        """[N]: 0 up to the last slice, 1 at the epicardial apex."""
        share = np.clip((place - self.places[-1]) / (self.end_place - self.places[-1]), 0.0, 1.0)
        return np.asarray(share**2 * (3 - 2 * share))

    def depth_of(self, radius_mm: Array, place: Array, theta: Array) -> Array:
        """Depth [N] in the wall at end-diastole (0 endocardium, 1 epicardium) of points at distances from the axis."""
        endo, epi = self._radii(place, theta)
        return np.asarray(np.clip((radius_mm - endo) / (epi - endo), 0.0, 1.0))

    def surface(self, place: npt.ArrayLike, theta: npt.ArrayLike, depth: npt.ArrayLike) -> SurfacePoints:
        """Moving positions of material points.

        Args:
            place: [N] or [T, N] places ℓ.
            theta: [N] or [T, N] angles at end-diastole.
            depth: 0 endocardium, 1 epicardium; one number, or [N].
        """
        frames = len(self.phases)
        places = np.broadcast_to(np.asarray(place, dtype=np.float64), (frames, np.shape(place)[-1]))
        thetas = np.broadcast_to(np.asarray(theta, dtype=np.float64), places.shape)
        points = [self.across(t, places[t], thetas[t], np.asarray(depth, dtype=np.float64)) for t in range(frames)]
        about_axis, drift = (np.stack(each) for each in zip(*points, strict=True))
        along = np.stack([self.height_mm(t, places[t], thetas[t]) for t in range(frames)])
        return SurfacePoints(about_axis + drift, about_axis, along)

    def across(self, t: int, place: Array, theta: Array, depth: Array) -> tuple[Array, Array]:
        """Position [N] about the moving axis at phase t, and the axis' own translation; see `SurfacePoints`."""
        weights = self._weights(place)
        endo, epi = self._radii(place, theta)
        radius = endo + depth * (epi - endo)
        share = self.subject.radial_share
        mean = np.array([state.log_stretch.mean[t] for state in self._states]) @ weights.T
        regional = [type(s.log_stretch)(s.log_stretch.without_mean().coefficients[t]) for s in self._states]
        pattern = (np.stack([each(theta) for each in regional], axis=1) * weights).sum(axis=1)
        sliding = (np.stack([each.antiderivative()(theta) for each in regional], axis=1) * weights).sum(axis=1)
        slope = np.array([state.area_slope[t] for state in self._states]) @ weights.T
        area = np.exp(self._log_area_at(t, place, theta)) / (1 + (1 - share) * pattern)
        thickness = epi - endo
        swept = (1 - slope * (0.5 + endo / thickness)) * (radius**2 - endo**2)
        swept = swept + slope * (2 / 3) * (radius**3 - endo**3) / thickness
        rho = np.sqrt(np.maximum((endo * np.exp(mean + share * pattern)) ** 2 + area * swept, 0.0))
        outer = np.array([state.rotation_epi[t] for state in self._states]) @ weights.T
        inner = np.array([state.rotation_endo[t] for state in self._states]) @ weights.T
        turn = outer + (inner - outer) * (1 - depth) + (1 - share) * sliding
        drift = (np.array([state.translation[t] for state in self._states]) @ weights.T) * (1 - self._tip(place))
        return rho * np.exp(1j * (theta + turn)), drift

    def _log_area_at(self, t: int, place: Array, theta: Array) -> Array:
        weights, tip = self._weights(place), self._tip(place)
        series = [type(s.log_area)(s.log_area.coefficients[t]) for s in self._states]
        of_slices = (np.stack([each(theta) for each in series], axis=1) * weights).sum(axis=1)
        shortening = np.array([state.log_stretch.mean[t] for state in self._states]) @ weights.T
        return np.asarray((1 - tip) * of_slices + tip * shortening)

    def height_mm(self, t: int, place: Array, theta: Array) -> Array:
        """(1) at pairs [N] of place and angle, mm."""
        steps = np.linspace(0.0, self.end_place, _STEPS + 1)
        weights, tip = self._weights(steps), self._tip(steps)
        series = [type(s.log_area)(s.log_area.coefficients[t]) for s in self._states]
        of_slices = weights @ np.stack([each(theta) for each in series])  # [steps, N]
        shortening = weights @ np.array([state.log_stretch.mean[t] for state in self._states])
        log_area = (1 - tip)[:, None] * of_slices + (tip * shortening)[:, None]
        stretch = np.exp(np.log(self.subject.volume_ratio) * self._timing[t] - log_area)
        pieces = 0.5 * (stretch[1:] + stretch[:-1]) * (steps[1] - steps[0])
        below = np.concatenate([np.cumsum(pieces[::-1], axis=0)[::-1], np.zeros((1, theta.size))])
        position = np.clip(place, 0.0, self.end_place) / (steps[1] - steps[0])
        index = np.minimum(position.astype(int), _STEPS - 1)
        share = position - index
        columns = np.arange(theta.size)
        return np.asarray(self.length_mm * ((1 - share) * below[index, columns] + share * below[index + 1, columns]))
