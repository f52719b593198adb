"""Contours and the true motion of slices: the training data of `ContourMotion`."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.contour_convention import convention_number
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
#: Readers who leave out more than this share of the thickest layer follow the blood pool.
_BLOOD_POOL_SHARE = 0.4


@dataclass(frozen=True, eq=False)
class DrawnSlice:
    """One slice: its contours, motion (`own_motion`), and the numbers of its level and convention.

    `layer_mm` is the thickness of the layer that the contours leave out, NaN if it is unknown.
    """

    contours: RingContours
    motion: Array
    level: int
    convention: int = 0
    layer_mm: float = math.nan


@dataclass(frozen=True, eq=False)
class ContourBank(SliceBank):
    """N slices.

    Attributes:
        numbers: complex64 [N, 40, 19], see `contour_numbers`.
        motion: complex64 [N, 40, TERMS], see `own_motion`.
        radius: float32 [N], radius of the middle of the wall at end-diastole, mm.
        levels: int [N], the `level_number` of each slice.
        conventions: int [N], the `convention_number` of the reader; 0 if it is unknown or between both.
        layer: float32 [N], mean thickness in mm of the layer that the contours leave out; NaN if it is unknown.
    """

    numbers: Array
    motion: Array
    radius: Array
    levels: Array
    conventions: Array
    layer: Array

    @classmethod
    def of_slices(cls, slices: Sequence[DrawnSlice]) -> ContourBank:
        """From slices one by one."""
        return cls(
            np.stack([contour_numbers(each.contours) for each in slices]),
            np.stack([each.motion for each in slices]),
            np.array([(each.contours.endo[0] + each.contours.epi[0]).mean() / 2 for each in slices], dtype=np.float32),
            np.array([each.level for each in slices]),
            np.array([each.convention for each in slices]),
            np.array([each.layer_mm for each in slices], dtype=np.float32),
        )


def of_cache(cache: TrainingCache, chosen: Array, progress: Progress = SILENT) -> ContourBank:
    """From slices [N] of a cache with known motion and their drawn contours."""
    slices = []
    for number, index in enumerate(chosen):
        contours = RingContours.of_masks(cache.arrays["occupancy"][index] / np.float32(255))
        where, true = measured_motion(cache, int(index))
        motion, level = own_motion(true, where, contours), int(cache.levels[index])
        slices.append(DrawnSlice(contours, motion, level, cache.convention(int(index))))
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
    engine_share: float = 0.0,
    conventions: bool = False,
) -> ContourBank:
    """From synthetic subjects without images: four slices per subject, drawn by readers with different habits.

    Args:
        subjects: numbers of the cohort's subjects.
        seed: seed of the cohort.
        progress: updated for every subject.
        workers: number of processes; it does not change the result.
        left_out: diseases whose subjects are left out.
        randomise: draw the subjects from a wider distribution, see `phantom.heart.randomised`.
        engine_share: share of the slices drawn with the errors of a contour engine, see `draw_engine_annotator`.
        conventions: record the readers' conventions; without it they are unknown.

    Raises:
        LaMoDInputError: a process was killed.
    """
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    recipe = CohortRecipe(count=subjects.stop, seed=seed)
    chosen = [subject for subject in subjects if not left_out or recipe.disease(subject) not in left_out]
    found: dict[int, ContourBank] = {}
    with closing(answers(chosen, partial(_slice_maker, recipe, randomise, engine_share), workers)) as finished:
        for subject, slices in finished:
            if isinstance(slices, WorkerDied):
                raise LaMoDInputError(
                    f"synthetic subject {subject}",
                    f"the process that generated it was killed (exit code {slices.exit_code})",
                    "try again with fewer workers",
                )
            found[subject] = slices
            progress.update("contours", len(found) / len(chosen), f"{len(found)} of {len(chosen)} subjects")
    bank = ContourBank.joined([found.pop(subject) for subject in chosen])
    return bank if conventions else replace(bank, conventions=np.zeros_like(bank.conventions))


def _slice_maker(recipe: CohortRecipe, randomise: bool, engine_share: float) -> Callable[[int], ContourBank]:
    return partial(_slices_of, recipe, randomise, engine_share)


def _slices_of(recipe: CohortRecipe, randomise: bool, engine_share: float, number: int) -> ContourBank:
    subject = recipe.randomised_subject(number) if randomise else recipe.subject(number)
    slices = [
        _phantom(plane, (recipe.seed, number, n), recipe.trabeculae_mm, careful=randomise, engine_share=engine_share)
        for n, plane in enumerate(subject.slices())
    ]
    return ContourBank.of_slices(slices)


def _phantom(
    plane: PhantomSlice, seed: tuple[int, int, int], trabeculae_mm: float, *, careful: bool, engine_share: float
) -> DrawnSlice:
    from LaMoDCore.phantom.cohort.cases import reader_style
    from LaMoDCore.phantom.imaging.annotator import draw_careful_annotator, draw_engine_annotator
    from LaMoDCore.phantom.imaging.reader_model import drawn_cycle

    phases = np.arange(FRAMES) / FRAMES
    rng = np.random.default_rng([_STREAM, *seed])
    if rng.random() < EXACT_SHARE:
        seen, layer, convention = plane.contours(phases, samples=_SAMPLES), 0.0, convention_number("tissue")
    else:
        style = reader_style(seed, trabeculae_mm)
        reader = None
        if engine_share > 0 and rng.random() < engine_share:
            reader = draw_engine_annotator(rng, plane.level)
            layer_mm = trabeculae_mm * rng.uniform()
            style = replace(style, trabeculae_mm=layer_mm, papillary=False, bias_mm=reader.bias_mm)
        elif careful:
            reader = draw_careful_annotator(rng)
        seen, layer = drawn_cycle(plane, style, rng, phases, annotator=reader, scene_seed=seed[0], samples=_SAMPLES)
        convention = convention_of_reader(style.trabeculae_mm, trabeculae_mm)
    contours = RingContours.about_epicardium(seen.center, seen.endo, seen.epi)
    depth, angle = (
        grid.ravel() for grid in np.meshgrid(_DEPTHS, 2 * np.pi * np.arange(CONTOUR_ANGLES) / CONTOUR_ANGLES)
    )
    endo, epi = (radii[0][np.arange(angle.size) // len(_DEPTHS)] for radii in (contours.endo, contours.epi))
    where = contours.center[0] + (endo + depth * (epi - endo)) * np.exp(1j * angle)
    moved = plane.displacement_mm(phases, np.stack([where.real, -where.imag], axis=-1))
    true = where + moved[..., 0] - 1j * moved[..., 1]
    return DrawnSlice(contours, own_motion(true, where, contours), level_number(plane.level), convention, layer)


def convention_of_reader(layer_mm: float, thickest_mm: float) -> int:
    """The `convention_number` of a reader who leaves out a layer at mid level; 0 for one between both conventions."""
    if layer_mm <= 0:
        return convention_number("tissue")
    return convention_number("blood-pool" if layer_mm > _BLOOD_POOL_SHARE * thickest_mm else "auto")
