"""One synthetic subject: every anatomical and mechanical parameter, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, Array, SliceGrid, canonical_grid
from LaMoDCore.phantom.heart.anatomy import PLANES, LongAxis, SliceShape, build_shape, sample_angles, sector_weight
from LaMoDCore.phantom.heart.diseases import DISEASES, RANGES, DiseaseRanges
from LaMoDCore.phantom.heart.regional import RegionalFunction, site_angles
from LaMoDCore.phantom.heart.stretch import endo_stretch, within_limit
from LaMoDCore.phantom.heart.timecurves import CycleTiming

if TYPE_CHECKING:
    from LaMoDCore.phantom.heart.slices import PhantomSlice

#: Keeps the phantom's random streams apart from every other use of the same seed.
_STREAM = 0x1A40D

#: Mean size of the logarithmic mid-wall stretch of a healthy ventricle at end-systole (mid-wall Ecc −0.17).
HEALTHY_MID_STRAIN = 0.210

#: A plane lies this far from its nominal place at most, as a share of the ventricle's length (about 4 mm).
_PLACE_SCATTER = 0.045
#: No plane is taken where the cavity's radius is smaller at end-diastole: at end-systole nothing would be left of
#: it to draw, and on pixels of 1 mm its strain could not be told.
_NARROWEST_CAVITY_MM = 12.0


@dataclass(frozen=True, eq=False)
class SliceParameters:
    """What is particular to one slice of a subject.

    Attributes:
        name: base, mid-1, mid-2 or apex.
        level: base, mid or apex.
        place: on the long axis, 0 at the mitral ring, 1 at the apex (planes ± 0.025, uniform).
        shape: the wall at end-diastole.
        function: regional work.
        endo_log_stretch: nominal peak of the mean logarithmic stretch of the endocardium. From the subject's
            mid-wall strain (× normal 1 ± 0.06) by conservation of area.
        log_area_gain: ln J at that peak.
        area_slope: β at peak, uniform −0.15…0.05: the inner wall gains more area.
        rotation_epi_deg, rotation_endo_deg: at end-systole, counter-clockwise positive seen from the apex.
        rotation_early, rotation_recoil: see ``rotation_curve``; uniform 0…0.18 and 0.40…0.75.
        translation_mm: complex, at end-systole, imaginary part up in the picture; size Rayleigh, mean 1.6 mm,
            cut at 6 mm (two real series: 1.2 and 2.7 mm).
        translation_return: when it is back, fraction of R–R.
        taper_per_mm: relative change of radius per mm towards the base.
        through_plane_mm: how far the tissue of the plane moves towards the apex at end-systole.
        center_lps: [3], the ventricle's centre in this plane.
        picture_offset_mm: (x, y) of the ventricle's centre from the canonical picture's centre, SD 2 mm.
        area_follows: how far ln J follows the regional work: 1 site by site, 0 the same all around.
    """

    name: str
    level: Level
    place: float
    shape: SliceShape
    function: RegionalFunction
    endo_log_stretch: float
    log_area_gain: float
    area_slope: float
    rotation_epi_deg: float
    rotation_endo_deg: float
    rotation_early: float
    rotation_recoil: float
    translation_mm: complex
    translation_return: float
    taper_per_mm: float
    through_plane_mm: float
    center_lps: Array
    picture_offset_mm: tuple[float, float]
    area_follows: float = 1.0


@dataclass(frozen=True, eq=False)
class Subject:
    """A synthetic person, made by ``sample_subject(seed, disease)``; ``randomised`` makes others of it to learn from.

    Distributions are those of ``diseases.RANGES`` where a disease is named there, else as written here.

    Attributes:
        seed: the subject is its seed (and disease).
        disease: one of ``DISEASES``.
        build: man 47 %, woman 43 %, child 10 %.
        rr_ms: R–R interval, normal 900 ± 150, cut to 560…1350; children 720 ± 90.
        timing: phases of the cycle. End-systole at 318 ± 22 ms + 0.03 (R–R − 900): systole shortens less
            than the cycle (Weissler et al. 1968), so its fraction grows with heart rate.
        long_axis: taper towards the apex.
        mid_radius_mm: inner radius at ℓ = 0.4: man 25.5 ± 2.2, woman 23.0 ± 2.0, child 19.5 ± 2.0, × disease
            (Petersen et al. 2017; manual contours reach 32).
        wall_mm: mean thickness at mid.
        mid_strain: ln of the circumferential stretch at mid-wall at peak, where the muscle works.
        area_gain: in-plane J at end-systole for healthy strain, cut to 1.0…1.42. With volume kept it is
            volume_ratio / λ_z: 1.08 is 12 % of longitudinal shortening (people: 11–17 %).
        volume_ratio: three-dimensional J at end-systole, normal 0.95 ± 0.015 (blood leaves the wall);
            λ_z = volume_ratio / J.
        rotation_offset_deg, rotation_slope_deg: the subject's scatter of rotation, normal SD 2.2° and of the
            base-to-apex difference, SD 4.5°; what masks can't show.
        endo_turn: endocardium turns by this factor more than the epicardium, uniform 1.15…1.6.
        radial_share: κ, uniform 0.55…0.9.
        plane_excursion_mm: of the mitral ring, normal 13 ± 2 × contraction (Maceira et al. 2006).
        slice_following: share of through-plane motion that the slice misses: 0 in half of the subjects
            (slice-following), else uniform 0.3…1.
        axis_lps: [3], from apex to base: the expected axis ± 9°.
        slices_: parameters of the four planes, from base to apex.
    """

    seed: int
    disease: str
    build: str
    rr_ms: float
    timing: CycleTiming
    long_axis: LongAxis
    mid_radius_mm: float
    wall_mm: float
    mid_strain: float
    area_gain: float
    volume_ratio: float
    rotation_offset_deg: float
    rotation_slope_deg: float
    endo_turn: float
    radial_share: float
    plane_excursion_mm: float
    slice_following: float
    axis_lps: Array
    slices_: tuple[SliceParameters, ...]

    def slices(self) -> tuple[PhantomSlice, ...]:
        """The four planes, from base to apex."""
        from LaMoDCore.phantom.heart.slices import PhantomSlice

        return tuple(PhantomSlice(self, parameters) for parameters in self.slices_)


def expected_rotation_deg(place: float, mid_strain: float, disease_scale: float = 1.0) -> float:
    """Mean epicardial rotation at end-systole of people with that plane and contraction.

    Base −3.2°, apex +8.1° at normal contraction (people: base 2–5° clockwise, apex 6–12° counter-clockwise;
    Young et al. 1994, Russel et al. 2009); with weaker contraction it shrinks as contraction^0.7.
    """
    contraction = (abs(mid_strain) / HEALTHY_MID_STRAIN) ** 0.7
    return float((-5.5 + 16.4 * place) * contraction * disease_scale)


def plane_descent_mm(place: float, excursion_mm: float) -> float:
    """How far the tissue of a plane moves towards the apex where the mitral ring moves by `excursion_mm`."""
    return float((1 - place) ** 1.15 * excursion_mm)


def sample_subject(seed: int, disease: str | None = None) -> Subject:
    """Draw the subject that ``seed`` names.

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
    rr_ms = _normal(rng, 720, 90) if build == "child" else float(np.clip(_normal(rng, 900, 150), 560, 1350))
    timing = _draw_timing(rng, ranges, rr_ms)
    long_axis = LongAxis(
        length_mm=0.0,
        widest=rng.uniform(0.15, 0.32),
        reach=rng.uniform(0.76, 0.90),
        apical_wall=rng.uniform(0.75, 1.0),
    )
    base_radius = {"man": (25.5, 2.2), "woman": (23.0, 2.0), "child": (19.5, 2.0)}[build]
    radius = float(np.clip(_normal(rng, *base_radius) * _normal(rng, *ranges.radius_scale), 15.5, 38.0))
    wall = float(np.clip(radius * _normal(rng, *ranges.wall_ratio), 4.0, 14.0))
    long_axis = LongAxis(
        float(np.clip(radius * _normal(rng, 3.5, 0.25), 60, 115)),
        long_axis.widest,
        long_axis.reach,
        long_axis.apical_wall,
    )
    mid_strain = min(_normal(rng, *ranges.mid_strain), -0.035)
    area_gain = float(np.clip(_normal(rng, *ranges.area_gain), 1.0, 1.42))
    contraction = abs(mid_strain) / HEALTHY_MID_STRAIN
    subject_scalars = {
        "volume_ratio": _normal(rng, 0.95, 0.015),
        "rotation_offset_deg": _normal(rng, 0, 2.2),
        "rotation_slope_deg": _normal(rng, 0, 4.5),
        "endo_turn": rng.uniform(1.15, 1.6),
        "radial_share": rng.uniform(0.55, 0.9),
        "plane_excursion_mm": float(np.clip(_normal(rng, 13, 2) * contraction, 2, 18)),
        "slice_following": 0.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0),
    }
    axis = -BASE_TO_APEX_LPS + 0.16 * rng.standard_normal(3)
    axis = axis / np.linalg.norm(axis)
    heart_center = rng.normal([30.0, -20.0, 10.0], 15.0)

    shared = _SharedAnatomy(
        ellipse=complex(*(rng.standard_normal(2) * 0.022)),
        insertion=np.deg2rad(_normal(rng, 136, 10)),
        septum=np.deg2rad(_normal(rng, 118, 12)),
        drift=complex(*(rng.standard_normal(2) * 1.25)),
        drift_return=float(np.clip(timing.end_systole + rng.uniform(0.15, 0.42), 0, 0.93)),
        lesion=_draw_lesion(rng, disease),
    )
    slices = tuple(
        _draw_slice(
            np.random.default_rng([_STREAM, seed, 1 + index]),
            plane,
            disease,
            ranges,
            shared,
            timing,
            rr_ms,
            long_axis,
            radius,
            wall,
            mid_strain,
            area_gain,
            subject_scalars,
            axis,
            heart_center,
        )
        for index, plane in enumerate(PLANES)
    )
    return Subject(
        seed=seed,
        disease=disease,
        build=build,
        rr_ms=rr_ms,
        timing=timing,
        long_axis=long_axis,
        mid_radius_mm=radius,
        wall_mm=wall,
        mid_strain=mid_strain,
        area_gain=area_gain,
        axis_lps=axis,
        slices_=slices,
        **subject_scalars,
    )


