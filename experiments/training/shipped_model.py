"""Reproduce the shipped weights from this repository: cohort, training, registration decoder, posterior, card.

    python -m experiments.training.shipped_model --work DIR [--workers 2] [--toy]

Each step is done once; an interrupted call can be repeated and resumes (training from its last checkpoint). Takes about
six hours of one core and 13 GB of memory. DIR/lamod-phantom-v1 is the model folder; computations use one thread, so
that the same machine gives the same bytes. The measurements in its card are added afterwards (experiments/results).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

_HERE = Path(__file__).resolve().parent
NAME = "lamod-phantom-v1"


def steps(work: Path, workers: int, toy: bool) -> list[tuple[str, list[str]]]:
    """Names and command lines, in order."""
    lamod = [sys.executable, "-m", "LaMoDCore"]
    hearts, cache, run, refitted = (str(work / name) for name in ("hearts", "cache", "run", "refitted"))
    split = "0.5,0.5,0" if toy else "0.92,0.08,0"
    recipe = ["--preset", "smoke"] if toy else ["--config", str(_HERE / "shipped_model.json")]
    refit = ["--count", "8", "--steps", "2"] if toy else ["--count", "360", "--steps", "250"]
    toy_posterior = ["--slices", "8", "--cases", "2", "--epochs", "1", "--samples", "2"]
    toy_posterior += ["--phantoms", "2", "--randomised", "2"]
    posterior = toy_posterior if toy else ["--phantoms", "60000", "--randomised", "50000", "--workers", str(workers)]
    trained = str(work / "run" / "model")
    cohort = [*lamod, "phantom", "--out", hearts, "--count", "4" if toy else "450", "--seed", "2002", "--split", split]
    cohort += ["--no-report", "--resume", "--workers", str(workers)] + (["--sites", "1"] if toy else [])
    training = [*lamod, "train", "--data", hearts, "--cache", cache, "--out", run, "--device", "cpu", "--resume"]
    registration = [sys.executable, str(_HERE / "refit_registration_decoder.py"), "--model", trained, "--cache", cache]
    calibrated = [*lamod, "train-posterior", "--model", refitted, "--data", hearts, "--cache", cache, "--name", NAME]
    return [
        ("cohort", cohort),
        ("training", [*training, *recipe]),
        ("registration decoder", [*registration, "--out", refitted, *refit]),
        ("posterior", [*calibrated, "--out", str(work / NAME), *posterior]),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="kept between calls")
    parser.add_argument("--workers", type=int, default=2, help="processes that generate synthetic hearts")
    parser.add_argument("--toy", action="store_true", help="four hearts and small networks, to test the script")
    args = parser.parse_args()
    done = args.work / "done"
    done.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for name, command in steps(args.work, args.workers, args.toy):
        mark = done / name.replace(" ", "-")
        if mark.exists():
            continue
        began = time.monotonic()
        code = subprocess.run(command, env=environment, check=False).returncode
        if code:
            print(f"{name} ended with exit code {code}; repeat the command to resume", file=sys.stderr)
            return code
        mark.touch()
        print(f"{name}: {(time.monotonic() - began) / 60:.1f} min", flush=True)
    print(f"model: {args.work / NAME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
