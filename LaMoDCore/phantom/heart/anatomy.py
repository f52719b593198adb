"""The shape of the wall at end-diastole: size over the ventricle's length, ellipticity, asymmetry, irregularity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.case import Level
from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.fourier import AngularSeries, from_samples, random_series

#: The paper's four planes: name, level and place on the long axis, 0 at the mitral ring, 1 at the apex.
PLANES: tuple[tuple[str, Level, float], ...] = (
    ("base", "base", 0.14),
    ("mid-1", "mid", 0.40),
    ("mid-2", "mid", 0.60),
    ("apex", "apex", 0.83),
)

#: Mean amplitude (mm at an inner radius of 26 mm) of the endocardium's harmonics 1…8. Measured on manual
#: contours of nine patients (cmr-seg-tl): ellipticity 1–2.4 mm, three lobes 0.4–1.1, trabeculae 0.1–0.4.
ENDO_HARMONICS_MM = np.array([0.45, 1.25, 0.62, 0.38, 0.24, 0.16, 0.12, 0.10])
#: Relative amplitude of the wall thickness' harmonics 1…6; the same contours vary by 25–40 % around the ring.
WALL_HARMONICS = np.array([0.09, 0.09, 0.055, 0.04, 0.03, 0.02])

_SAMPLES = 96
_MIN_WALL_MM = 3.2


@dataclass(frozen=True)
class LongAxis:
    """Taper of the ventricle towards the apex: R(ℓ) = R_mid √(1 − ((ℓ − widest) / reach)²) / (its value at 0.4).

    Attributes:
        length_mm: distance from mitral ring to apex (75–105 mm; Maceira et al. 2006).
        widest: place of the largest radius, 0.15–0.32.
        reach: distance from there to where the cavity would close, 0.76–0.90.
        apical_wall: wall thickness at ℓ = 0.83 relative to mid, 0.75–1.0.
    """

    length_mm: float
    widest: float
    reach: float
    apical_wall: float

    def radius_ratio(self, place: float | Array) -> Array:
        """R(ℓ) / R(0.4)."""

        def ellipse(at: float | Array) -> Array:
            return np.sqrt(1 - np.clip((np.asarray(at) - self.widest) / self.reach, -0.97, 0.97) ** 2)

        return np.asarray(ellipse(place) / ellipse(0.4))

    def wall_ratio(self, place: float) -> float:
        """Wall thickness relative to mid."""
        return float(1 + (self.apical_wall - 1) * np.clip((place - 0.4) / 0.43, -0.4, 1.2))


@dataclass(frozen=True, eq=False)
class SliceShape:
    """The wall of one slice at end-diastole, relative to the ventricle's centre.

    Attributes:
        endo, epi: R_i(θ), R_e(θ), mm; θ counter-clockwise seen from the apex, 0 towards the patient's left.
        insertion_angle: θ of the anterior right-ventricular insertion, rad.
        inferior_angle: θ of the inferior insertion.
    """

    endo: AngularSeries
    epi: AngularSeries
    insertion_angle: float
    inferior_angle: float


def sector_weight(theta: Array, center: float, width: float, edge: float) -> Array:
    """1 inside the sector ``center ± width/2``, 0 outside, with logistic edges of scale ``edge`` (all rad)."""
    distance = np.abs(np.angle(np.exp(1j * (theta - center))))
    return np.asarray(1 / (1 + np.exp(-(width / 2 - distance) / (0.35 * edge))))


def sample_angles() -> Array:
    """[S]: the angles of ``thickening`` in ``build_shape``."""
    return np.arange(_SAMPLES) * 2 * np.pi / _SAMPLES


def build_shape(
    rng: np.random.Generator,
    radius_mm: float,
    wall_mm: float,
    ellipse: complex,
    thickening: Array,
    insertion_angle: float,
    inferior_angle: float,
) -> SliceShape:
    """Draw the wall of one slice.

    Args:
        rng: generator of this slice.
        radius_mm: mean inner radius.
        wall_mm: mean wall thickness before ``thickening``.
        ellipse: second harmonic shared by the subject's slices, relative to the radius.
        thickening: [S] factor of the wall at ``sample_angles()`` (hypertrophy, thinned scar).
        insertion_angle, inferior_angle: right-ventricular insertions, rad.
    """
    theta = sample_angles()
    scale = radius_mm / 26.0
    endo = random_series(rng, radius_mm, ENDO_HARMONICS_MM * scale)(theta)
    endo = endo + radius_mm * np.real(ellipse * np.exp(2j * theta))
    endo = np.maximum(endo, 0.55 * radius_mm)
    wall = wall_mm * random_series(rng, 1.0, WALL_HARMONICS)(theta) * thickening
    wall = np.maximum(wall, max(_MIN_WALL_MM, 0.45 * wall_mm * float(np.min(thickening))))
    # The epicardium is smoother than the endocardium: it has half of the endocardium's fine detail.
    smooth_endo = from_samples(endo, 4)(theta)
    epi = 0.5 * (endo + smooth_endo) + wall
    inner, outer = from_samples(endo, 10), from_samples(epi, 10)
    thinnest = float((outer(theta) - inner(theta)).min())
    if thinnest < _MIN_WALL_MM:
        outer.coefficients[0] += _MIN_WALL_MM - thinnest
    return SliceShape(inner, outer, insertion_angle, inferior_angle)