@dataclass(frozen=True, eq=False)
class _Lesion:
    """A sector that differs from the rest: hypertrophy, scar, aneurysm or the septum in bundle branch block."""

    center: float  # rad from the anterior insertion, counter-clockwise
    width: float
    edge: float
    strength: float  # transmurality, added thickness / normal, or share of the flash
    extra: float  # stretch of scar, loss of work in hypertrophy, lateral delay in ms
    level_weight: tuple[float, float, float, float]
    shape: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class _SharedAnatomy:
    ellipse: complex
    insertion: float
    septum: float
    drift: complex
    drift_return: float
    lesion: _Lesion | None


def _normal(rng: np.random.Generator, mean: float, sd: float) -> float:
    """A normal number, redrawn by folding into ±2.2 SD."""
    return float(mean + sd * np.clip(rng.standard_normal(), -2.2, 2.2))


def _draw_timing(rng: np.random.Generator, ranges: DiseaseRanges, rr_ms: float) -> CycleTiming:
    systole_ms = _normal(rng, 318, 22) + 0.03 * (rr_ms - 900) * (4 if rr_ms < 900 else 1)
    return CycleTiming(
        end_systole=float(np.clip(systole_ms / rr_ms, 0.28, 0.48)),
        relaxation=rng.uniform(*ranges.relaxation_ms) / rr_ms,
        rapid_filling=rng.uniform(*ranges.filling_ms) / rr_ms,
        kick_start=float(rng.uniform(0.79, 0.90)),
        diastasis=rng.uniform(*ranges.diastasis),
        kick_share=rng.uniform(0.6, 0.95),
    )


