"""The paper's networks on a reduced width, from nothing to Figures 2 to 5, by the documented commands.

    python -m experiments.training.paper_run --out DIR [--subjects 40] [--cases 16] [--workers 1] [--lddmm] [--quick]

Writes a paired synthetic cohort (a DENSE and a cine scan of every slice), trains the preset `paper-reduced` on it,
predicts one test case, and compares zero motion, registration tracking, with `--lddmm` also LDDMM matching, and the
trained networks (the registration network alone, D_η without diffusion, Algorithm 1 as printed) on test subjects.
A finished step is not repeated; an interrupted one resumes, so the command is repeated until it ends with 0.
DIR/log.txt has the commands and their output, DIR/durations.json their time, DIR/evaluation the tables and figures.
`--quick` trains for one or two epochs with ten diffusion steps: a test of the chain, no result.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.paths import ROOT
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.models.run_folder import CHECKPOINT
from LaMoDCore.networks.diffusion import NoiseSchedule
from LaMoDCore.training.run.settings import PRESETS

SEED = 20261130
_LAMOD = (sys.executable, "-m", "LaMoDCore")
#: Shares of training, validation and test subjects.
_SPLIT = "0.7,0.1,0.2"
#: Diffusion steps with `--quick`.
_QUICK_STEPS = 10


@dataclass(frozen=True)
class Paths:
    """Files and folders of a run."""

    out: Path

    @property
    def cohort(self) -> Path:
        return self.out / "cohort"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def model(self) -> Path:
        return self.run / "model"

    @property
    def durations(self) -> Path:
        return self.out / "durations.json"


def phantom(paths: Paths, args: argparse.Namespace) -> list[str]:
    """A DENSE and a cine scan of each of four slices per subject; stage A learns from both, the rest from DENSE."""
    words = ["phantom", "--out", str(paths.cohort), "--count", str(args.subjects), "--seed", str(SEED), "--paired"]
    words += ["--cine", "--split", _SPLIT, "--no-report", "--workers", str(args.workers)]
    return words + (["--resume"] if paths.cohort.exists() else [])


def train(paths: Paths, args: argparse.Namespace) -> list[str]:
    words = ["train", "--data", str(paths.cohort), "--out", str(paths.run), "--workers", str(args.workers)]
    if not args.quick:
        words += ["--preset", "paper-reduced"]
    else:
        preset = PRESETS["paper-reduced"]
        networks = replace(
            preset.model,
            schedule=NoiseSchedule(steps=_QUICK_STEPS),
            inference=replace(preset.model.inference, start=_QUICK_STEPS, steps=_QUICK_STEPS),
        )
        few = replace(preset, model=networks, registration_epochs=1, diffusion_epochs=2, motion_epochs=2)
        settings = paths.out / "quick.json"
        settings.write_text(json.dumps(few.to_dict()), encoding="utf-8")
        words += ["--config", str(settings)]
    return words + (["--resume"] if (paths.run / CHECKPOINT).exists() else [])


def predict(paths: Paths, args: argparse.Namespace) -> list[str]:
    """One DENSE slice of a test subject, by Algorithm 1 as printed."""
    index = DatasetIndex.load(paths.cohort)
    entry = next(iter(index.select(split="test", cohort="dense")))
    point = read_dataset_case(index.folder, entry.id).rv_insertion_lps
    masks = index.folder / "cases" / entry.id / "masks.seq.nrrd"
    words = ["predict", str(masks), "--model", str(paths.model), "--preset", "paper", "--levels", entry.level]
    if point is not None:
        words.append(f"--rv-insertion={','.join(f'{value:.3f}' for value in point)}")
    return [*words, "--out", str(paths.out / "prediction")]


def evaluate(paths: Paths, args: argparse.Namespace) -> list[str]:
    model = str(paths.model)
    tracking = ["itk-demons", *(["lddmm"] if args.lddmm else [])]
    methods = ["zero", *tracking, f"{model}:registration", f"{model}:no-diffusion", model]
    return [
        "evaluate", "--data", str(paths.cohort), "--out", str(paths.out / "evaluation"), "--models", ",".join(methods),
        "--preset", "paper", "--limit", str(args.cases), "--cache", str(paths.out / "predictions"),
        "--workers", str(args.workers),
    ]  # fmt: skip


STEPS = {"phantom": phantom, "train": train, "predict": predict, "evaluate": evaluate}


def run_step(name: str, words: Sequence[str], paths: Paths) -> int:
    """Run one command, append its output to the log and its time to the durations; returns its exit code."""
    command = ["lamod", *(word.replace(str(paths.out), "DIR") for word in words)]
    with (paths.out / "log.txt").open("a", encoding="utf-8") as log:
        log.write(f"\n{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(command)}\n")
        log.flush()
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        child = subprocess.Popen(
            [*_LAMOD, *words, "--progress", "none"], stdout=log, stderr=subprocess.STDOUT, cwd=ROOT
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: child.send_signal(number))
        code = child.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = time.monotonic() - began
        cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        log.write(f"exit code {code} after {seconds:.0f} s, {cpu:.0f} s of CPU\n")
    durations = read_durations(paths)
    entry = durations.setdefault(name, {"seconds": 0.0, "cpu_seconds": 0.0, "calls": 0})
    entry |= {"command": " ".join(command), "finished": code == 0, "calls": entry["calls"] + 1}
    entry |= {"seconds": round(entry["seconds"] + seconds, 1), "cpu_seconds": round(entry["cpu_seconds"] + cpu, 1)}
    paths.durations.write_text(json.dumps(durations, indent=1) + "\n", encoding="utf-8")
    return code


def read_durations(paths: Paths) -> dict[str, Any]:
    """Durations of earlier calls, by step."""
    if not paths.durations.exists():
        return {}
    found: dict[str, Any] = json.loads(paths.durations.read_text(encoding="utf-8"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--subjects", type=int, default=40, help="subjects of the cohort")
    parser.add_argument("--cases", type=int, default=16, help="test cases that are compared, half of them DENSE")
    parser.add_argument("--workers", type=int, default=1, help="processes that prepare data and predictions")
    parser.add_argument("--lddmm", action="store_true", help="also LDDMM matching, 40 s per case")
    parser.add_argument("--quick", action="store_true", help="test of the chain: few epochs")
    args = parser.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    paths = Paths(args.out)
    for name, words in STEPS.items():
        if read_durations(paths).get(name, {}).get("finished"):
            continue
        code = run_step(name, words(paths, args), paths)
        if code:
            print(f"{name}: exit code {code}; see {paths.out.name}/log.txt, and repeat the command to resume")
            return code if code > 0 else 1
        print(f"{name}: finished", flush=True)
    total = sum(each["cpu_seconds"] for each in read_durations(paths).values())
    print(f"finished; {total / 3600:.1f} hours of CPU, {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
