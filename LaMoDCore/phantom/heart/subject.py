"""A synthetic subject: every anatomical and mechanical parameter, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array
from LaMoDCore.phantom.heart.anatomy import PLANES, LongAxis, build_shape
from LaMoDCore.phantom.heart.diseases import DISEASES, RANGES, DiseaseRanges
from LaMoDCore.phantom.heart.lesions import Lesion, draw_lesion, normal, thickness_factor
from LaMoDCore.phantom.heart.parameters import SliceParameters, SubjectParameters
from LaMoDCore.phantom.heart.regional import RegionalFunction, site_angles
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.stretch import endo_stretch, within_limit
from LaMoDCore.phantom.heart.timecurves import CycleTiming

#: Separates the phantom's random streams from other uses of the same seed.
_STREAM = 0x1A40D

#: Mean size of the logarithmic mid-wall stretch of a healthy ventricle at end-systole (mid-wall Ecc −0.17).
HEALTHY_MID_STRAIN = 0.210

#: Largest distance of a plane from its nominal place, as a share of the ventricle's length (about 4 mm).
_PLACE_SCATTER = 0.045
#: Smallest inner radius of a plane at end-diastole. A smaller cavity would nearly vanish at end-systole, and pixels of
#: 1 mm would not resolve its strain.
_NARROWEST_CAVITY_MM = 12.0


@dataclass(frozen=True, eq=False)
class Subject(SubjectParameters):
    """A synthetic person with the attributes of ``SubjectParameters``.

    ``sample_subject(seed, disease)`` draws one; ``randomised`` derives one from another.
    """

    def slices(self) -> tuple[PhantomSlice, ...]:
        """The four planes, from base to apex."""
        return tuple(PhantomSlice(self, parameters) for parameters in self.slice_parameters)


def expected_rotation_deg(place: float, mid_strain: float, disease_scale: float = 1.0) -> float:
    """Mean epicardial rotation at end-systole of people with that plane and contraction.

    Base −3.2°, apex +8.1° at normal contraction (people: base 2–5° clockwise, apex 6–12° counter-clockwise;
    Young et al. 1994, Russel et al. 2009); with weaker contraction it shrinks as contraction^0.7.
    """
    contraction = (abs(mid_strain) / HEALTHY_MID_STRAIN) ** 0.7
    return float((-5.5 + 16.4 * place) * contraction * disease_scale)


def plane_descent_mm(place: float, excursion_mm: float) -> float:
    """Displacement of a plane's tissue towards the apex where the mitral ring moves by `excursion_mm`."""
    return float((1 - place) ** 1.15 * excursion_mm)


def sample_subject(seed: int, disease: str | None = None) -> Subject:
    """Draw the subject with this seed.

    Args:
        seed: ≥ 0.
        disease: one of ``DISEASES``; None draws one, healthy three times as often as each other.

    Raises:
        ValueError: unknown disease.
    """
    rng = np.random.default_rng([_STREAM, seed])
    drawn = str(rng.choice(DISEASES, p=np.array([3, 1, 1, 1, 1, 1, 1]) / 9))
    disease = drawn if disease is None else disease
    if disease not in DISEASES:
        raise ValueError(f"disease must be one of {', '.join(DISEASES)}, got {disease!r}")
    ranges = RANGES[disease]

    build = str(rng.choice(["man", "woman", "child"], p=[0.47, 0.43, 0.10]))
    rr_ms = normal(rng, 720, 90) if build == "child" else float(np.clip(normal(rng, 900, 150), 560, 1350))
    timing = _draw_timing(rng, ranges, rr_ms)
    widest, reach, apical_wall = rng.uniform(0.15, 0.32), rng.uniform(0.76, 0.90), rng.uniform(0.75, 1.0)
    base_radius = {"man": (25.5, 2.2), "woman": (23.0, 2.0), "child": (19.5, 2.0)}[build]
    radius = float(np.clip(normal(rng, *base_radius) * normal(rng, *ranges.radius_scale), 15.5, 38.0))
    wall = float(np.clip(radius * normal(rng, *ranges.wall_ratio), 4.0, 14.0))
    length = float(np.clip(radius * normal(rng, 3.5, 0.25), 60, 115))
    mid_strain = min(normal(rng, *ranges.mid_strain), -0.035)
    contraction = abs(mid_strain) / HEALTHY_MID_STRAIN
    # Keyword arguments are evaluated, and so drawn, in the order written here.
    subject = Subject(
        seed=seed,
        disease=disease,
        build=build,
        rr_ms=rr_ms,
        timing=timing,
        long_axis=LongAxis(length, widest, reach, apical_wall),
        mid_radius_mm=radius,
        wall_mm=wall,
        mid_strain=mid_strain,
        area_gain=float(np.clip(normal(rng, *ranges.area_gain), 1.0, 1.42)),
        volume_ratio=normal(rng, 0.95, 0.015),
        rotation_offset_deg=normal(rng, 0, 2.2),
        rotation_slope_deg=normal(rng, 0, 4.5),
        endo_turn=rng.uniform(1.15, 1.6),
        radial_share=rng.uniform(0.55, 0.9),
        plane_excursion_mm=float(np.clip(normal(rng, 13, 2) * contraction, 2, 18)),
        slice_following=0.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0),
        axis_lps=_draw_axis(rng),
        slice_parameters=(),
    )
    heart_center = rng.normal([30.0, -20.0, 10.0], 15.0)
    shared = _SharedAnatomy(
        heart_center=heart_center,
        ellipse=complex(*(rng.standard_normal(2) * 0.022)),
        insertion=np.deg2rad(normal(rng, 136, 10)),
        septum=np.deg2rad(normal(rng, 118, 12)),
        drift=complex(*(rng.standard_normal(2) * 1.25)),
        drift_return=float(np.clip(timing.end_systole + rng.uniform(0.15, 0.42), 0, 0.93)),
        lesion=draw_lesion(rng, disease),
    )
    slices = tuple(
        _draw_slice(np.random.default_rng([_STREAM, seed, 1 + index]), subject, shared, index)
        for index in range(len(PLANES))
    )
    return replace(subject, slice_parameters=slices)