#: Centre (degrees from the anterior insertion, counter-clockwise: septum 0–120, inferior 150, lateral 210–300)
#: and weight over base, mid-1, mid-2, apex of the coronary territories (Cerqueira et al. 2002).
_TERRITORIES = {
    "lad": (15.0, (0.45, 0.9, 1.0, 1.0)),
    "lcx": (245.0, (1.0, 1.0, 0.8, 0.3)),
    "rca": (145.0, (1.0, 0.95, 0.7, 0.4)),
}


def _draw_lesion(rng: np.random.Generator, disease: str) -> _Lesion | None:
    shape = (rng.uniform(0.30, 0.65), rng.uniform(-0.35, 0.15), rng.uniform(0.25, 0.65))
    everywhere = (1.0, 1.0, 1.0, 1.0)
    degrees = np.deg2rad
    if disease in ("infarct", "dyskinesia"):
        territory = str(
            rng.choice(["lad", "lcx", "rca"], p=[0.5, 0.2, 0.3] if disease == "infarct" else [0.75, 0.1, 0.15])
        )
        center, weight = _TERRITORIES[territory]
        bulging = disease == "dyskinesia"
        return _Lesion(
            center=degrees(_normal(rng, center, 15)),
            width=degrees(rng.uniform(75, 130) if bulging else rng.uniform(60, 120)),
            edge=degrees(rng.uniform(12, 25)),
            strength=rng.uniform(0.9, 1.0) if bulging else rng.uniform(0.3, 1.0),
            extra=rng.uniform(0.15, 0.40) if bulging else rng.uniform(0.0, 0.14),
            level_weight=weight,
            shape=shape,
        )
    if disease == "hcm":
        return _Lesion(
            center=degrees(_normal(rng, 40, 22)),
            width=degrees(rng.uniform(70, 130)),
            edge=degrees(rng.uniform(25, 45)),
            strength=rng.uniform(0.25, 0.95),
            extra=rng.uniform(0.25, 0.65),
            level_weight=(0.8, 1.0, 0.9, float(rng.uniform(0.3, 1.0))),
            shape=shape,
        )
    if disease == "lbbb":
        return _Lesion(
            center=degrees(_normal(rng, 58, 10)),
            width=degrees(rng.uniform(110, 150)),
            edge=degrees(rng.uniform(30, 50)),
            strength=rng.uniform(0.7, 1.0),
            extra=rng.uniform(60, 130),
            level_weight=everywhere,
            shape=shape,
        )
    return None


