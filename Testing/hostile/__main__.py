"""Try malicious and odd inputs: ``python Testing/hostile``; exit status 1 if one of them misbehaves.

    python Testing/hostile [--only REGEX] [--quick] [--workers N] [--list] [--messages]

Each trial must end with an allowed exit code and one line on stderr, without a traceback, within 10 seconds and 2 GiB,
and leave the user's files and folders as they were. Random inputs derive from the trial's name, so every run is equal.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from runner import Verdict, run, warm_up
from trials import every_trial
from valid_files import write_valid_files

from LaMoDCore.runtime.plain_text import visible

#: The folder of valid files and the trials, which forked workers see.
_SHARED: list[Any] = []


def _run(number: int) -> Verdict:
    valid, trials = _SHARED
    return run(trials[number], valid)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only trials whose kind and name match")
    parser.add_argument("--quick", action="store_true", help="only the representative set")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1), help="trials at the same time")
    parser.add_argument("--list", action="store_true", help="list the trials without running them")
    parser.add_argument("--messages", action="store_true", help="print the message of every trial")
    args = parser.parse_args()
    if not sys.platform.startswith("linux"):
        print("The trials need Linux.")
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lamod-valid-") as name:
        valid = Path(name)
        write_valid_files(valid)
        trials = [t for t in every_trial(valid) if re.search(args.only, t.seed) and (t.quick or not args.quick)]
        if args.list:
            print("\n".join(visible(f"{t.seed}: lamod {' '.join(t.words)}") for t in trials))
            return 0
        warm_up()
        _SHARED.extend((valid, trials))
        context = multiprocessing.get_context("fork")
        with context.Pool(args.workers) as pool:
            verdicts = []
            for verdict in pool.imap_unordered(_run, range(len(trials)), chunksize=1):
                verdicts.append(verdict)
                _report(verdict, args.messages)
    return _summary(verdicts, time.monotonic() - began)


def _report(verdict: Verdict, messages: bool) -> None:
    if messages:
        text = f"{verdict.kind}/{verdict.name}: {verdict.code}, {verdict.seconds:.1f} s: {verdict.line}"
        print(visible(text), flush=True)
    if verdict.faults:
        print(visible(f"FAULT {verdict.kind}/{verdict.name}: lamod {' '.join(verdict.words)}"), flush=True)
        for fault in verdict.faults:
            print(visible("    " + fault.strip().replace("\n", "\n    "), keep="\n"), flush=True)


def _command(verdict: Verdict) -> str:
    words = list(verdict.words) or ["none"]
    return visible(" ".join(words[: 2 if words[0] in ("dataset", "models") else 1]))


def _summary(verdicts: list[Verdict], seconds: float) -> int:
    kinds = Counter(v.kind for v in verdicts)
    faulty = Counter(v.kind for v in verdicts if v.faults)
    commands = Counter(_command(v) for v in verdicts)
    print("\n| kind of input | inputs | faults |\n| --- | ---: | ---: |")
    for kind, count in sorted(kinds.items()):
        print(f"| {kind} | {count} | {faulty[kind]} |")
    print("\n| command | inputs |\n| --- | ---: |")
    for command, count in sorted(commands.items()):
        print(f"| {command} | {count} |")
    codes = Counter(v.code for v in verdicts)
    slowest = max(verdicts, key=lambda v: v.seconds, default=None)
    largest = max(verdicts, key=lambda v: v.peak, default=None)
    if slowest and largest:
        print(f"\nslowest {slowest.kind}/{slowest.name}: {slowest.seconds:.1f} s of CPU time")
        print(f"largest {largest.kind}/{largest.name}: {largest.peak / 2**30:.2f} GiB")
    ended = f"exit codes {dict(sorted(codes.items()))}, {sum(faulty.values())} faults"
    print(f"{len(verdicts)} inputs in {seconds:.0f} s, {ended}")
    return 1 if faulty or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
