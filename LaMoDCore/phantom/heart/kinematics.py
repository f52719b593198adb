"""The closed-form motion of one short-axis wall: X at end-diastole -> x(X, τ), and its exact derivatives.

A point of frame 0 has polar coordinates (r, θ) about the ventricle's centre, θ counter-clockwise as seen from
the apex. The wall lies between the endocardium R_i(θ) and the epicardium R_e(θ). The point moves to

    x = c + b(τ) + ρ(r, θ, τ) · e(θ + α(r, θ, τ)),                                                    (1)

    ρ² = ρ_i² + ∫_{R_i}^{r} 2 s Q(θ, τ) [1 + β(τ) (d(s) − ½)] ds,   d = (r − R_i)/(R_e − R_i),         (2)
    ρ_i = R_i exp(m(τ) + κ p(θ, τ)),    Q = J(θ, τ) / (1 + (1 − κ) p(θ, τ)),                            (3)
    α = A_epi(τ) + (A_endo(τ) − A_epi(τ)) (1 − d) + (1 − κ) ∫ p dθ.                                   (4)

m + p is the logarithmic circumferential stretch of the endocardium (mean and regional part). Of the regional
part, the share κ appears as uneven radial motion and the rest as material that slides along the wall, as a
tethered infarct is stretched by its neighbours. J is the area that the plane gains as the wall shortens along
the ventricle: for constant three-dimensional volume, J = 1/λ_z. (2) gives every sector and depth this area,
so wall thickening and the transmural gradient of circumferential strain follow from incompressibility instead
of being drawn. For A ≡ 0, a circle and p ≡ 0 it is the incompressible annulus of Moore et al. (2000) and of
Guccione's cylinder.

Beyond the wall the motion is continued with continuous first derivatives: into the cavity by a monotone
radial profile, outwards by decay over a few centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.fourier import AngularSeries

#: The wall's formula also holds this far beyond the wall, so that differences across the rim are exact.
_MARGIN_MM = 0.3
#: Order of the monotone radial profile that continues the endocardium's motion to the cavity's centre.
_CAVITY_ORDER = 8
#: Distance over which displacement decays outside the epicardium.
_DECAY_MM = 15.0
#: Depths (in wall thicknesses) over which the endo-epi shear levels off beyond the wall.
_SHEAR_REACH = 0.5


@dataclass(frozen=True, eq=False)
class WallState:
    """The parameters of (1)–(4) at T phases.

    Attributes:
        endo, epi: R_i(θ), R_e(θ) in mm.
        log_stretch: [T] series, m + p.
        log_area: [T] series, ln J.
        area_slope: [T], β: relative change of J from endocardium to epicardium.
        rotation_epi, rotation_endo: [T], A in radians, counter-clockwise positive seen from the apex.
        translation: [T] complex, b in mm, imaginary part upwards in the picture.
        radial_share: κ.
    """

    endo: AngularSeries
    epi: AngularSeries
    log_stretch: AngularSeries
    log_area: AngularSeries
    area_slope: Array
    rotation_epi: Array
    rotation_endo: Array
    translation: Array
    radial_share: float


@dataclass(frozen=True, eq=False)
class PolarMap:
    """The map (1) at N points and T phases, without translation.

    Attributes:
        radius: ρ [T, N] in mm.
        turn: α [T, N] in radians.
    """

    radius: Array
    turn: Array


@dataclass(frozen=True, eq=False)
class PolarDerivatives:
    """Partial derivatives of ρ and α by r (1/mm) and θ at N points of the wall and T phases, each [T, N]."""

    radius_r: Array
    radius_theta: Array
    turn_r: Array
    turn_theta: Array


def _wall_area(radius: Array, endo: Array, epi: Array, area_slope: Array) -> Array:
    """[T, N]: ∫_{R_i}^{r} 2 s [1 + β (d(s) − ½)] ds, the integral of (2) without Q."""
    thickness = epi - endo
    square = radius**2 - endo**2
    cube = radius**3 - endo**3
    slope = area_slope[:, None]
    return np.asarray((1 - slope * (0.5 + endo / thickness)) * square + slope * (2 / 3) * cube / thickness)


def _wall_area_theta(
    radius: Array, endo: Array, epi: Array, endo_theta: Array, epi_theta: Array, area_slope: Array
) -> Array:
    """[T, N]: ∂/∂θ of ``_wall_area`` at constant r."""
    thickness, thickness_theta = epi - endo, epi_theta - endo_theta
    square, square_theta = radius**2 - endo**2, -2 * endo * endo_theta
    cube, cube_theta = radius**3 - endo**3, -3 * endo**2 * endo_theta
    ratio_theta = (endo_theta * thickness - endo * thickness_theta) / thickness**2
    slope = area_slope[:, None]
    return np.asarray(
        -slope * ratio_theta * square
        + (1 - slope * (0.5 + endo / thickness)) * square_theta
        + slope * (2 / 3) * (cube_theta * thickness - cube * thickness_theta) / thickness**2
    )


def _shear_profile(depth: Array, margin: Array) -> Array:
    """1 − d within the wall and ``margin`` beyond it, levelling off on both sides with a continuous slope."""
    inside = 1 - np.clip(depth, -margin, 1 + margin)
    cavity = _SHEAR_REACH * -np.expm1(np.minimum(depth + margin, 0) / _SHEAR_REACH)
    outside = _SHEAR_REACH * np.expm1(-np.maximum(depth - 1 - margin, 0) / _SHEAR_REACH)
    return np.asarray(inside + cavity + outside)


def polar_map(state: WallState, radius: Array, theta: Array) -> PolarMap:
    """ρ and α of (2)–(4) at points (radius [N] or [T, N] mm, theta [N] rad) within and beyond the wall."""
    endo, epi = state.endo(theta), state.epi(theta)
    regional = state.log_stretch.without_mean()
    pattern = regional(theta)
    share = state.radial_share
    rho_endo = endo * np.exp(state.log_stretch.mean[:, None] + share * pattern)
    area = np.exp(state.log_area(theta)) / (1 + (1 - share) * pattern)

    inner, outer = endo - _MARGIN_MM, epi + _MARGIN_MM
    in_wall = np.clip(radius, inner, outer)
    slope = state.area_slope[:, None]
    rho = np.sqrt(rho_endo**2 + area * _wall_area(in_wall, endo, epi, state.area_slope))
    rho_slope = area * (1 + slope * ((in_wall - endo) / (epi - endo) - 0.5)) * in_wall / rho

    # Cavity: ρ = ρ_c [t + g (t^q − t)], t = r/c from the seam c inwards; g keeps the slope across it.
    fraction = np.minimum(radius / inner, 1.0)
    gain = (rho_slope * inner / rho - 1) / (_CAVITY_ORDER - 1)
    profile = fraction + gain * (fraction**_CAVITY_ORDER - fraction)
    cavity = rho * profile

    # Outside: δ = ρ − r decays as (δ_s + (δ_s' + δ_s/L) h) e^{−h/L}, h = r − s from the seam s outwards.
    beyond = np.maximum(radius - outer, 0.0)
    delta = rho - in_wall
    decay = np.exp(-beyond / _DECAY_MM)
    outside = radius + (delta + (rho_slope - 1 + delta / _DECAY_MM) * beyond) * decay
    rho = np.where(radius < inner, cavity, np.where(radius > outer, outside, rho))

    # The shear levels off from the same seams.
    margin = _MARGIN_MM / (epi - endo)
    depth = (radius - endo) / (epi - endo)
    shear = (state.rotation_endo - state.rotation_epi)[:, None]
    turn = state.rotation_epi[:, None] + shear * _shear_profile(depth, margin)
    turn = turn + (1 - share) * regional.antiderivative()(theta)
    return PolarMap(rho, np.asarray(turn * np.exp(-((beyond / (2 * _DECAY_MM)) ** 2))))


def polar_derivatives(state: WallState, radius: Array, theta: Array) -> PolarDerivatives:
    """The exact partial derivatives of (2)–(4) at points **of the wall**, R_i ≤ r ≤ R_e."""
    endo, epi = state.endo(theta), state.epi(theta)
    endo_theta, epi_theta = state.endo.derivative()(theta), state.epi.derivative()(theta)
    thickness, thickness_theta = epi - endo, epi_theta - endo_theta
    regional = state.log_stretch.without_mean()
    pattern, pattern_theta = regional(theta), regional.derivative()(theta)
    share = state.radial_share

    rho_endo = endo * np.exp(state.log_stretch.mean[:, None] + share * pattern)
    rho_endo_theta = rho_endo * (endo_theta / endo + share * pattern_theta)
    sliding = 1 + (1 - share) * pattern
    area = np.exp(state.log_area(theta)) / sliding
    area_theta = area * (state.log_area.derivative()(theta) - (1 - share) * pattern_theta / sliding)

    swept = _wall_area(radius, endo, epi, state.area_slope)
    swept_theta = _wall_area_theta(radius, endo, epi, endo_theta, epi_theta, state.area_slope)
    rho = np.sqrt(rho_endo**2 + area * swept)
    depth = (radius - endo) / thickness
    depth_theta = (-endo_theta - depth * thickness_theta) / thickness
    shear = (state.rotation_endo - state.rotation_epi)[:, None]
    return PolarDerivatives(
        radius_r=area * (1 + state.area_slope[:, None] * (depth - 0.5)) * radius / rho,
        radius_theta=(rho_endo * rho_endo_theta + 0.5 * (area_theta * swept + area * swept_theta)) / rho,
        turn_r=-shear / thickness * np.ones_like(rho),
        turn_theta=-shear * depth_theta + (1 - share) * pattern,
    )


def displacement(state: WallState, points: Array) -> Array:
    """x(X, τ) − X as complex [T, N] mm for complex points [N] about the ventricle's centre (imaginary up).

    The translation is constant within the epicardium and decays beyond it.
    """
    radius, theta = np.abs(points), np.angle(points)
    moved = polar_map(state, radius, theta)
    beyond = np.maximum(radius - state.epi(theta) - _MARGIN_MM, 0.0)
    carried = state.translation[:, None] * np.exp(-((beyond / (2 * _DECAY_MM)) ** 2))
    return np.asarray(moved.radius * np.exp(1j * (theta + moved.turn)) + carried - points)


def deformation_gradient(state: WallState, points: Array) -> Array:
    """F = ∂x/∂X [T, N, 2, 2] at complex points [N] of the wall, in Cartesian axes (right, up)."""
    radius, theta = np.abs(points), np.angle(points)
    moved, slope = polar_map(state, radius, theta), polar_derivatives(state, radius, theta)
    # Columns of F in the polar bases: from (e_r, e_θ) at X to (e_r, e_θ) at θ + α.
    polar = np.empty((*moved.radius.shape, 2, 2))
    polar[..., 0, 0] = slope.radius_r
    polar[..., 0, 1] = slope.radius_theta / radius
    polar[..., 1, 0] = moved.radius * slope.turn_r
    polar[..., 1, 1] = moved.radius * (1 + slope.turn_theta) / radius
    return np.asarray(_rotation(theta + moved.turn) @ polar @ np.swapaxes(_rotation(theta), -1, -2))


def _rotation(angle: Array) -> Array:
    """[..., 2, 2]: the rotation by ``angle``, whose columns are e_r and e_θ at that angle."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
