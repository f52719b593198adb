"""Compare the time and memory of predictions in two versions, in alternating runs.

    python -m experiments.speed.compare_commits BEFORE [AFTER] [--cases ten one function memory] [--runs 5]

BEFORE and AFTER are commits of this repository or folders with a checkout; AFTER is the working tree by default. Both
run with the same Python and libraries. Alternating runs see the same load of the machine, so the ratios of the medians
are reliable where the times are not. The cases, with eight samples:

ten         `lamod predict` of ten slices of 25 frames, from start to files, two threads
one         the same of one slice
function    `predict_strain` of one slice, one thread, without start and files; the fastest of five calls
memory      `lamod predict` of twelve slices of 30 frames of 256 × 256 pixels, two threads
forty       the same of forty slices
"""

from __future__ import annotations

import argparse
import json
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

from LaMoDCore.benchmarks.whole_heart import HeartSize, write_heart

ROOT = Path(__file__).resolve().parents[2]
#: Case -> size of the heart and number of threads.
CASES = {
    "ten": (HeartSize(10), 2),
    "one": (HeartSize(1), 2),
    "function": (HeartSize(1), 1),
    "memory": (HeartSize(12, 30, 256), 2),
    "forty": (HeartSize(40, 30, 256), 2),
}
_FUNCTION = """
import json, sys, time
import torch
torch.set_num_threads(1)
from LaMoDCore import load_case, load_model, predict_strain
case, model = load_case(sys.argv[1], labels="myo=2,lv=3"), load_model()
times = []
for _ in range(1 + int(sys.argv[3])):
    wall, cpu = time.perf_counter(), time.process_time()
    predict_strain(case, model, samples=int(sys.argv[2]))
    times.append((time.perf_counter() - wall, time.process_time() - cpu))
print(json.dumps([min(column) for column in zip(*times[1:])]))
"""


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
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=["ten", "one", "function", "memory"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--slices", type=int, help="another number of slices, for a quick trial")
    args = parser.parse_args()
    print("| case | version | wall | CPU | peak MiB |\n| --- | --- | ---: | ---: | ---: |")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = _checkout(args.before, work / "before", stack)
        after = _checkout(args.after, work / "after", stack)
        for case in args.cases:
            size, threads = CASES[case]
            masks = work / f"{case}.seq.nrrd"
            write_heart(masks, HeartSize(args.slices or size.slices, size.frames, size.pixels))
            runs: tuple[list[Run], list[Run]] = ([], [])
            for number in range(args.runs):
                for found, name, checkout in zip(runs, ("before", "after"), (before, after), strict=True):
                    if case == "function":
                        words = ["-c", _FUNCTION, str(masks), str(args.samples), "5"]
                    else:
                        out = work / f"{name}-{case}-{number}"
                        words = ["-m", "LaMoDCore", "predict", str(masks), "--out", str(out), "--progress", "none"]
                        words += ["--labels", "myo=2,lv=3", "--samples", str(args.samples)]
                    found.append(_measure(checkout, words, threads, timed_inside=case == "function"))
            _print(case, *runs)


def _checkout(version: str, folder: Path, stack: ExitStack) -> Path:
    """The folder of a version; a commit is checked out into `folder`, which is removed at the end."""
    if Path(version).is_dir():
        return Path(version).resolve()
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(folder), version], cwd=ROOT, check=True)
    stack.callback(subprocess.run, ["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)
    return folder


def _measure(checkout: Path, words: Sequence[str], threads: int, *, timed_inside: bool) -> Run:
    """Run Python in a checkout; `timed_inside`: the program prints its own wall and CPU time."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": str(threads)}
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], cwd=checkout, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall, cpu = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the prediction failed in {checkout}")
    if timed_inside:
        wall, cpu = json.loads(printed.splitlines()[-1])
    return Run(wall, cpu, usage.ru_maxrss / 1024)


def _print(case: str, before: Sequence[Run], after: Sequence[Run]) -> None:
    medians = [
        [statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "memory")]
        for runs in (before, after)
    ]
    for version, (wall, cpu, memory) in zip(("before", "after"), medians, strict=True):
        print(f"| {case} | {version} | {wall:.2f} s | {cpu:.2f} s | {memory:.0f} |")
    ratios = [b / a for a, b in zip(*medians, strict=True)]
    print(f"| {case} | ratio | {ratios[0]:.2f} | {ratios[1]:.2f} | {ratios[2]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
