"""Contours and the true motion of slices: the training data of `ContourMotion`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.geometry import Array
from LaMoDCore.networks.contour_motion import contour_numbers, own_motion
from LaMoDCore.networks.registration import level_number
from LaMoDCore.networks.ring_contours import CONTOUR_ANGLES, RingContours
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress
from LaMoDCore.runtime.worker_pool import WorkerDied, answers
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.posterior.residuals import measured_motion
from LaMoDCore.training.posterior.slice_bank import SliceBank

if TYPE_CHECKING:
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe
    from LaMoDCore.phantom.heart.slices import PhantomSlice

#: Depths of the wall at which the motion of a synthetic ring is sampled.
_DEPTHS = (0.05, 0.275, 0.5, 0.725, 0.95)
#: Share of synthetic slices whose contours are exact.
EXACT_SHARE = 0.2
#: Number of contour points; the contours are not rasterised.
_SAMPLES = 180
_STREAM = 21


@dataclass(frozen=True, eq=False)
class ContourBank(SliceBank):
    """N slices.

    Attributes:
        numbers: complex64 [N, 40, 19], see `contour_numbers`.
        motion: complex64 [N, 40, TERMS], see `own_motion`.
        radius: float32 [N], radius of the middle of the wall at end-diastole, mm.
        levels: int [N], the `level_number` of each slice.
    """

    numbers: Array
    motion: Array
    radius: Array
    levels: Array

    @classmethod
    def of_slices(cls, slices: Sequence[tuple[RingContours, Array, int]]) -> ContourBank:
        """From the contours, motion (`own_motion`) and level number of each slice."""
        return cls(
            np.stack([contour_numbers(contours) for contours, _, _ in slices]),
            np.stack([motion for _, motion, _ in slices]),
            np.array([(c.endo[0] + c.epi[0]).mean() / 2 for c, _, _ in slices], dtype=np.float32),
            np.array([level for _, _, level in slices]),
        )


def of_cache(cache: TrainingCache, chosen: Array, progress: Progress = SILENT) -> ContourBank:
    """From slices [N] of a cache with known motion and their drawn contours."""
    slices = []
    for number, index in enumerate(chosen):
        contours = RingContours.of_masks(cache.arrays["occupancy"][index] / np.float32(255))
        where, true = measured_motion(cache, int(index))
        slices.append((contours, own_motion(true, where, contours), int(cache.levels[index])))
        progress.update("contours", (number + 1) / len(chosen), f"{number + 1} of {len(chosen)} slices")
    return ContourBank.of_slices(slices)


def of_phantoms(
    subjects: range,
    seed: int,
    progress: Progress = SILENT,
    *,
    workers: int = 1,
    left_out: Collection[str] = (),
    randomise: bool = False,
) -> ContourBank:
    """From synthetic subjects without images: four slices per subject, drawn by readers with different habits.

    Args:
        subjects: numbers of the cohort's subjects.
        seed: seed of the cohort.
        progress: updated for every subject.
        workers: number of processes; it does not change the result.
        left_out: diseases whose subjects are left out.
        randomise: draw the subjects from a wider distribution, see `phantom.heart.randomised`.

    Raises:
        LaMoDInputError: a process was killed.
    """
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    recipe = CohortRecipe(count=subjects.stop, seed=seed)
    chosen = [subject for subject in subjects if not left_out or recipe.disease(subject) not in left_out]
    found: dict[int, ContourBank] = {}
    with closing(answers(chosen, partial(_slice_maker, recipe, randomise), workers)) as finished:
        for subject, slices in finished:
            if isinstance(slices, WorkerDied):
                raise LaMoDInputError(
                    f"synthetic subject {subject}",
                    f"the process that generated it was killed (exit code {slices.exit_code})",
                    "try again with fewer workers",
                )
            found[subject] = slices
            progress.update("contours", len(found) / len(chosen), f"{len(found)} of {len(chosen)} subjects")
    return ContourBank.joined([found.pop(subject) for subject in chosen])


def _slice_maker(recipe: CohortRecipe, randomise: bool) -> Callable[[int], ContourBank]:
    return partial(_slices_of, recipe, randomise)


def _slices_of(recipe: CohortRecipe, randomise: bool, number: int) -> ContourBank:
    subject = recipe.randomised_subject(number) if randomise else recipe.subject(number)
    slices = [
        _phantom(plane, (recipe.seed, number, n), recipe.trabeculae_mm, careful=randomise)
        for n, plane in enumerate(subject.slices())
    ]
    return ContourBank.of_slices(slices)


def _phantom(
    plane: PhantomSlice, seed: tuple[int, int, int], trabeculae_mm: float, *, careful: bool
) -> tuple[RingContours, Array, int]:
    from LaMoDCore.phantom.cohort.cases import reader_style
    from LaMoDCore.phantom.imaging.annotator import draw_careful_annotator
    from LaMoDCore.phantom.imaging.reader_model import drawn_cycle

    phases = np.arange(FRAMES) / FRAMES
    rng = np.random.default_rng([_STREAM, *seed])
    if rng.random() < EXACT_SHARE:
        seen = plane.contours(phases, samples=_SAMPLES)
    else:
        style = reader_style(seed, trabeculae_mm)
        reader = draw_careful_annotator(rng) if careful else None
        seen = drawn_cycle(plane, style, rng, phases, annotator=reader, scene_seed=seed[0], samples=_SAMPLES)
    contours = RingContours.about_epicardium(seen.center, seen.endo, seen.epi)
    depth, angle = (
        grid.ravel() for grid in np.meshgrid(_DEPTHS, 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES)
    )
    endo, epi = (radii[0][np.arange(angle.size) // len(_DEPTHS)] for radii in (contours.endo, contours.epi))
    where = contours.center[0] + (endo + depth * (epi - endo)) * np.exp(1j * angle)
    moved = plane.displacement_mm(phases, np.stack([where.real, -where.imag], axis=-1))
    true = where + moved[..., 0] - 1j * moved[..., 1]
    return contours, own_motion(true, where, contours), level_number(plane.level)
