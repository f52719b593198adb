"""Regional contraction: shortening at 24 sites around the ring over the cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.fourier import AngularSeries, from_samples
from LaMoDCore.phantom.heart.timecurves import CycleTiming, contraction, passive_stretch, septal_flash

SITES = 24
#: Harmonics of the regional pattern and the reach of tethering (SD of the Gaussian along the wall).
HARMONICS = 9
TETHERING_RAD = np.deg2rad(9.0)


def site_angles() -> Array:
    """[24]: θ of the sites."""
    return np.arange(SITES) * 2 * np.pi / SITES


@dataclass(frozen=True, eq=False)
class RegionalFunction:
    """Contraction of each site; every array is [24].

    Attributes:
        active: peak active shortening relative to the slice's nominal one (1 normal, 0 scar).
        delay: activation delay in fractions of R–R.
        prestretch: lengthening before a late activation, as a share of the peak.
        passive: systolic stretch of scar, as a share of the slice's nominal shortening.
        post_systolic: shortening of scar after systole, as a share of ``passive``.
        flash_weight: 0…1, weight of the septal flash against normal contraction.
        flash, rebound, late: shape of the flash, see ``septal_flash`` (scalars).
    """

    active: Array
    delay: Array
    prestretch: Array
    passive: Array
    post_systolic: Array
    flash_weight: Array
    flash: float = 0.0
    rebound: float = 0.0
    late: float = 0.0

    def shortening(self, timing: CycleTiming, phases: npt.ArrayLike) -> AngularSeries:
        """[T] series: shortening over the angle, 1 at the nominal peak of a site, 0 at phase 0."""
        times = np.asarray(phases, dtype=np.float64)
        septal = septal_flash(timing, times, self.flash, self.rebound, self.late)
        onset = [(float(delay), float(first)) for delay, first in zip(self.delay, self.prestretch, strict=True)]
        normal_of = {each: contraction(timing, times, *each) for each in set(onset)}
        curves = np.empty((times.size, SITES))
        for site in range(SITES):
            normal = normal_of[onset[site]]
            weight = self.flash_weight[site]
            curves[:, site] = self.active[site] * ((1 - weight) * normal + weight * septal)
            if self.passive[site] > 0:
                scar = passive_stretch(timing, times, float(self.post_systolic[site]))
                curves[:, site] += self.passive[site] * scar
        return from_samples(curves, HARMONICS, TETHERING_RAD)