@dataclass(frozen=True, eq=False)
class _SharedAnatomy:
    """Anatomy shared by the slices of a subject, in addition to its parameters.

    Attributes:
        heart_center: [3], LPS mm, where the long axis meets the mitral ring.
        ellipse: second harmonic of the endocardium, relative to the radius.
        insertion: θ of the anterior right-ventricular insertion, rad.
        septum: angle between the insertions, rad.
        drift: translation at end-systole, complex mm.
        drift_return: fraction of R–R at which the translation has ended.
        lesion: None where the disease affects the whole wall.
    """

    heart_center: Array
    ellipse: complex
    insertion: float
    septum: float
    drift: complex
    drift_return: float
    lesion: Lesion | None


def _draw_axis(rng: np.random.Generator) -> Array:
    axis = -BASE_TO_APEX_LPS + 0.16 * rng.standard_normal(3)
    return np.asarray(axis / np.linalg.norm(axis))


def _draw_timing(rng: np.random.Generator, ranges: DiseaseRanges, rr_ms: float) -> CycleTiming:
    systole_ms = normal(rng, 318, 22) + 0.03 * (rr_ms - 900) * (4 if rr_ms < 900 else 1)
    return CycleTiming(
        end_systole=float(np.clip(systole_ms / rr_ms, 0.28, 0.48)),
        relaxation=rng.uniform(*ranges.relaxation_ms) / rr_ms,
        rapid_filling=rng.uniform(*ranges.filling_ms) / rr_ms,
        kick_start=float(rng.uniform(0.79, 0.90)),
        diastasis=rng.uniform(*ranges.diastasis),
        kick_share=rng.uniform(0.6, 0.95),
    )


def _smooth_scatter(rng: np.random.Generator, sd: float) -> Array:
    """[24]: a random function of the angle of harmonics 1…3 with that SD over the angle."""
    theta = site_angles()
    total = np.zeros_like(theta)
    for order, weight in ((1, 0.75), (2, 0.55), (3, 0.37)):
        a, b = rng.standard_normal(2) * sd * weight
        total += a * np.cos(order * theta) + b * np.sin(order * theta)
    return total