def _smooth_scatter(rng: np.random.Generator, sd: float) -> Array:
    """[24]: a random function of the angle of harmonics 1…3 with that SD over the angle."""
    theta = site_angles()
    total = np.zeros_like(theta)
    for order, weight in ((1, 0.75), (2, 0.55), (3, 0.37)):
        a, b = rng.standard_normal(2) * sd * weight
        total += a * np.cos(order * theta) + b * np.sin(order * theta)
    return total


def _draw_function(
    rng: np.random.Generator,
    disease: str,
    ranges: DiseaseRanges,
    shared: _SharedAnatomy,
    index: int,
    rr_ms: float,
) -> RegionalFunction:
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
        where = sector_weight(theta, shared.insertion + lesion.center, lesion.width * np.sqrt(level), lesion.edge)
        if disease in ("infarct", "dyskinesia"):
            loss = (0.35 + 0.65 * lesion.strength) * np.sqrt(level) * where
            active = np.maximum(active, 0.2) * (1 - loss) * (1 + 0.08 * (1 - where))
            passive = lesion.extra * level * where * lesion.strength
            post_systolic = np.full_like(theta, 0.4 * lesion.shape[0] / 0.65)
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
            flash, rebound, late = lesion.shape
    return RegionalFunction(active, delay, prestretch, passive, post_systolic, flash_weight, flash, rebound, late)


