"""Accuracy by the convention of the contours, given to the model or inferred by it, and the slope of strain.

    python -m experiments.evaluation.contour_conventions --data DIR [--models A,B] [--limit N]

DIR is a dataset of `lamod phantom` (`full_evaluation --cohorts canonical` generates the frozen one). Each slice is
predicted from exact contours, which follow the tissue, and from those of its reader, who may follow the tissue, the
blood pool or something in between. The convention is left to the model (auto) or given. Columns:

    EPE, ES       endpoint error over the cycle and at end-systole (mm)
    Ecc error     six-segment error at end-systole on the true wall
    bias          mean Ecc at end-systole as reported minus the true one, mean over slices
    slope         of the least-squares line of that mean Ecc against the true one, through slices
    90 %          share of true segmental Ecc at end-systole within the intervals
    flagged       share of slices with the unlike-training flag
    inferred      shares of slices inferred as following the blood pool, and the tissue
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from experiments.evaluation.reader_errors import EXACT, with_exact_contours
from LaMoDCore.evaluation.records import CaseRecord, SegmentRecord, compare
from LaMoDCore.evaluation.truth import Truth, drawn_case, truth_of
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS, ContourConvention
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.phantom.cohort.cases import reader_style
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.training.posterior.contour_bank import convention_of_reader
from LaMoDCore.uncertainty.intervals import calibration_of


@dataclass(frozen=True, eq=False)
class Outcome:
    """One prediction compared with the truth, without its fields."""

    case: CaseRecord
    segments: tuple[SegmentRecord, ...]
    flagged: bool
    inferred: ContourConvention | None


def reader_convention(recipe: CohortRecipe, entry: DatasetEntry) -> ContourConvention:
    """Convention of the reader of a slice of a synthetic dataset; auto for one between both."""
    subject, name = int(entry.subject.removeprefix("s")), entry.id.split("-", 1)[1]
    number = next(n for n, plane in enumerate(recipe.subject(subject).slices()) if plane.name == name)
    style = reader_style((recipe.seed, subject, number), recipe.trabeculae_mm)
    return CONTOUR_CONVENTIONS[convention_of_reader(style.trabeculae_mm, recipe.trabeculae_mm)]


def readings(case: Case, truth: Truth, convention: ContourConvention) -> Iterator[tuple[str, ContourConvention, Case]]:
    """Contours by name, the convention that is given, and the case."""
    exact = with_exact_contours(case, truth)
    yield EXACT, "auto", exact
    yield EXACT, "tissue", exact
    name = {"auto": "drawn, between", "tissue": "drawn, tissue", "blood-pool": "drawn, blood pool"}[convention]
    yield name, "auto", case
    if convention != "auto":
        yield name, convention, case


def outcome(model: LoadedModel, entry: DatasetEntry, truth: Truth, case: Case, given: str) -> Outcome:
    result = predict_strain(case, model, contour_convention=given)
    calibration = calibration_of(model.description, model.name)
    compared = compare(entry, model.name, case, result.motion, truth, calibration=calibration)
    flagged = any(note.code == "unlike_training" for note in result.findings)
    (used,) = result.conventions
    return Outcome(compared.case, compared.segments, flagged, used.layer.convention if used.layer is not None else None)


def share_in_intervals(segments: Sequence[SegmentRecord]) -> float:
    """Share of the true values of Ecc within the intervals; NaN where no segment has one."""
    known = [each for each in segments if np.isfinite(each.ecc_half_width)]
    return float(np.mean([abs(s.ecc - s.ecc_true) <= s.ecc_half_width for s in known])) if known else np.nan


def row(outcomes: list[Outcome]) -> str:
    cases = [each.case for each in outcomes]
    errors = np.mean([[c.epe_mm, c.epe_es_mm] for c in cases], axis=0)
    predicted, true = np.array([[c.gcs, c.gcs_true] for c in cases]).T
    slope = np.polyfit(true, predicted, 1)[0] if len(cases) > 2 else np.nan
    held = share_in_intervals([segment for each in outcomes for segment in each.segments])
    inferred = [each.inferred for each in outcomes]
    shares = (
        "–"
        if None in inferred
        else ", ".join(f"{inferred.count(c) / len(inferred):.2f}" for c in ("blood-pool", "tissue"))
    )
    return (
        f"{len(cases)} | {errors[0]:.3f} | {errors[1]:.3f} | {np.nanmean([c.ecc_error for c in cases]):.4f} | "
        f"{np.mean(predicted - true):+.4f} | {slope:.3f} | {held:.3f} | "
        f"{np.mean([each.flagged for each in outcomes]):.3f} | {shares}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", default="lamod-phantom-v1,lamod-phantom-v2", help="names or folders")
    parser.add_argument("--limit", type=int, default=10**6, help="largest number of cases")
    args = parser.parse_args()
    torch.set_num_threads(1)
    index = DatasetIndex.load(args.data)
    recipe = CohortRecipe.from_json(json.loads((args.data / "phantom.json").read_text(encoding="utf-8")))
    found: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    models = [load_model(name) for name in args.models.split(",")]
    for entry in list(index)[: args.limit]:
        data = read_dataset_case(args.data, entry.id)
        truth = truth_of(data)
        if truth is None:
            continue
        for name, given, case in readings(drawn_case(data), truth, reader_convention(recipe, entry)):
            for model in models:
                found[name, given, model.name].append(outcome(model, entry, truth, case, given))
    columns = "slices | EPE | ES | Ecc error | bias | slope | 90 % | flagged | inferred"
    print(f"| contours | convention | model | {columns} |\n|{' --- |' * 12}")
    for key, outcomes in sorted(found.items()):
        print(f"| {' | '.join(key)} | {row(outcomes)} |")


if __name__ == "__main__":
    main()
