"""Measure how well a model predicts DENSE motion from the DENSE scan's own masks, compared with zero motion.

    python -m experiments.evaluation.real_dense [--model NAME|DIR] [--data DIR] [--no-diffusion] [--samples N]
        [--contour-convention auto|blood-pool|tissue]

The scans are the Bloch-simulated annulus (contours of its workspace, R–R 1208 ms as simulated) and the in-vivo swine
heart (wall guessed from the magnitude as in `lamod dense --segment`; its R–R is unknown, 700 ms are assumed). Each is
analysed as in `lamod dense`. The model sees the masks only; its prediction is compared with the measured Lagrangian
displacement over the covered part of the cycle: endpoint error, and Ecc at the peak of DENSE.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.paths import REAL_DATA
from LaMoDCore import load_model, predict_strain
from LaMoDCore.dense import analyse_dense, read_dense
from LaMoDCore.dense.output import dataset_case
from LaMoDCore.dense.segmentation import guess_ring
from LaMoDCore.evaluation.displacement import endpoint_error
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.heart.contour_convention import CONTOUR_CONVENTIONS
from LaMoDCore.io.dataset.folder import DatasetCase
from LaMoDCore.models.default_model import DEFAULT_MODEL


def bloch_annulus(data: Path) -> DatasetCase:
    (images,) = read_dense(data / "dense_sim/phantom_subject_1/workspace.dns", rr_ms=1208)
    masks = np.load(data / "dense_sim/phantom_subject_1/LV_mask_time_lowres.npy")
    images = replace(images, reference_myocardium=masks[0], frame_times_ms=images.frame_times_ms + 7.5)
    return dataset_case(analyse_dense(images), "Bloch annulus")


def swine_heart(data: Path) -> DatasetCase:
    (images,) = read_dense(data / "dense_swine/template.dns", rr_ms=700)
    guess = guess_ring(images.magnitude, images.grid.spacing_mm)
    return dataset_case(analyse_dense(replace(images, myocardium=guess.masks)), "swine")


def score(data: DatasetCase, model: object, **options: object) -> dict[str, float]:
    truth = truth_of(data)
    assert truth is not None
    result = predict_strain(drawn_case(data), model, **options)  # type: ignore[arg-type]
    predicted, measured = result.motion.slices[0].displacement_mm, truth.motions[0].displacement_mm
    error = endpoint_error(predicted, measured, truth.valid[0], reference_frame=data.reference_frame)
    found, known = result.slices[0], truth.strains[0]
    peak = int(np.nanargmin(known.global_curves["ecc"]))
    segments = np.abs(found.segment_curves["ecc"][:, peak] - known.segment_curves["ecc"][:, peak])
    return {
        "EPE (mm)": error.mean,
        "zero motion (mm)": float(np.nanmean(np.delete(error.motion_by_frame, data.reference_frame))),
        "EPE at peak": float(error.by_frame[peak]),
        "zero at peak": float(error.motion_by_frame[peak]),
        "Ecc": float(found.global_curves["ecc"][peak]),
        "Ecc, DENSE": float(known.global_curves["ecc"][peak]),
        "Ecc error of segments": float(np.nanmean(segments)),
        "Err": float(found.global_curves["err"][peak]),
        "Err, DENSE": float(known.global_curves["err"][peak]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--data", type=Path, default=REAL_DATA)
    parser.add_argument("--samples", type=int)
    parser.add_argument("--no-diffusion", action="store_true")
    parser.add_argument("--contour-convention", choices=CONTOUR_CONVENTIONS, default="auto")
    args = parser.parse_args()
    model = load_model(args.model)
    options = {
        "diffusion": False if args.no_diffusion else None,
        "samples": args.samples,
        "contour_convention": args.contour_convention,
    }
    rows = {case.id: score(case, model, **options) for case in (bloch_annulus(args.data), swine_heart(args.data))}
    columns = list(next(iter(rows.values())))
    print("| scan | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 1))
    for name, row in rows.items():
        print(f"| {name} | " + " | ".join(f"{row[c]:.3f}" for c in columns) + " |")


if __name__ == "__main__":
    main()
