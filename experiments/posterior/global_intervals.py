"""Calibrate the intervals of GCS and GRS on one half of a cohort's subjects and measure their coverage on the other.

    python -m experiments.posterior.global_intervals --data DIR [--model NAME|DIR] [--out numbers.json]
    python -m experiments.posterior.global_intervals --numbers numbers.json [--write MODEL_FOLDER]

The cohort must be one that no part of the model was fitted to: `lamod phantom --count 150 --seed 20261129 --no-report`.
Subjects alternate between calibration and test. Compared are the spread of the samples as it is, the scale of the
segments' intervals, the scale fitted to global numbers, and the bound by the segments' intervals. `--write` stores the
scales of the calibration half in model.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

from LaMoDCore.io.dataset.folder import DatasetIndex
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import load_model
from LaMoDCore.runtime.json_file import read_json, write_json
from LaMoDCore.strain.global_strain import GLOBAL_NUMBERS
from LaMoDCore.training.posterior.held_out_hearts import (
    HeldOutGlobal,
    fit_global_numbers,
    held_out_global,
    predicted_slices,
)
from LaMoDCore.training.posterior.predicted_case import predicted_case
from LaMoDCore.uncertainty.calibration import Calibration
from LaMoDCore.uncertainty.intervals import calibration_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--numbers", type=Path, help="numbers that an earlier call wrote with --out")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--subjects", type=int, default=0, help="only the first of them")
    parser.add_argument("--write", type=Path, metavar="MODEL_FOLDER")
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = read_numbers(args.numbers) if args.numbers else measured(args.data, args.model, args.subjects, args.out)
    subjects = sorted({each.subject for each in found})
    fitting = set(subjects[::2])
    own = [each for each in found if each.subject in fitting]
    scales = fit_global_numbers([each for each in own if each.slices in (1, 4)])
    for name, scale in scales.items():
        print(f"{name}: s {scale.scale:.3f}, f {scale.floor:.4f}")
    calibration = Calibration(global_numbers=scales)
    table(calibration, [each for each in found if each.subject not in fitting], "test")
    table(calibration, own, "calibration")
    if args.write:
        description = read_json(args.write / "model.json", "")
        stored = replace(Calibration.from_dict(description["uncertainty"]), global_numbers=scales)
        write_json(args.write / "model.json", {**description, "uncertainty": stored.to_dict()})


def measured(data: Path, model_name: str, subjects: int, out: Path | None) -> list[HeldOutGlobal]:
    """Every combination of slices of each subject."""
    index, model = DatasetIndex.load(data), load_model(model_name)
    calibration = calibration_of(model.description, model.name)
    assert calibration is not None
    names = list(dict.fromkeys(entry.subject for entry in index))[: subjects or None]
    found: list[HeldOutGlobal] = []
    for number, subject in enumerate(names, 1):
        entries = [entry for entry in index if entry.subject == subject]
        cases = [predicted_case(model, index, each, calibration.samples) for each in entries]
        parts = [part for case in cases if case is not None for part in predicted_slices(case)]
        for count in range(1, len(parts) + 1):
            each = [held_out_global(chosen) for chosen in combinations(parts, count)]
            found += [one for one in each if one is not None]
        if number % 10 == 0:
            print(f"{number} of {len(names)}", flush=True)
            if out is not None:
                out.write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")
    if out is not None:
        out.write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")
    return found


def read_numbers(path: Path) -> list[HeldOutGlobal]:
    return [HeldOutGlobal(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def table(calibration: Calibration, found: Sequence[HeldOutGlobal], title: str) -> None:
    """Coverage and mean width, by number of slices; mean error and its standard deviation."""
    print(f"\n{title}: {len({each.subject for each in found})} subjects\n")
    print("| number | slices | n | mean error | SD of the error | spread | coverage | mean half width |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in GLOBAL_NUMBERS:
        for count in sorted({each.slices for each in found}):
            own = [each for each in found if each.slices == count]
            error = np.array([each.error[name] for each in own])
            spread = np.array([each.spread[name] for each in own])
            half = calibration.half_width * np.array([calibration.global_deviation(name, each) for each in spread])
            inside = np.abs(error) <= half
            print(
                f"| {name} | {count} | {len(own)} | {error.mean():+.4f} | {error.std():.4f} | {spread.mean():.4f} | "
                f"{inside.mean():.3f} | {half.mean():.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