def _draw_function(rng: np.random.Generator, subject: Subject, shared: _SharedAnatomy, index: int) -> RegionalFunction:
    disease, ranges, rr_ms = subject.disease, RANGES[subject.disease], subject.rr_ms
    theta = site_angles()
    lateral = shared.insertion + shared.septum / 2 + np.pi
    active = 1 + 0.07 * np.cos(theta - lateral) + _smooth_scatter(rng, ranges.heterogeneity)
    delay = np.maximum(_smooth_scatter(rng, ranges.delay_sd_ms) / rr_ms, 0.0)
    prestretch, passive = np.zeros_like(theta), np.zeros_like(theta)
    post_systolic, flash_weight = np.zeros_like(theta), np.zeros_like(theta)
    flash = rebound = late = 0.0
    lesion = shared.lesion
    if lesion is not None:
        level = lesion.level_weight[index]
        where = lesion.weight(theta, shared.insertion, index)
        if disease in ("infarct", "dyskinesia"):
            loss = (0.35 + 0.65 * lesion.strength) * np.sqrt(level) * where
            active = np.maximum(active, 0.2) * (1 - loss) * (1 + 0.08 * (1 - where))
            passive = lesion.extra * level * where * lesion.strength
            post_systolic = np.full_like(theta, 0.4 * lesion.flash[0] / 0.65)
            border = 4 * where * (1 - where)
            delay = delay + border * rng.uniform(0, 45) / rr_ms
        elif disease == "hcm":
            active = active * (1 - lesion.extra * level * where)
        elif disease == "lbbb":
            opposite = 0.5 * (1 - np.cos(theta - shared.insertion - lesion.center))
            delay = delay + opposite**1.3 * lesion.extra / rr_ms
            prestretch = 0.24 * opposite * lesion.extra / 130
            active = active * (1 + 0.30 * opposite)
            flash_weight = lesion.strength * where
            flash, rebound, late = lesion.flash
    return RegionalFunction(active, delay, prestretch, passive, post_systolic, flash_weight, flash, rebound, late)


def _draw_slice(rng: np.random.Generator, subject: Subject, shared: _SharedAnatomy, index: int) -> SliceParameters:
    name, level, nominal = PLANES[index]
    long_axis, mid_strain = subject.long_axis, subject.mid_strain
    place = nominal + rng.uniform(-_PLACE_SCATTER, _PLACE_SCATTER)
    radius = max(subject.mid_radius_mm * float(long_axis.radius_ratio(place)), _NARROWEST_CAVITY_MM)
    wall = subject.wall_mm * long_axis.wall_ratio(place)
    insertion = shared.insertion + np.deg2rad(normal(rng, 4 if level == "apex" else 0, 3))
    septum = shared.septum * (0.85 if level == "apex" else 1.0)
    thickening = thickness_factor(shared.lesion, subject.disease, shared.insertion, index)
    shape = build_shape(rng, radius, wall, shared.ellipse, thickening, insertion, insertion + septum)
    strain = mid_strain * (1 + normal(rng, -0.02 * (place - 0.4) / 0.4, 0.06))
    log_area = np.log(subject.area_gain) * (1 + normal(rng, 0, 0.18)) * (strain / -HEALTHY_MID_STRAIN)
    log_area = float(np.clip(log_area, 0.0, np.log(1.42)))
    epi_mean, endo_mean = float(shape.epi.mean), float(shape.endo.mean)
    function = _draw_function(rng, subject, shared, index)
    endo_log_stretch = endo_stretch(endo_mean, epi_mean, strain, np.exp(log_area))
    endo_log_stretch *= within_limit(function, subject.timing, endo_log_stretch, subject.radial_share)
    rotation = (
        expected_rotation_deg(place, mid_strain, RANGES[subject.disease].rotation_scale)
        + subject.rotation_offset_deg
        + subject.rotation_slope_deg * (place - 0.5)
        + normal(rng, 0, 0.8)
    )
    sliding = plane_descent_mm(place, subject.plane_excursion_mm)
    step = 0.5 / long_axis.length_mm
    taper = float(np.log(long_axis.radius_ratio(place - step) / long_axis.radius_ratio(place + step)))
    size = abs(shared.drift)
    drift = shared.drift * (min(size, 5.5) / size) + complex(*(rng.standard_normal(2) * 0.35))
    center = shared.heart_center - subject.axis_lps * place * long_axis.length_mm
    return SliceParameters(
        name=name,
        level=level,
        place=place,
        shape=shape,
        function=function,
        endo_log_stretch=endo_log_stretch,
        log_area_gain=log_area,
        area_slope=rng.uniform(-0.15, 0.05),
        rotation_epi_deg=rotation,
        rotation_endo_deg=subject.endo_turn * rotation + normal(rng, 0, 1.0),
        rotation_early=rng.uniform(0, 0.18),
        rotation_recoil=rng.uniform(0.40, 0.75),
        translation_mm=drift,
        translation_return=shared.drift_return,
        taper_per_mm=taper,
        through_plane_mm=sliding * subject.slice_following,
        center_lps=np.asarray(center),
        picture_offset_mm=(normal(rng, 0, 2.0), normal(rng, 0, 2.0)),
    )
