"""Fine-tuning on 20 slices from a different generator: the gain there, and the loss on the original domain.

    python -m experiments.training.fine_tuning --out DIR [--model NAME|DIR] [--config FILE] [--freeze A,B]

The new domain is that of `phantoms/ellipse_phantom.py`: 20 training slices, 6 for validation and calibration, 12 test
slices, each of another heart. The old domain is the synthetic cohort, six hearts of four slices. Runs `lamod train
--init`, then `lamod train-posterior` on the same 26 slices, and `lamod evaluate` on the test slices of both domains
before and after: decoder alone and with posterior. Then the coverage of the 90 % intervals and the number of slices
flagged as unlike the training data. Intervals resample subjects. An interrupted call can be repeated and resumes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import torch

from experiments.phantoms.ellipse_phantom import EllipseHeart
from LaMoDCore.cli import main as lamod
from LaMoDCore.evaluation.bootstrap import bootstrap_mean
from LaMoDCore.evaluation.truth import drawn_case
from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetEntry,
    DatasetIndex,
    read_dataset_case,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.prediction.slice_motion import predict_slice
from LaMoDCore.training.posterior.held_out import coverage_of, held_out_errors
from LaMoDCore.uncertainty.intervals import calibration_of

_COUNTS = {"train": 20, "val": 6, "test": 12}
_TUNED, _WITH_POSTERIOR = "fine-tuned", "fine-tuned-with-posterior"
_MEASURES = {"epe_mm": "EPE, mm", "epe_es_mm": "EPE at ES, mm", "ecc_error": "six-segment Ecc error at ES"}


def write_ellipses(folder: Path) -> None:
    """Write a dataset of hearts with one slice each."""
    entries = []
    for split, count in _COUNTS.items():
        for _ in range(count):
            number = len(entries)
            case = ellipse_case(f"ellipse-{number:02d}", 1000 + number)
            write_dataset_case(folder, case)
            entries.append(DatasetEntry(case.id, case.id, "ellipse", split, "dense", "", case.level))
    write_dataset_index(folder, entries, {"made_by": "experiments/training/fine_tuning.py"})


def ellipse_case(name: str, seed: int) -> DatasetCase:
    case, motion = EllipseHeart(seed).case()
    slice_ = case.slices[0]
    wall = slice_.myocardium[0]
    lps = slice_.grid.vectors_to_lps(np.moveaxis(motion, 1, -1))
    lps = np.where(wall[None, ..., None], lps, np.nan).astype(np.float32)
    return DatasetCase(
        id=name,
        masks=slice_.myocardium[:, None],
        ijk_to_lps=slice_.grid.ijk_to_lps,
        frame_times_ms=slice_.frame_times_ms,
        rr_ms=slice_.rr_ms,
        reference_frame=0,
        level="mid",
        displacement_mm=lps[:, None],
        valid=np.broadcast_to(wall, slice_.myocardium.shape)[:, None].copy(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--config", type=Path, help="training settings (default: the preset fine-tune)")
    parser.add_argument("--freeze", default="registration")
    parser.add_argument("--old-subjects", type=int, default=6, help="synthetic subjects, four slices each")
    args = parser.parse_args()
    torch.set_num_threads(1)
    new, old, tuned, with_posterior = (args.out / name for name in ("new", "old", _TUNED, _WITH_POSTERIOR))
    if not (new / "dataset.json").is_file():
        write_ellipses(new)
    if not (old / "dataset.json").is_file():
        words = ["phantom", "--out", str(old), "--count", str(args.old_subjects), "--seed", "880003"]
        _run([*words, "--split", "0,0,1", "--resume", "--no-report", "--workers", "1"])
    if not (tuned / "model").is_dir():
        recipe = ["--config", str(args.config)] if args.config else ["--preset", "fine-tune"]
        words = ["train", "--data", str(new), "--out", str(tuned), "--init", args.model, "--freeze", args.freeze]
        _run([*words, *recipe, "--resume", "--device", "cpu"])
    if not with_posterior.is_dir():
        words = [
            "train-posterior",
            "--model",
            str(tuned / "model"),
            "--data",
            str(new),
            "--cache",
            str(tuned / "cache"),
        ]
        _run([*words, "--out", str(with_posterior), "--name", _WITH_POSTERIOR])
    before, after = load_model(args.model), load_model(with_posterior)
    print(
        "| test slices | measure | prediction | zero motion | before | after | change (95 %) |\n" + "| --- " * 7 + "|"
    )
    for title, data in (("new", new), ("old", old)):
        evaluation = args.out / f"evaluation-{title}"
        methods = ["zero", f"{args.model}:no-diffusion", args.model, str(tuned / "model"), str(with_posterior)]
        words = ["evaluate", "--data", str(data), "--out", str(evaluation), "--models", ",".join(methods)]
        _run([*words, "--cache", str(args.out / "predictions"), "--device", "cpu", "--no-figures"])
        print(changes(title, evaluation / "cases.csv", before.name), flush=True)
    print(
        "\n| test slices | model | displacements in the 90 % interval | segmental Ecc | flagged |\n"
        + "| --- " * 5
        + "|"
    )
    for title, data in (("new", new), ("old", old)):
        for name, model in (("before", before), ("after", after)):
            print(f"| {title} | {name} | {coverage_and_flags(model, DatasetIndex.load(data))} |", flush=True)


def changes(domain: str, table: Path, before: str) -> str:
    """Rows of the first table, from a cases.csv."""
    rows: dict[str, dict[str, dict[str, str]]] = {}
    with table.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            rows.setdefault(row["model"], {})[row["id"]] = row
    cases = list(rows["zero"])
    subjects = [rows["zero"][case]["subject"] for case in cases]
    predictions = {"decoder alone": (f"{before}, no diffusion", _TUNED), "with posterior": (before, _WITH_POSTERIOR)}
    lines = []
    for key, measure in _MEASURES.items():
        score = {name: np.array([float(own[case][key]) for case in cases]) for name, own in rows.items()}
        for prediction, (first, second) in predictions.items():
            change = bootstrap_mean(score[second] - score[first], subjects)
            columns = " | ".join(f"{score[name].mean():.3f}" for name in ("zero", first, second))
            interval = f"{change.value:+.3f} ({change.lower:+.3f} to {change.upper:+.3f})"
            where = f"{len(cases)} of {len(set(subjects))} hearts of the {domain} domain"
            lines.append(f"| {where} | {measure} | {prediction} | {columns} | {interval} |")
    return "\n".join(lines)


def coverage_and_flags(model: LoadedModel, index: DatasetIndex) -> str:
    """Coverage of the intervals and flagged slices: columns of the second table."""
    calibration = calibration_of(model.description, model.name)
    assert calibration is not None, "this model's intervals are not calibrated"
    found, flagged, options = [], [], resolve_options(model, samples=1)
    for entry in index.select(split="test"):
        found += held_out_errors(model, index, entry, calibration.samples)
        (slice_,) = drawn_case(read_dataset_case(index.folder, entry.id)).slices
        flag = predict_slice(slice_, 0, model, options, 0).unlike_training
        flagged.append(flag is not None and flag.flagged)
    shares = [np.nanmean(coverage_of(calibration, found, name)) for name in ("displacement_mm", "segment_ecc")]
    return " | ".join([*(f"{share:.2f}" for share in shares), f"{sum(flagged)} of {len(flagged)}"])


def _run(words: list[str]) -> None:
    if lamod([*words, "--progress", "none"]):
        sys.exit(f"lamod {words[0]} failed")


if __name__ == "__main__":
    main()
