"""The cost of reader errors: the same slices from drawn and from exact contours, and the score of the true motion.

    python -m experiments.evaluation.reader_errors --data DIR [--model NAME|DIR] [--disease D] [--limit N]

DIR is a dataset of `lamod phantom` (`full_evaluation --cohorts canonical` generates the frozen one). Exact contours
hide nothing but rotation; any further loss from drawn contours is due to reader errors. The second table carries the
drawn end-diastolic contour by the predicted and by the **true** motion and compares it with the drawn contours (mean
Dice over the cycle): a correct motion cannot be expected to exceed the true one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from LaMoDCore.evaluation.agreement import icc
from LaMoDCore.evaluation.lesions import detection_auc, infarcted_segments
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.evaluation.records import CaseComparison, compare
from LaMoDCore.evaluation.rotation_blind import synthetic_reference
from LaMoDCore.evaluation.truth import Truth, drawn_case, truth_of
from LaMoDCore.heart.case import Case, CineSlice, Motion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.io.dataset.folder import DatasetEntry, DatasetIndex, read_dataset_case
from LaMoDCore.lddmm.warp import carry_mask
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.prediction.predict import predict_strain

DRAWN, EXACT = "drawn", "exact"
_WALLS_MM = (0.0, 5.0, 6.0, 8.0, np.inf)


@dataclass(frozen=True, eq=False)
class Row:
    """One slice predicted from one kind of contours.

    Attributes:
        kind: DRAWN or EXACT.
        outcome: comparison with the truth.
        wall_mm: mean wall thickness at end-diastole.
        dice: mean Dice of contours carried by the predicted motion.
        dice_of_truth: the same for the true motion.
    """

    kind: str
    outcome: CaseComparison
    wall_mm: float
    dice: float
    dice_of_truth: float


def rows_of(model: LoadedModel, index: DatasetIndex, entry: DatasetEntry) -> list[Row]:
    """Rows of a one-slice case for both kinds of contours; empty if its motion is not known."""
    data = read_dataset_case(index.folder, entry.id)
    truth = truth_of(data)
    if truth is None:
        return []
    case = drawn_case(data)
    rows = []
    for kind, seen in ((DRAWN, case), (EXACT, with_exact_contours(case, truth))):
        motion = predict_strain(seen, model, samples=1).motion
        slice_ = seen.slices[0]
        overlaps = [_carried(slice_, each.slices[0].displacement_mm) for each in (motion, Motion(truth.motions))]
        rows.append(Row(kind, compare(entry, kind, seen, motion, truth), _thickness(slice_), *overlaps))
    return rows


def with_exact_contours(case: Case, truth: Truth) -> Case:
    """The case with the masks of its truth in place of the drawn ones."""
    pairs = zip(case.slices, truth.case.slices, strict=True)
    return replace(case, slices=tuple(replace(drawn, myocardium=true.myocardium) for drawn, true in pairs))


def _carried(slice_: CineSlice, displacement_mm: Array) -> float:
    first, drawn = slice_.myocardium[0], slice_.myocardium
    spacing, others = slice_.grid.spacing_mm, zip(displacement_mm[1:], drawn[1:], strict=True)
    return float(np.mean([dice(carry_mask(first, u, spacing), d) for u, d in others]))


def _thickness(slice_: CineSlice) -> float:
    area = float(np.prod(slice_.grid.spacing_mm))
    wall, hole = slice_.myocardium[0].sum() * area, cavity(slice_.myocardium[0]).sum() * area
    return float(np.sqrt((wall + hole) / np.pi) - np.sqrt(hole / np.pi))


def accuracy(rows: Sequence[Row], index: DatasetIndex) -> None:
    reference = synthetic_reference(index, [row.outcome.case.id for row in rows])
    segments = [segment for row in rows for segment in row.outcome.segments]
    infarcted = infarcted_segments(index, list(dict.fromkeys(segment.id for segment in segments)))
    measures = (
        "EPE (mm)",
        "× rotation-blind",
        "at ES (mm)",
        "× rotation-blind",
        "Ecc error",
        "ICC segments",
        "ICC GCS",
    )
    print(f"| contours | {' | '.join(measures)} |")
    print("|" + 8 * " --- |")
    for kind in (DRAWN, EXACT):
        cases = [row.outcome.case for row in rows if row.kind == kind]
        epe, epe_es = np.mean([[c.epe_mm, c.epe_es_mm] for c in cases], axis=0)
        own = [s for s in segments if s.model == kind]
        shares = (
            ("–", "–")
            if reference is None
            else (f"{epe / reference.epe_mm:.2f}", f"{epe_es / reference.epe_es_mm:.2f}")
        )
        agreement = icc([[s.ecc, s.ecc_true] for s in own]), icc([[c.gcs, c.gcs_true] for c in cases])
        error = np.nanmean([c.ecc_error for c in cases])
        print(
            f"| {kind} | {epe:.3f} | {shares[0]} | {epe_es:.3f} | {shares[1]} | {error:.4f} | "
            f"{agreement[0]:.3f} | {agreement[1]:.3f} |"
        )
    if len(set(infarcted.values())) == 2:
        print(
            f"\n{sum(infarcted.values())} of {len(infarcted)} segments of infarct cases are scar by more than half; AUC"
        )
        for relative, name in ((False, "of Ecc"), (True, "of Ecc relative to remote muscle")):
            found = {kind: detection_auc(segments, kind, infarcted, relative=relative) for kind in (DRAWN, EXACT)}
            true = detection_auc(segments, DRAWN, infarcted, relative=relative, truth=True)
            values = ", ".join(f"{kind} {a.value:.3f} [{a.lower:.3f}, {a.upper:.3f}]" for kind, a in found.items())
            print(f"{name}: {values}, true strain {true.value:.3f}")


def overlap(rows: Sequence[Row]) -> None:
    print("\n| drawn wall (mm) | slices | Dice, predicted motion | Dice, true motion |\n| --- | --- | --- | --- |")
    drawn = [row for row in rows if row.kind == DRAWN]
    for low, high in pairwise(_WALLS_MM):
        own = [row for row in drawn if low <= row.wall_mm < high]
        if own:
            means = np.mean([[row.dice, row.dice_of_truth] for row in own], axis=0)
            print(f"| {low:g}–{high:g} | {len(own)} | {means[0]:.3f} | {means[1]:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--disease", default="", help="only cases with this disease")
    parser.add_argument("--limit", type=int, default=10**6, help="largest number of cases")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, index = load_model(args.model), DatasetIndex.load(args.data)
    chosen = [entry for entry in index if args.disease in ("", entry.disease)][: args.limit]
    rows = [row for entry in chosen for row in rows_of(model, index, entry)]
    accuracy(rows, index)
    overlap(rows)


if __name__ == "__main__":
    main()
