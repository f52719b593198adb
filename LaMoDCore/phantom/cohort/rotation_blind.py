"""A rotation-blind reference: the error that remains if everything but rotation is known exactly.

The mask of a ring does not change when the ring rotates. The reference takes the mean rotation of slices with the same
level and contraction, and the true motion otherwise. It is no lower bound for methods that read masks: a ring that is
not exactly round shows some of its rotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.heart.slices import PhantomSlice

#: Means of the uniform distributions of the rotation curve's parameters, see ``SliceParameters``.
_MEAN_EARLY, _MEAN_RECOIL = 0.09, 0.575
#: Phases at which the error is averaged over the cycle.
_PHASES = np.arange(0, 40, 2) / 40


@dataclass(frozen=True)
class RotationModel:
    """Conditional mean of rotation at end-systole: one linear function of contraction per level.

    Attributes:
        lines: level -> ((intercept, slope) of the epicardium, the same of the endocardium), in degrees and
            degrees per unit of logarithmic endocardial stretch.
    """

    lines: Mapping[str, tuple[tuple[float, float], tuple[float, float]]]

    def __call__(self, plane: PhantomSlice) -> tuple[float, float]:
        """(epicardial, endocardial) expected rotation of a slice in degrees."""
        contraction = plane.parameters.endo_log_stretch
        epi, endo = self.lines[plane.level]
        return epi[0] + epi[1] * contraction, endo[0] + endo[1] * contraction


@dataclass(frozen=True)
class RotationBlindRow:
    """Errors on one slice, in mm, averaged over the wall of frame 0.

    Attributes:
        disease, level: the slice's.
        epe, epe_es: mean end-point error over the cycle and at end-systole with the expected rotation.
        zero, zero_es: the same when no motion is predicted.
    """

    disease: str
    level: str
    epe: float
    epe_es: float
    zero: float
    zero_es: float


def fit_rotation(planes: Iterable[PhantomSlice]) -> RotationModel:
    """Fit least-squares lines to slices other than those that the reference is computed for."""
    by_level: dict[str, list[tuple[float, float, float]]] = {}
    for plane in planes:
        p = plane.parameters
        row = (p.endo_log_stretch, p.rotation_epi_deg, p.rotation_endo_deg)
        by_level.setdefault(plane.level, []).append(row)
    lines = {}
    for level, rows in by_level.items():
        contraction, epi, endo = np.array(rows).T
        fits = [np.polyfit(contraction, values, 1) for values in (epi, endo)]
        lines[level] = tuple((float(fit[1]), float(fit[0])) for fit in fits)
    return RotationModel(lines)  # type: ignore[arg-type]


def rotation_blind_row(plane: PhantomSlice, model: RotationModel) -> RotationBlindRow:
    """The reference's error on one slice."""
    epi, endo = model(plane)
    guessed = PhantomSlice(
        plane.subject,
        replace(
            plane.parameters,
            rotation_epi_deg=epi,
            rotation_endo_deg=endo,
            rotation_early=_MEAN_EARLY,
            rotation_recoil=_MEAN_RECOIL,
        ),
    )
    phases = np.append(_PHASES, plane.subject.timing.end_systole)
    xy, weight = _wall_quadrature(plane)
    truth = plane.displacement_mm(phases, xy)
    error = np.linalg.norm(guessed.displacement_mm(phases, xy) - truth, axis=-1) @ weight
    motion = np.linalg.norm(truth, axis=-1) @ weight
    return RotationBlindRow(
        disease=plane.disease,
        level=plane.level,
        epe=float(error[:-1].mean()),
        epe_es=float(error[-1]),
        zero=float(motion[:-1].mean()),
        zero_es=float(motion[-1]),
    )


def cohort_reference(recipe: CohortRecipe, reference: CohortRecipe) -> tuple[RotationModel, list[RotationBlindRow]]:
    """The reference's errors on every slice of a cohort.

    Args:
        recipe: the cohort.
        reference: a cohort with another seed, on which the conditional mean is fitted.
    """
    model = fit_rotation(plane for k in range(reference.count) for plane in reference.subject(k).slices())
    rows = [rotation_blind_row(plane, model) for k in range(recipe.count) for plane in recipe.subject(k).slices()]
    return model, rows


def _wall_quadrature(plane: PhantomSlice, angles: int = 48, layers: int = 5) -> tuple[Array, Array]:
    """Points xy [N, 2] of the wall and the weights [N] of their areas, whose sum is 1."""
    theta = np.arange(angles) * 2 * np.pi / angles
    endo, epi = plane.parameters.shape.endo(theta), plane.parameters.shape.epi(theta)
    depth = (np.arange(layers) + 0.5)[:, None] / layers
    radius = endo + depth * (epi - endo)
    xy = np.stack([radius * np.cos(theta), -radius * np.sin(theta)], -1).reshape(-1, 2)
    weight = (radius * (epi - endo)).reshape(-1)
    return xy, weight / weight.sum()
