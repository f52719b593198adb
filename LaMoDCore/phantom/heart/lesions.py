"""Lesions: sectors of the wall that a disease makes thicker, thinner, weaker or late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.heart.anatomy import sample_angles, sector_weight

#: Centre (degrees from the anterior insertion, counter-clockwise: septum 0–120, inferior 150, lateral 210–300)
#: and weight over base, mid-1, mid-2, apex of the coronary territories (Cerqueira et al. 2002).
_TERRITORIES = {
    "lad": (15.0, (0.45, 0.9, 1.0, 1.0)),
    "lcx": (245.0, (1.0, 1.0, 0.8, 0.3)),
    "rca": (145.0, (1.0, 0.95, 0.7, 0.4)),
}


@dataclass(frozen=True, eq=False)
class Lesion:
    """Hypertrophy, a scar, an aneurysm, or the septum in left bundle branch block.

    Attributes:
        center: rad from the anterior insertion, counter-clockwise seen from the apex.
        width, edge: width of the sector and of its edge, rad.
        strength: transmurality, added thickness / normal thickness, or weight of the septal flash.
        extra: stretch of a scar, loss of contraction in hypertrophy, or lateral delay in ms.
        level_weight: weights at base, mid-1, mid-2, apex.
        flash: (early shortening, rebound, late shortening), see ``septal_flash``.
    """

    center: float
    width: float
    edge: float
    strength: float
    extra: float
    level_weight: tuple[float, float, float, float]
    flash: tuple[float, float, float]

    def weight(self, theta: Array, insertion: float, index: int, blur: float = 1.0) -> Array:
        """The lesion's weight 0…1 [N] at angles ``theta`` of slice ``index``.

        Args:
            theta: [N], rad.
            insertion: θ of the anterior insertion, rad.
            index: 0…3 from base to apex.
            blur: factor on the width of the edge.
        """
        width = self.width * float(np.sqrt(self.level_weight[index]))
        return sector_weight(theta, insertion + self.center, width, blur * self.edge)


def normal(rng: np.random.Generator, mean: float, sd: float) -> float:
    """A normal number, clipped at ±2.2 SD."""
    return float(mean + sd * np.clip(rng.standard_normal(), -2.2, 2.2))


def draw_lesion(rng: np.random.Generator, disease: str) -> Lesion | None:
    """Draw the lesion of a disease; None for diseases that affect the whole wall."""
    flash = (rng.uniform(0.30, 0.65), rng.uniform(-0.35, 0.15), rng.uniform(0.25, 0.65))
    degrees = np.deg2rad
    if disease in ("infarct", "dyskinesia"):
        territory = str(
            rng.choice(["lad", "lcx", "rca"], p=[0.5, 0.2, 0.3] if disease == "infarct" else [0.75, 0.1, 0.15])
        )
        center, weight = _TERRITORIES[territory]
        bulging = disease == "dyskinesia"
        return Lesion(
            center=degrees(normal(rng, center, 15)),
            width=degrees(rng.uniform(75, 130) if bulging else rng.uniform(60, 120)),
            edge=degrees(rng.uniform(12, 25)),
            strength=rng.uniform(0.9, 1.0) if bulging else rng.uniform(0.3, 1.0),
            extra=rng.uniform(0.15, 0.40) if bulging else rng.uniform(0.0, 0.14),
            level_weight=weight,
            flash=flash,
        )
    if disease == "hcm":
        return Lesion(
            center=degrees(normal(rng, 40, 22)),
            width=degrees(rng.uniform(70, 130)),
            edge=degrees(rng.uniform(25, 45)),
            strength=rng.uniform(0.25, 0.95),
            extra=rng.uniform(0.25, 0.65),
            level_weight=(0.8, 1.0, 0.9, float(rng.uniform(0.3, 1.0))),
            flash=flash,
        )
    if disease == "lbbb":
        return Lesion(
            center=degrees(normal(rng, 58, 10)),
            width=degrees(rng.uniform(110, 150)),
            edge=degrees(rng.uniform(30, 50)),
            strength=rng.uniform(0.7, 1.0),
            extra=rng.uniform(60, 130),
            level_weight=(1.0, 1.0, 1.0, 1.0),
            flash=flash,
        )
    return None


def thickness_factor(lesion: Lesion | None, disease: str, insertion: float, index: int) -> Array:
    """[S]: factor of a slice's wall thickness at ``sample_angles()``: thicker in hypertrophy, thinner in a scar."""
    theta = sample_angles()
    if lesion is None or disease == "lbbb":
        return np.ones_like(theta)
    level = lesion.level_weight[index]
    weight = lesion.weight(theta, insertion, index, blur=1.4)
    if disease == "hcm":
        return np.asarray(1 + lesion.strength * level * weight)
    return np.asarray(1 - 0.38 * lesion.strength * level * weight)
