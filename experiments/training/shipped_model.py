"""Reproduce shipped weights from this repository: cohort, training, registration decoder, posterior, card.

    python -m experiments.training.shipped_model --work DIR [--version v2|v1] [--workers 2] [--toy]

Each step is done once; an interrupted call can be repeated and resumes (training from its last checkpoint). Version v2,
the default, keeps the networks of lamod-phantom-v1 and has a new posterior, with the contour convention and the
roughness of contours as inputs, an engine's errors among its readers, and wider intervals of segments that contract
less than their wall; the intervals of GCS and GRS are fitted to 75 hearts of a further cohort and tested on 75 more.
Version v1 is trained from random weights and takes about six hours of one core and 13 GB of memory.
DIR/lamod-phantom-VERSION is the model folder; computations use one thread, so that the same machine gives the same
bytes. The measurements in its card are added afterwards (experiments/results).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

_HERE = Path(__file__).resolve().parent
FIRST = "lamod-phantom-v1"
#: What the posterior of the second version has in addition.
_SECOND_INPUTS = ("--conventions", "--roughness", "--engine-share", "0.2")
#: Slices of randomised hearts to which its intervals of segments that contract less than their wall are fitted.
_WEAK_SEGMENTS = ("--weak-segments", "400")


def steps(work: Path, version: str, workers: int, toy: bool) -> list[tuple[str, list[str]]]:
    """Names and command lines, in order."""
    lamod = [sys.executable, "-m", "LaMoDCore"]
    hearts, cache, run, refitted = (str(work / name) for name in ("hearts", "cache", "run", "refitted"))
    split = "0.5,0.5,0" if toy else "0.92,0.08,0"
    recipe = ["--preset", "smoke"] if toy else ["--config", str(_HERE / "shipped_model.json")]
    refit = ["--count", "8", "--steps", "2"] if toy else ["--count", "360", "--steps", "250"]
    toy_posterior = ["--slices", "8", "--cases", "2", "--epochs", "1", "--samples", "2"]
    toy_posterior += ["--phantoms", "2", "--randomised", "2"]
    second = version == "v2"
    synthetic = ("40000", "30000") if second else ("60000", "50000")
    posterior = ["--phantoms", synthetic[0], "--randomised", synthetic[1], "--workers", str(workers)]
    own = [*_SECOND_INPUTS, *(() if toy else _WEAK_SEGMENTS)]  # a toy has no slices left for the latter
    posterior = (toy_posterior if toy else posterior) + (own if second else [])
    trained = str(work / "run" / "model")
    cohort = [*lamod, "phantom", "--out", hearts, "--count", "4" if toy else "450", "--seed", "2002", "--split", split]
    cohort += ["--no-report", "--resume", "--workers", str(workers)] + (["--sites", "1"] if toy else [])
    training = [*lamod, "train", "--data", hearts, "--cache", cache, "--out", run, "--device", "cpu", "--resume"]
    registration = [sys.executable, str(_HERE / "refit_registration_decoder.py"), "--model", trained, "--cache", cache]
    name, base = f"lamod-phantom-{version}", FIRST if second else refitted
    run_of_posterior = work / f"{name}-run"
    calibrated = [*lamod, "train-posterior", "--model", base, "--data", hearts, "--cache", cache, "--name", name]
    calibrated += ["--resume"] if run_of_posterior.exists() else []
    networks = [
        ("training", [*training, *recipe]),
        ("registration decoder", [*registration, "--out", refitted, *refit]),
    ]
    calibrated += ["--run", str(run_of_posterior), "--out", str(work / name), *posterior]
    if not second:
        return [("cohort", cohort), *networks, ("posterior", calibrated)]
    last = [] if toy else _intervals_of_global_numbers(work, name, workers)  # a toy has too few hearts
    return [("cohort", cohort), ("posterior v2", calibrated), *last]


def _intervals_of_global_numbers(work: Path, name: str, workers: int) -> list[tuple[str, list[str]]]:
    """Fit the intervals of GCS and GRS to a cohort that no other part of the model was fitted to."""
    hearts, model = str(work / "global-hearts"), str(work / name)
    cohort = [sys.executable, "-m", "LaMoDCore", "phantom", "--out", hearts, "--count", "150", "--seed", "20261129"]
    fitting = [sys.executable, "-m", "experiments.posterior.global_intervals", "--data", hearts]
    return [
        ("cohort of global numbers", [*cohort, "--no-report", "--resume", "--workers", str(workers)]),
        ("intervals of global numbers", [*fitting, "--model", model, "--write", model]),
        ("card", [sys.executable, "-m", "LaMoDCore.models.card", model]),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="kept between calls")
    parser.add_argument("--version", choices=("v2", "v1"), default="v2", help="of lamod-phantom (v2)")
    parser.add_argument("--workers", type=int, default=2, help="processes that generate synthetic hearts")
    parser.add_argument("--toy", action="store_true", help="four hearts and small networks, to test the script")
    args = parser.parse_args()
    done = args.work / "done"
    done.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for name, command in steps(args.work, args.version, args.workers, args.toy):
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
    print(f"model: {args.work / f'lamod-phantom-{args.version}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
