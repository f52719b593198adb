"""The correction of the expected motion by carried contours (`LaMoDCore.networks.contour_fit`), and what it costs.

    python -m experiments.posterior.contour_fit --data DATASET [--model NAME|DIR] [--errors 0,5,2.5,1.25] [--slices 24]

The same predictions with a reader's error of each size in mm, 0 for no correction: on validation slices of a synthetic
dataset from drawn and from exact contours, and on the hearts of `ellipsoid_phantom`. EPE on the drawn wall; Ecc at
end-systole against that of the exact displacement at the same pixels: mean absolute error of the segments, bias of the
mean over the wall, and slope of the regression of predicted on true means over the slices (1 does not shrink).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.phantoms.ellipsoid_phantom import HEARTS
from LaMoDCore import load_model, predict_strain
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.models.folder import LoadedModel, lamod_network
from LaMoDCore.runtime.even_selection import spread_evenly
from LaMoDCore.strain import compute_strain

#: A case of one slice and its true displacement [T, 2, H, W] in mm.
KnownCase = tuple[Case, Array]


def dataset_cases(folder: Path, count: int, *, exact: bool) -> list[KnownCase]:
    """Validation slices of a synthetic dataset, with their drawn or their true masks."""
    index = DatasetIndex.load(folder)
    entries = index.select(split="val")
    found = []
    for number in spread_evenly(len(entries), count):
        data = read_dataset_case(index.folder, entries[number].id)
        truth = truth_of(data)
        if truth is None or data.masks_true is None:
            continue
        case = drawn_case(data)
        if exact:
            case = replace(case, slices=(replace(case.slices[0], myocardium=data.masks_true[:, 0]),))
        found.append((case, truth.motions[0].displacement_mm))
    return found


def scores(cases: Sequence[KnownCase], model: LoadedModel) -> list[float]:
    """EPE, EPE at ES (mm), error of segmental Ecc, bias of mean Ecc, slope of mean Ecc."""
    rows, means = [], []
    for case, truth in cases:
        result = predict_strain(case, model, samples=1)
        strain, es = result.slices[0], result.es_frame
        wall = case.slices[0].myocardium[case.reference_frame]
        error = np.linalg.norm(strain.displacement_mm - truth, axis=1)[:, wall]
        true = compute_strain(truth, wall, case.slices[0].grid.spacing_mm).ecc[es]
        curves = strain.segment_curves["ecc"][:, es]
        of_segments = np.array([np.nanmean(true[strain.segment == n]) for n in range(1, 1 + len(curves))])
        predicted, known = float(np.nanmean(strain.fields["ecc"][es])), float(np.nanmean(true))
        rows.append((error.mean(), error[es].mean(), np.nanmean(np.abs(curves - of_segments)), predicted - known))
        means.append((known, predicted))
    slope = np.polyfit(*np.transpose(means), 1)[0]
    return [*np.mean(rows, axis=0), float(slope)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="synthetic dataset")
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--errors", default="0,5,2.5,1.25", help="assumed errors of a reader, mm")
    parser.add_argument("--slices", type=int, default=24)
    args = parser.parse_args()
    model = load_model(args.model)
    latent = lamod_network(model).motion_latent
    if latent is None:
        parser.error(f"{model.name} has no motion latent")
    groups = {
        "drawn": dataset_cases(args.data, args.slices, exact=False),
        "exact": dataset_cases(args.data, args.slices, exact=True),
        "ellipsoids": [heart.case(number) for number, heart in enumerate(HEARTS)],
    }
    print("| contours | error (mm) | EPE | EPE at ES | segments' Ecc error | bias of mean Ecc | slope |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, cases in groups.items():
        for error in map(float, args.errors.split(",")):
            latent.config = replace(latent.config, contour_fit_mm=error)
            epe, at_es, ecc, bias, slope = scores(cases, model)
            cells = f"{epe:.3f} | {at_es:.3f} | {ecc:.4f} | {bias:+.4f} | {slope:.3f}"
            print(f"| {name}, {len(cases)} slices | {error:g} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
