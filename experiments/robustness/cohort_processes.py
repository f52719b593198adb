"""Speed of two processes compared with one on the same cohort, one core each.

    python -m experiments.robustness.cohort_processes --out DIR [--subjects 10] [--rounds 2] [--model NAME|DIR]

Four synthetic slices per subject. One process runs on the first core; two, started by torchrun, run on the first two.
Both alternate, and the faster round of each counts: from start to end, and without start-up as reported by the command.
Their tables must be identical byte for byte. Both cores must be otherwise idle.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from LaMoDCore.cli import main as lamod
from LaMoDCore.models.default_model import DEFAULT_MODEL

_REPORTED_SECONDS = re.compile(r"failed; (\d+) s")


def timed(processes: int, data: Path, out: Path, model: str) -> tuple[float, float]:
    """Seconds of a run: from start to end, and as reported by its slowest process."""
    shutil.rmtree(out, ignore_errors=True)
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else []
    words = [sys.executable, *launcher, "-m", "LaMoDCore", "predict-cohort", str(data), "--out", str(out)]
    words += ["--model", model, "--device", "cpu", "--progress", "none"]
    cores = sorted(os.sched_getaffinity(0))[:processes]
    began = time.monotonic()
    done = subprocess.run(
        words,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        preexec_fn=partial(os.sched_setaffinity, 0, cores),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return time.monotonic() - began, max(float(seconds) for seconds in _REPORTED_SECONDS.findall(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--subjects", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    args = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("This experiment needs two cores.")
    data = args.out / "hearts"
    words = ["phantom", "--out", str(data), "--count", str(args.subjects), "--seed", "990001", "--split", "0,0,1"]
    if lamod([*words, "--no-report", "--resume"]):
        sys.exit(f"{data} could not be generated")
    print(f"load before: {os.getloadavg()[0]:.1f}", flush=True)
    found: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(args.rounds):
        for processes, times in found.items():
            times.append(timed(processes, data, args.out / f"results-{processes}", args.model))
            print(f"{processes}: {times[-1][0]:.1f} s, {times[-1][1]:.0f} s without the start", flush=True)
    tables = [(args.out / f"results-{n}" / "summary.csv").read_bytes() for n in found]
    (one, one_reported), (two, two_reported) = (
        tuple(min(column) for column in zip(*found[n], strict=True)) for n in (1, 2)
    )
    cases = tables[0].count(b"\n") - 1
    print(f"\n{cases} cases, tables {'identical' if tables[0] == tables[1] else 'DIFFER'}")
    print("| | one process | two | times as fast |\n| --- | --- | --- | --- |")
    print(f"| start to end | {one:.1f} s | {two:.1f} s | {one / two:.2f} |")
    print(f"| without the start | {one_reported:.0f} s | {two_reported:.0f} s | {one_reported / two_reported:.2f} |")


if __name__ == "__main__":
    main()
