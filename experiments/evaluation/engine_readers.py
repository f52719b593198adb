"""Accuracy on contours with the measured errors of an automatic contour engine, of two models in pairs.

    python -m experiments.evaluation.engine_readers [--models A,B] [--subjects 28]

Four slices of each subject, whose cohort no model was trained on, drawn by `draw_engine_annotator`. The contour
convention is not given. The last row is the paired difference of the models, with its standard error over subjects.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
import torch

from experiments.evaluation.contour_conventions import Outcome, outcome, share_in_intervals
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetEntry
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.phantom.cohort.cases import canonical_case
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.phantom.imaging.annotator import draw_engine_annotator

SEED = 20261201
_READER_STREAM = 0xE9614E


def outcomes_of(recipe: CohortRecipe, number: int, models: Sequence[LoadedModel]) -> list[list[Outcome]]:
    """By slice of a subject, the outcome of each model."""
    found = []
    for n, plane in enumerate(recipe.subject(number).slices()):
        annotator = draw_engine_annotator(np.random.default_rng([_READER_STREAM, number, n]), plane.level)
        name = f"s{number:03d}-{plane.name}"
        data = canonical_case(plane, name, (recipe.seed, number, n), annotator=annotator)
        truth, entry = truth_of(data), DatasetEntry(name, name[:4], "", "test", "dense", plane.disease, plane.level)
        assert truth is not None
        found.append([outcome(model, entry, truth, drawn_case(data), "auto") for model in models])
    return found


def numbers(each: Outcome) -> tuple[float, ...]:
    """EPE, EPE at end-systole, six-segment Ecc error, share of the segments within their intervals."""
    return each.case.epe_mm, each.case.epe_es_mm, each.case.ecc_error, share_in_intervals(each.segments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="lamod-phantom-v1,lamod-phantom-v2", help="names or folders")
    parser.add_argument("--subjects", type=int, default=28)
    args = parser.parse_args()
    torch.set_num_threads(1)
    models = [load_model(name) for name in args.models.split(",")]
    recipe = CohortRecipe(count=args.subjects, seed=SEED, trabeculae_mm=0.0)
    subjects = [outcomes_of(recipe, number, models) for number in range(args.subjects)]
    # [subject, model, number], means over the slices of a subject
    table = np.array([np.mean([[numbers(o) for o in slice_] for slice_ in found], axis=0) for found in subjects])
    print("| model | EPE (mm) | EPE at ES (mm) | Ecc error | true segmental Ecc in 90 % at ES |\n|" + " --- |" * 5)
    for n, model in enumerate(models):
        print(f"| {model.name} | {' | '.join(_written(table[:, n].mean(axis=0)))} |")
    if len(models) == 2:
        difference = table[:, 1] - table[:, 0]
        error = difference.std(axis=0, ddof=1) / np.sqrt(len(difference))
        cells = (f"{m} ({e})" for m, e in zip(_written(difference.mean(axis=0)), _written(error), strict=True))
        print(f"| second − first (standard error) | {' | '.join(cells)} |")


def _written(values: Array) -> tuple[str, ...]:
    return tuple(f"{value:.{digits}f}" for value, digits in zip(values, (3, 3, 4, 3), strict=True))


if __name__ == "__main__":
    main()
