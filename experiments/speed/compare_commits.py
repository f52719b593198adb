"""Compare the time and memory of `lamod predict` in two versions, in alternating runs.

    python -m experiments.speed.compare_commits BEFORE [AFTER] [--slices 1 10] [--runs 5] [--threads 2] [-- OPTION ...]

BEFORE and AFTER are commits of this repository or folders with a checkout; AFTER is the working tree by default. Both
run with the same Python and libraries. Alternating runs see the same load of the machine, so the ratios of the medians
are reliable where the times are not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from experiments.robustness.stack_memory import write_stack

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """Wall and CPU time in seconds, and peak memory in MiB, of one process."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after", nargs="?", default=str(ROOT))
    parser.add_argument("--slices", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("options", nargs="*", help="further options of lamod predict, after --")
    args = parser.parse_args()
    print("| slices | version | wall | CPU | peak MiB |\n| ---: | --- | ---: | ---: | ---: |")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = _checkout(args.before, work / "before", stack)
        after = _checkout(args.after, work / "after", stack)
        for slices in args.slices:
            masks = work / f"{slices}.seq.nrrd"
            write_stack(masks, slices)
            options = ["--samples", str(args.samples), *args.options]
            runs: tuple[list[Run], list[Run]] = ([], [])
            for number in range(args.runs):
                for found, name, checkout in zip(runs, ("before", "after"), (before, after), strict=True):
                    out = work / f"{name}-{slices}-{number}"
                    found.append(_measure(checkout, masks, out, options, args.threads))
            _print(slices, *runs)


def _checkout(version: str, folder: Path, stack: ExitStack) -> Path:
    """The folder of a version; a commit is checked out into `folder`, which is removed at the end."""
    if Path(version).is_dir():
        return Path(version).resolve()
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(folder), version], cwd=ROOT, check=True)
    stack.callback(subprocess.run, ["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)
    return folder


def _measure(checkout: Path, masks: Path, out: Path, options: Sequence[str], threads: int) -> Run:
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-m", "LaMoDCore", "predict", str(masks), "--out", str(out), "--progress", "none"]
    began = time.perf_counter()
    process = subprocess.Popen([*command, *options], cwd=checkout, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if status != 0:
        raise SystemExit(f"lamod predict failed in {checkout}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _print(slices: int, before: Sequence[Run], after: Sequence[Run]) -> None:
    medians = [
        [statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "memory")]
        for runs in (before, after)
    ]
    for version, (wall, cpu, memory) in zip(("before", "after"), medians, strict=True):
        print(f"| {slices} | {version} | {wall:.2f} s | {cpu:.2f} s | {memory:.0f} |")
    ratios = [b / a for a, b in zip(*medians, strict=True)]
    print(f"| {slices} | ratio | {ratios[0]:.2f} | {ratios[1]:.2f} | {ratios[2]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
