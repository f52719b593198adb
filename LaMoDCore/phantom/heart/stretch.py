"""The endocardial stretch that corresponds to a mid-wall strain, and its limit."""

from __future__ import annotations

import numpy as np

from LaMoDCore.phantom.heart.regional import RegionalFunction, site_angles
from LaMoDCore.phantom.heart.timecurves import CycleTiming

#: Smallest ratio of the endocardium's length to its length at end-diastole (Ecc −0.35). With constant area the wall
#: thickens by 1.8 there, by up to 3 where tissue converges; without the limit hypertrophied hearts reach 3.7.
_LEAST_STRETCH = 0.55


def endo_stretch(endo: float, epi: float, log_mid_stretch: float, area: float) -> float:
    """ln(ρ_i/R_i) of a ring whose mid-wall circle stretches by exp(log_mid_stretch) and whose area grows by J."""
    middle = 0.5 * (endo + epi)
    squared = np.exp(2 * log_mid_stretch) * middle**2 - area * (middle**2 - endo**2)
    return float(0.5 * np.log(max(squared, (0.50 * endo) ** 2) / endo**2))


def within_limit(function: RegionalFunction, timing: CycleTiming, endo_log_stretch: float, share: float) -> float:
    """The factor ≤ 1 of the stretch with which no part of the endocardium shortens below ``_LEAST_STRETCH``."""
    work = function.shortening(timing, np.linspace(0.25, 0.6, 8))
    theta = site_angles()
    largest = float((work.mean[:, None] + share * work.without_mean()(theta)).max())
    return min(1.0, float(np.log(_LEAST_STRETCH)) / min(endo_log_stretch * largest, -1e-6))
