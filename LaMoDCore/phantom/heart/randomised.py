"""Hearts from a wider distribution than real ones, for domain randomisation (Tobin et al. 2017).

A network trained on one distribution of hearts also learns its regularities: akinetic muscle slides along the wall
towards its neighbours, systole takes a third of the cycle, the base rotates clockwise. Real hearts and phantoms from
a different generator need not share them. Here each of these properties is redrawn from a range that contains the
usual one and extends as far as the kinematics allow. Such subjects are for training, never for testing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.anatomy import SliceShape, sector_weight
from LaMoDCore.phantom.heart.fourier import AngularSeries, random_series
from LaMoDCore.phantom.heart.regional import RegionalFunction, site_angles
from LaMoDCore.phantom.heart.stretch import endo_stretch, within_limit
from LaMoDCore.phantom.heart.subject import HEALTHY_MID_STRAIN, Subject, plane_descent_mm
from LaMoDCore.phantom.heart.timecurves import CycleTiming

#: Mid-wall ln stretch, largest and smallest in magnitude.
_STRONGEST, _WEAKEST = -0.33, -0.02
#: Mean inner radius at end-diastole, mm.
_RADIUS_MM = (9.0, 42.0)
_THINNEST_WALL_MM = 3.0
#: Fraction of R–R; more would leave no diastole after a late end-systole.
_LONGEST_RELAXATION = 0.14
#: Shortest time from end-systole until the translation has ended, fraction of R–R.
_SOONEST_RETURN = 0.12


def randomised(subject: Subject, rng: np.random.Generator) -> Subject:
    """Make a subject of the wider distribution from a subject of the usual one.

    Places of the planes and disease are kept. Redrawn: size, wall thickness, ellipticity, strength, the pattern of
    regional contraction (multiplied by a new one), in-plane area gain, its transmural slope and its dependence on
    contraction and regional contraction, phases of the cycle, rotation and its transmural course, translation,
    through-plane motion, the share κ of regional shortening that appears as radial motion (1 in a third of the
    subjects), and in half of the subjects a sector at any angle that contracts less, not at all, or stretches
    throughout systole. Its borders are up to a fifth steeper than usual; tethering blurs sharper ones.

    `slice_parameters`, `timing`, `radial_share` and `mid_strain` are new; the other scalars are those of ``subject``.

    Args:
        subject: a subject drawn by ``sample_subject``.
        rng: the same state gives the same subject.
    """
    timing = _timing(subject.timing, rng)
    share = 1.0 if rng.random() < 1 / 3 else float(rng.uniform(0.3, 1.0))
    size, wall = float(np.exp(rng.normal(0, 0.13))), float(np.exp(rng.normal(0, 0.15)))
    ellipse = complex(*(rng.standard_normal(2) * 0.035))
    strain = subject.mid_strain * float(np.exp(rng.normal(0, 0.25)))
    area_gain, area_power = rng.uniform(0.98, 1.35), rng.uniform(0, 1)
    follows = float(rng.choice([0.0, 1.0, rng.uniform()]))
    turn, more_turn, endo_turn = rng.uniform(0.2, 1.4), rng.normal(0, 4.0), rng.uniform(0.8, 2.0)
    early, recoil = rng.uniform(0, 0.3), rng.uniform(0.2, 0.95)
    drift = float(np.exp(rng.normal(0, 0.4)))
    excursion = rng.uniform(0, 18)
    sector = _draw_sector(rng) if rng.random() < 0.5 else None
    slices = []
    for own in subject.slice_parameters:
        shape = _resized(own.shape, size, wall, ellipse)
        mid_strain = float(np.clip(strain * (1 + rng.normal(0, 0.06)), _STRONGEST, _WEAKEST))
        log_area = float(np.log(area_gain) * (abs(mid_strain) / HEALTHY_MID_STRAIN) ** area_power)
        function = _function(own.function, sector, rng)
        stretch = endo_stretch(float(shape.endo.mean), float(shape.epi.mean), mid_strain, float(np.exp(log_area)))
        rotation = turn * own.rotation_epi_deg + more_turn
        slices.append(
            replace(
                own,
                shape=shape,
                function=function,
                endo_log_stretch=stretch * within_limit(function, timing, stretch, share),
                log_area_gain=log_area,
                area_slope=rng.uniform(-0.3, 0.15),
                area_follows=follows,
                rotation_epi_deg=rotation,
                rotation_endo_deg=endo_turn * rotation + rng.normal(0, 2.0),
                rotation_early=early,
                rotation_recoil=recoil,
                translation_mm=own.translation_mm * drift,
                translation_return=max(own.translation_return, timing.end_systole + _SOONEST_RETURN),
                taper_per_mm=own.taper_per_mm / size,
                through_plane_mm=plane_descent_mm(own.place, excursion),
            )
        )
    return replace(subject, timing=timing, radial_share=share, mid_strain=strain, slice_parameters=tuple(slices))


def _timing(own: CycleTiming, rng: np.random.Generator) -> CycleTiming:
    return replace(
        own,
        end_systole=float(np.clip(own.end_systole + rng.normal(0, 0.05), 0.25, 0.52)),
        relaxation=min(own.relaxation * rng.uniform(0.6, 1.8), _LONGEST_RELAXATION),
        rapid_filling=own.rapid_filling * rng.uniform(0.6, 2.5),
        diastasis=rng.uniform(0.0, 0.5),
        kick_share=rng.uniform(0.3, 1.0),
    )


def _resized(own: SliceShape, size: float, wall: float, ellipse: complex) -> SliceShape:
    size *= float(np.clip(size * own.endo.mean, *_RADIUS_MM)) / (size * float(own.endo.mean))
    endo = size * own.endo.coefficients
    endo[2] += float(endo[0].real) * ellipse
    thickness = AngularSeries(size * wall * (own.epi.coefficients - own.endo.coefficients))
    thickness.coefficients[0] += max(_THINNEST_WALL_MM - float(thickness(site_angles()).min()), 0.0)
    return SliceShape(
        AngularSeries(endo), AngularSeries(endo + thickness.coefficients), own.insertion_angle, own.inferior_angle
    )


def _draw_sector(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Centre, width, edge (rad) of a sector and the share of contraction that it loses; above 1 it stretches."""
    width, edge = np.deg2rad(rng.uniform(40, 150)), np.deg2rad(rng.uniform(4, 25))
    return rng.uniform(0, 2 * np.pi), float(width), float(edge), float(rng.uniform(0.2, 1.4))


def _function(
    own: RegionalFunction, sector: tuple[float, float, float, float] | None, rng: np.random.Generator
) -> RegionalFunction:
    theta: Array = site_angles()
    uneven = random_series(rng, 1.0, rng.uniform(0, 0.15) * np.array([1.0, 0.8, 0.5]))(theta)
    active = own.active * uneven
    passive = own.passive
    if sector is not None:
        center, width, edge, loss = sector
        where = sector_weight(theta, center + rng.normal(0, 0.15), width * rng.uniform(0.7, 1.1), edge)
        active, passive = active * (1 - loss * where), passive * (1 - where)
    return replace(own, active=active, passive=passive)
