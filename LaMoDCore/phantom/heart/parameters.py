"""The parameters of a synthetic subject and of its slices; everything else follows from them."""

from __future__ import annotations

from dataclasses import dataclass

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.anatomy import LongAxis, SliceShape
from LaMoDCore.phantom.heart.regional import RegionalFunction
from LaMoDCore.phantom.heart.timecurves import CycleTiming


@dataclass(frozen=True, eq=False)
class SliceParameters:
    """Parameters of one slice of a subject.

    Attributes:
        name: base, mid-1, mid-2 or apex.
        level: base, mid or apex.
        place: position on the long axis, 0 at the mitral ring, 1 at the apex (nominal position ± 0.045, uniform).
        shape: the wall at end-diastole.
        function: regional contraction.
        endo_log_stretch: nominal peak of the mean logarithmic stretch of the endocardium. It follows from the
            subject's mid-wall strain (× normal 1 ± 0.06) by conservation of area.
        log_area_gain: ln J at that peak.
        area_slope: β at peak, uniform −0.15…0.05: the inner wall gains more area.
        rotation_epi_deg, rotation_endo_deg: at end-systole, counter-clockwise positive seen from the apex.
        rotation_early, rotation_recoil: see ``rotation_curve``; uniform 0…0.18 and 0.40…0.75.
        translation_mm: complex, at end-systole, imaginary part up in the picture; size Rayleigh, mean 1.6 mm,
            clipped at 6 mm (two real series: 1.2 and 2.7 mm).
        translation_return: time at which the translation has ended, fraction of R–R.
        taper_per_mm: relative change of radius per mm towards the base.
        through_plane_mm: displacement of the plane's tissue towards the apex at end-systole.
        center_lps: [3], the ventricle's centre in this plane.
        picture_offset_mm: (x, y) of the ventricle's centre from the canonical picture's centre, SD 2 mm.
        area_follows: share of the regional pattern that ln J follows: 1 site by site, 0 the same at all angles.
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
class SubjectParameters:
    """Parameters of a synthetic person.

    Distributions are those of ``diseases.RANGES`` where it names the parameter, otherwise those given here.

    Attributes:
        seed: together with the disease it determines all other values.
        disease: one of ``DISEASES``.
        build: man 47 %, woman 43 %, child 10 %.
        rr_ms: R–R interval, normal 900 ± 150, clipped to 560…1350; children 720 ± 90.
        timing: phases of the cycle. End-systole at 318 ± 22 ms + 0.03 (R–R − 900): systole shortens less
            than the cycle (Weissler et al. 1968), so its fraction grows with heart rate.
        long_axis: taper towards the apex.
        mid_radius_mm: inner radius at ℓ = 0.4: man 25.5 ± 2.2, woman 23.0 ± 2.0, child 19.5 ± 2.0, × disease
            (Petersen et al. 2017; manual contours reach 32).
        wall_mm: mean thickness at mid level.
        mid_strain: ln of the circumferential stretch at mid-wall at peak, where the muscle contracts.
        area_gain: in-plane J at end-systole for healthy strain, clipped to 1.0…1.42. With volume kept it is
            volume_ratio / λ_z: 1.08 is 12 % of longitudinal shortening (people: 11–17 %).
        volume_ratio: three-dimensional J at end-systole, normal 0.95 ± 0.015 (blood leaves the wall);
            λ_z = volume_ratio / J.
        rotation_offset_deg, rotation_slope_deg: the subject's deviation of rotation, normal SD 2.2°, and of the
            base-to-apex difference, SD 4.5°; masks do not show either.
        endo_turn: rotation of the endocardium over that of the epicardium, uniform 1.15…1.6.
        radial_share: κ, uniform 0.55…0.9.
        plane_excursion_mm: excursion of the mitral ring, normal 13 ± 2 × contraction (Maceira et al. 2006).
        slice_following: share of through-plane motion that the slice misses: 0 in half of the subjects
            (slice-following), otherwise uniform 0.3…1.
        axis_lps: [3], from apex to base: the expected axis ± 9°.
        slice_parameters: parameters of the four planes, from base to apex.
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
    slice_parameters: tuple[SliceParameters, ...]
