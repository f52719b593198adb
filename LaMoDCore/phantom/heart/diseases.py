"""Size, wall, contraction and timing of each disease: ranges and the literature they are based on."""

from __future__ import annotations

from dataclasses import dataclass

#: The phantom's diseases; seeds and tables depend on their order.
DISEASES: tuple[str, ...] = ("healthy", "dcm", "hcm", "infarct", "lbbb", "stiff", "dyskinesia")


@dataclass(frozen=True)
class DiseaseRanges:
    """Subject-level ranges of one disease.

    Pairs are (mean, SD) of a normal distribution clipped at ±2.2 SD, or (low, high) of a uniform one where noted.

    Attributes:
        radius_scale: mid-ventricular end-diastolic inner radius relative to a healthy heart of that sex.
        wall_ratio: mean wall thickness / inner radius at end-diastole.
        mid_strain: peak logarithmic circumferential stretch at mid-wall where the muscle contracts.
        area_gain: in-plane area ratio J of the wall at end-systole for healthy strain.
        diastasis: shortening left after early filling (uniform low, high).
        relaxation_ms: isovolumic relaxation (uniform low, high).
        filling_ms: early filling (uniform low, high).
        rotation_scale: rotation relative to a healthy heart of the same contraction.
        heterogeneity: SD of the regional peak over the angle, relative to the mean.
        delay_sd_ms: SD of the regional activation time over the angle.
    """

    radius_scale: tuple[float, float]
    wall_ratio: tuple[float, float]
    mid_strain: tuple[float, float]
    area_gain: tuple[float, float]
    diastasis: tuple[float, float]
    relaxation_ms: tuple[float, float]
    filling_ms: tuple[float, float]
    rotation_scale: float
    heterogeneity: float
    delay_sd_ms: float


# Healthy: Moore et al. 2000 (tagging), Petersen et al. 2017 (UK Biobank sizes), Maceira et al. 2006.
# DCM and LBBB: Young et al. 2001; Leenders et al. 2012 (septal patterns); Auger et al. 2017 (DENSE, LBBB).
# HCM: Maron et al. 2009; Young et al. 1994. Infarct: Bogaert et al. 2000.
# Stiff: Nagel et al. 2000 (untwisting in pressure overload).
RANGES: dict[str, DiseaseRanges] = {
    "healthy": DiseaseRanges(
        (1.0, 0.03),
        (0.305, 0.060),
        (-0.222, 0.030),
        (1.085, 0.075),
        (0.08, 0.24),
        (60, 95),
        (110, 190),
        1.0,
        0.10,
        8,
    ),
    "dcm": DiseaseRanges(
        (1.32, 0.08),
        (0.205, 0.040),
        (-0.100, 0.026),
        (1.110, 0.080),
        (0.15, 0.40),
        (75, 120),
        (110, 220),
        0.7,
        0.22,
        18,
    ),
    "hcm": DiseaseRanges(
        (0.93, 0.05),
        (0.370, 0.065),
        (-0.205, 0.032),
        (1.110, 0.085),
        (0.15, 0.42),
        (80, 130),
        (150, 280),
        1.1,
        0.14,
        10,
    ),
    "infarct": DiseaseRanges(
        (1.10, 0.07),
        (0.270, 0.055),
        (-0.208, 0.032),
        (1.110, 0.085),
        (0.12, 0.34),
        (70, 115),
        (120, 230),
        0.8,
        0.10,
        12,
    ),
    "lbbb": DiseaseRanges(
        (1.18, 0.11),
        (0.250, 0.050),
        (-0.160, 0.034),
        (1.110, 0.080),
        (0.12, 0.34),
        (80, 130),
        (120, 220),
        0.5,
        0.12,
        8,
    ),
    "stiff": DiseaseRanges(
        (0.92, 0.05),
        (0.395, 0.060),
        (-0.180, 0.028),
        (1.105, 0.075),
        (0.30, 0.52),
        (90, 140),
        (180, 300),
        1.0,
        0.11,
        9,
    ),
    "dyskinesia": DiseaseRanges(
        (1.18, 0.08),
        (0.250, 0.050),
        (-0.170, 0.030),
        (1.110, 0.080),
        (0.14, 0.36),
        (80, 125),
        (130, 240),
        0.6,
        0.12,
        14,
    ),
}
