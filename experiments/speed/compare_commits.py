"""Compare time, memory and results of predictions in two versions, in alternating runs, with the targets of version 2.

    python -m experiments.speed.compare_commits BEFORE [AFTER] [--cases ten one function memory growth start] [--runs 5]

BEFORE and AFTER are commits of this repository or folders with a checkout; AFTER is the working tree by default. Both
run with the same Python and libraries. Alternating runs see the same load of the machine, so the ratios of the medians
are reliable where the times are not. All cases take about eight minutes on two idle cores. They have eight samples:

ten         `lamod predict` of ten slices of 25 frames, from start to files, two threads; the results are compared, too.
            Standard deviations have no target: since version 2 they have N - 1 degrees of freedom
one         the same of one slice
function    `predict_strain` of one slice, one thread, without start and files; the fastest of five calls
memory      `lamod predict` of twelve slices of 30 frames of 256 × 256 pixels, two threads; one run of each version
growth      AFTER alone: as `memory`, of ten, twenty and forty slices; one run each
start       AFTER alone: `lamod --help` and `lamod info FILE`
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.benchmarks.timing import load_line
from LaMoDCore.benchmarks.whole_heart import HeartSize, write_heart

ROOT = Path(__file__).resolve().parents[2]
#: Case -> size of the heart, number of threads, targets of the ratios of wall and CPU time; None without a target.
CASES = {
    "ten": (HeartSize(10), 2, (0.33, 0.45)),
    "one": (HeartSize(1), 2, (0.5, None)),
    "function": (HeartSize(1), 1, (0.6, 0.6)),
    "memory": (HeartSize(12, 30, 256), 2, (None, None)),
}
#: Cases that are measured once: memory does not vary.
ONCE = ("memory",)
GROWTH = (10, 20, 40)
#: Largest differences of the results: displacement in mm, strain, limits of intervals.
EQUAL = {"displacement": 1e-4, "strain": 1e-5, "intervals": 1e-4}
_MOST_MIB = 1024
_STARTS = {"--help": 0.3, "info": 0.5}
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

    @classmethod
    def median(cls, runs: Sequence[Run]) -> Run:
        return cls(*(statistics.median(getattr(run, name) for run in runs) for name in ("wall", "cpu", "memory")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after", nargs="?", default=str(ROOT))
    parser.add_argument("--cases", nargs="+", choices=[*CASES, "growth", "start"], default=[*CASES, "growth", "start"])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--slices", type=int, help="another number of slices, for a quick trial")
    args = parser.parse_args()
    print(load_line())
    print("\n| case | quantity | before | after | ratio | target | |\n| --- | --- | ---: | ---: | ---: | ---: | --- |")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        versions = {
            name: _checkout(version, work / name, stack)
            for name, version in (("before", args.before), ("after", args.after))
        }
        for case in (case for case in CASES if case in args.cases):
            size, threads, targets = CASES[case]
            masks = work / f"{case}.seq.nrrd"
            write_heart(masks, HeartSize(args.slices or size.slices, size.frames, size.pixels))
            runs: dict[str, list[Run]] = {name: [] for name in versions}
            for _ in range(1 if case in ONCE else args.runs):
                for name, checkout in versions.items():
                    if case == "function":
                        words = ["-c", _FUNCTION, str(masks), str(args.samples), "5"]
                    else:
                        words = _prediction(masks, work / f"{name}-{case}", args.samples)
                    runs[name].append(_measure(checkout, words, threads, timed_inside=case == "function"))
            before, after = (Run.median(runs[name]) for name in versions)
            _compare(case, before, after, targets)
            if case == "ten":
                _compare_results(work / "before-ten", work / "after-ten")
        if "growth" in args.cases:
            _growth(versions["after"], work, args.samples)
        if "start" in args.cases:
            _starts(versions["after"], work, args.runs)


def _prediction(masks: Path, out: Path, samples: int) -> list[str]:
    words = ["-m", "LaMoDCore", "predict", str(masks), "--out", str(out), "--progress", "none"]
    return [*words, "--labels", "myo=2,lv=3", "--samples", str(samples)]


def _checkout(version: str, folder: Path, stack: ExitStack) -> Path:
    """The folder of a version; a commit is checked out into `folder`, which is removed at the end."""
    if Path(version).is_dir():
        return Path(version).resolve()
    subprocess.run(["git", "worktree", "add", "--detach", "--quiet", str(folder), version], cwd=ROOT, check=True)
    stack.callback(subprocess.run, ["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True)
    return folder


def _measure(checkout: Path, words: Sequence[str], threads: int, *, timed_inside: bool = False) -> Run:
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
        raise SystemExit(f"the command failed in {checkout}")
    if timed_inside:
        wall, cpu = json.loads(printed.splitlines()[-1])
    return Run(wall, cpu, usage.ru_maxrss / 1024)


def _compare(case: str, before: Run, after: Run, targets: tuple[float | None, float | None]) -> None:
    for name, quantity, target in zip(("wall", "cpu"), ("wall", "CPU"), targets, strict=True):
        old, new = getattr(before, name), getattr(after, name)
        _row(case, quantity, f"{old:.2f} s", f"{new:.2f} s", new / old, target)
    limit = _MOST_MIB if case == "memory" else None
    met = "" if limit is None else _verdict(after.memory, limit)
    shown = "" if limit is None else f"≤ {limit} MiB"
    ratio = after.memory / before.memory
    print(f"| {case} | peak | {before.memory:.0f} MiB | {after.memory:.0f} MiB | {ratio:.2f} | {shown} | {met} |")
    sys.stdout.flush()


def _row(case: str, quantity: str, before: str, after: str, ratio: float, target: float | None) -> None:
    shown, met = ("", "") if target is None else (f"≤ {target}", _verdict(ratio, target))
    print(f"| {case} | {quantity} | {before} | {after} | {ratio:.2f} | {shown} | {met} |")


def _verdict(value: float, limit: float) -> str:
    return "met" if value <= limit else "MISSED"


def _compare_results(before: Path, after: Path) -> None:
    """Print the largest differences between two result folders."""
    with np.load(before / "motion.npz") as old, np.load(after / "motion.npz") as new:
        names = [name for name in old.files if old[name].dtype == np.float32 and name in new.files]
        gaps = {name: float(np.nanmax(np.abs(new[name] - old[name]))) for name in names}
        holes = [name for name in names if (np.isnan(new[name]) != np.isnan(old[name])).any()]
    values = {name: gap for name, gap in gaps.items() if not name.endswith("_std")}
    found = {
        "displacement": max(gap for name, gap in values.items() if "displacement" in name),
        "strain": max(gap for name, gap in values.items() if "displacement" not in name),
        "intervals": max(abs(a - b) for a, b in zip(_limits(before), _limits(after), strict=True)),
    }
    for name, gap in found.items():
        print(
            f"| ten | largest difference: {name} | | {gap:.1e} | | ≤ {EQUAL[name]:g} | {_verdict(gap, EQUAL[name])} |"
        )
    deviations = max((gap for name, gap in gaps.items() if name not in values), default=0.0)
    print(f"| ten | largest difference: standard deviations (mm, or strain) | | {deviations:.1e} | | | |")
    print(f"| ten | arrays with other missing values | | {len(holes)} | | 0 | {_verdict(len(holes), 0)} |", flush=True)


def _limits(result: Path) -> Iterator[float]:
    """The limits of the intervals of all segments and frames."""
    with (result / "segments.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield from (float(row[name]) for name in ("ecc_low", "ecc_high", "err_low", "err_high") if row[name])


def _growth(after: Path, work: Path, samples: int) -> None:
    """Time and memory of larger hearts."""
    found = []
    for slices in GROWTH:
        masks = work / f"growth-{slices}.seq.nrrd"
        write_heart(masks, HeartSize(slices, 30, 256))
        found.append(_measure(after, _prediction(masks, work / f"growth-out-{slices}", samples), 2))
    for slices, run in zip(GROWTH, found, strict=True):
        each = (run.wall - found[0].wall) / (slices - GROWTH[0]) if slices > GROWTH[0] else run.wall / slices
        print(f"| growth | {slices} slices | | {run.wall:.1f} s, {run.memory:.0f} MiB | | | {each:.2f} s per slice |")
    more = (found[-1].memory - found[0].memory) / (GROWTH[-1] - GROWTH[0])
    print(f"| growth | memory per further slice | | {more:.1f} MiB | | | |", flush=True)


def _starts(after: Path, work: Path, runs: int) -> None:
    masks = work / "start.seq.nrrd"
    write_heart(masks, HeartSize(1))
    for words, limit in ((["--help"], _STARTS["--help"]), (["info", str(masks)], _STARTS["info"])):
        run = Run.median([_measure(after, ["-m", "LaMoDCore", *words], 2) for _ in range(runs)])
        shown = f"{run.wall:.2f} s (CPU {run.cpu:.2f} s)"
        print(f"| start | lamod {words[0]} | | {shown} | | ≤ {limit} s | {_verdict(run.wall, limit)} |")


if __name__ == "__main__":
    main()
