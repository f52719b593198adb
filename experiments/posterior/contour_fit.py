"""The correction of the expected motion by carried contours (`carried_contours`), and what it costs.

    python -m experiments.posterior.contour_fit --data DATASET [--model NAME|DIR] [--errors 0,5,2.5,1.25] [--slices 24]

The same predictions with a reader's error of each size in mm, 0 for no correction: on validation slices of a synthetic
dataset from drawn and from exact contours, and on the hearts of `ellipsoid_phantom`. EPE on the drawn wall; Ecc at
end-systole against that of the exact displacement at the same pixels: mean absolute error of the segments, bias of the
mean over the wall, and slope of the regression of predicted on true means over the slices (1 does not shrink).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

from experiments.phantoms.ellipsoid_phantom import HEARTS
from experiments.posterior.carried_contours import fitted_code
from LaMoDCore import load_model, predict_strain
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.heart.canonical import CanonicalSlice
from LaMoDCore.heart.case import Case, SliceMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.models.folder import LoadedModel, lamod_network
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.ring_contours import RingContours
from LaMoDCore.prediction import slice_motion
from LaMoDCore.prediction.samples import expected_motion_and_samples
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


@contextmanager
def corrected_by(error_mm: float) -> Iterator[None]:
    """Correct the expected motion of every prediction; 0 for no correction."""
    if error_mm > 0:
        with patch.object(slice_motion, "_sampled", partial(_corrected, error_mm)):
            yield
    else:
        yield


def _corrected(
    error_mm: float,
    network: LaMoDModel,
    decoded: slice_motion.DecodedSlice,
    relative: Array,
    coordinates: RingCoordinates,
    canonical: CanonicalSlice,
) -> SliceMotion:
    latent = network.motion_latent
    assert latent is not None
    code = latent.expected(decoded.view.alone())
    used = int((latent.modes.square().sum(dim=1) > 0).sum())  # the others are zero, see `fit_modes`
    unit = torch.eye(latent.config.modes)[:used]
    mean = latent.decode(torch.zeros(1, latent.config.modes))[0]
    deviation = latent.scatter * slice_motion.spread_of(network, decoded)
    code[0, :used] = torch.from_numpy(
        fitted_code(
            code[0, :used].double().numpy(),
            deviation[:used].double().square().numpy(),
            mean,
            latent.decode(unit) - mean,
            decoded.canonical_mm,
            coordinates,
            RingContours.of_masks(canonical.occupancy),
            error_mm,
        )
    ).float()
    moved_mm, samples = expected_motion_and_samples(
        decoded.displacement_mm, decoded.canonical_mm, latent.decode(code)[0], relative, coordinates, canonical
    )
    return SliceMotion(moved_mm.stored(), samples if len(samples) > 1 else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="synthetic dataset")
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--errors", default="0,5,2.5,1.25", help="assumed errors of a reader, mm")
    parser.add_argument("--slices", type=int, default=24)
    args = parser.parse_args()
    model = load_model(args.model)
    if lamod_network(model).motion_latent is None:
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
            with corrected_by(error):
                epe, at_es, ecc, bias, slope = scores(cases, model)
            cells = f"{epe:.3f} | {at_es:.3f} | {ecc:.4f} | {bias:+.4f} | {slope:.3f}"
            print(f"| {name}, {len(cases)} slices | {error:g} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