def _thickening(disease: str, shared: _SharedAnatomy, index: int) -> Array:
    theta = sample_angles()
    lesion = shared.lesion
    if lesion is None or disease == "lbbb":
        return np.ones_like(theta)
    level = lesion.level_weight[index]
    where = sector_weight(theta, shared.insertion + lesion.center, lesion.width * np.sqrt(level), 1.4 * lesion.edge)
    if disease == "hcm":
        return np.asarray(1 + lesion.strength * level * where)
    return np.asarray(1 - 0.38 * lesion.strength * level * where)


def _draw_slice(
    rng: np.random.Generator,
    plane: tuple[str, Level, float],
    disease: str,
    ranges: DiseaseRanges,
    shared: _SharedAnatomy,
    timing: CycleTiming,
    rr_ms: float,
    long_axis: LongAxis,
    mid_radius: float,
    mid_wall: float,
    mid_strain: float,
    area_gain: float,
    scalars: dict[str, float],
    axis: Array,
    heart_center: Array,
) -> SliceParameters:
    name, level, nominal = plane
    index = [p[0] for p in PLANES].index(name)
    place = nominal + rng.uniform(-_PLACE_SCATTER, _PLACE_SCATTER)
    radius = max(mid_radius * float(long_axis.radius_ratio(place)), _NARROWEST_CAVITY_MM)
    wall = mid_wall * long_axis.wall_ratio(place)
    insertion = shared.insertion + np.deg2rad(_normal(rng, 4 if level == "apex" else 0, 3))
    septum = shared.septum * (0.85 if level == "apex" else 1.0)
    shape = build_shape(
        rng, radius, wall, shared.ellipse, _thickening(disease, shared, index), insertion, insertion + septum
    )
    strain = mid_strain * (1 + _normal(rng, -0.02 * (place - 0.4) / 0.4, 0.06))
    log_area = np.log(area_gain) * (1 + _normal(rng, 0, 0.18)) * (strain / -HEALTHY_MID_STRAIN)
    log_area = float(np.clip(log_area, 0.0, np.log(1.42)))
    epi_mean, endo_mean = float(shape.epi.mean), float(shape.endo.mean)
    function = _draw_function(rng, disease, ranges, shared, index, rr_ms)
    endo_log_stretch = endo_stretch(endo_mean, epi_mean, strain, np.exp(log_area))
    endo_log_stretch *= within_limit(function, timing, endo_log_stretch, scalars["radial_share"])
    rotation = (
        expected_rotation_deg(place, mid_strain, ranges.rotation_scale)
        + scalars["rotation_offset_deg"]
        + scalars["rotation_slope_deg"] * (place - 0.5)
        + _normal(rng, 0, 0.8)
    )
    sliding = plane_descent_mm(place, scalars["plane_excursion_mm"])
    step = 0.5 / long_axis.length_mm
    taper = float(np.log(long_axis.radius_ratio(place - step) / long_axis.radius_ratio(place + step)))
    size = abs(shared.drift)
    drift = shared.drift * (min(size, 5.5) / size) + complex(*(rng.standard_normal(2) * 0.35))
    center = heart_center - axis * place * long_axis.length_mm
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
        rotation_endo_deg=scalars["endo_turn"] * rotation + _normal(rng, 0, 1.0),
        rotation_early=rng.uniform(0, 0.18),
        rotation_recoil=rng.uniform(0.40, 0.75),
        translation_mm=drift,
        translation_return=shared.drift_return,
        taper_per_mm=taper,
        through_plane_mm=sliding * scalars["slice_following"],
        center_lps=np.asarray(center),
        picture_offset_mm=(_normal(rng, 0, 2.0), _normal(rng, 0, 2.0)),
    )


def canonical_slice_grid(center_lps: Array, axis_lps: Array, offset_mm: tuple[float, float]) -> SliceGrid:
    """The canonical 128 × 128 picture at 1 mm in the plane across ``axis_lps`` through ``center_lps``.

    Args:
        center_lps: [3], the ventricle's centre.
        axis_lps: [3], from apex to base.
        offset_mm: (x, y) of that centre from the picture's centre.
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
