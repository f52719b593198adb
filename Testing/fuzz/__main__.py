"""Fuzz the readers for a bounded time: ``python Testing/fuzz --seconds 60``; exit 1 if one mutant fails.

A mutant that fails is kept, and its failure printed, for a test of its own.
"""

from __future__ import annotations

import argparse
import collections
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from mutants import mutants, write_seeds
from outcome import outcome_of

from LaMoDCore.cli import main as lamod


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="duration (default 60)")
    parser.add_argument("--count", type=int, help="number of mutants, instead of a duration")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="seed of the mutations (default: the time)")
    parser.add_argument(
        "--predict", metavar="MODEL", help="run `lamod predict` with this model instead of `lamod info`"
    )
    parser.add_argument("--sentences", action="store_true", help="list every kind of error message that was printed")
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="lamod-fuzz-"))
    kept = Path("fuzz-failures")
    (work / "seeds").mkdir()
    (work / "mutants").mkdir()
    seeds = write_seeds(work / "seeds")
    end = time.monotonic() + (args.seconds if args.count is None else 1e9)
    codes: collections.Counter[int | None] = collections.Counter()
    kinds: dict[str, str] = {}
    failures, slowest, done = 0, 0.0, 0
    for mutant in mutants(seeds, work / "mutants", seed=args.seed, count=args.count):
        out = work / "out"
        if args.predict:
            words = ["predict", str(mutant.path), "--out", str(out), "--model", args.predict, "--no-report"]
            result = outcome_of(lambda words=words: lamod([*words, "--progress", "none"]), out)
        else:
            result = outcome_of(lambda path=mutant.path: lamod(["info", str(path)]))
        codes[result.code] += 1
        done += 1
        slowest = max(slowest, result.seconds)
        kind = re.sub(r"\d[\d.,e+-]*", "N", re.sub(r"^lamod: [^:]*: ", "", result.sentence))
        kinds.setdefault(kind, result.sentence.replace(str(mutant.path.parent) + "/", ""))
        if result.failure:
            failures += 1
            target = kept / f"{args.seed}-{mutant.number}-{mutant.seed_name}"
            kept.mkdir(exist_ok=True)
            (shutil.copytree if mutant.path.is_dir() else shutil.copy)(mutant.path, target)
            print(f"{target} ({mutant.change}): {result.failure}")
        shutil.rmtree(mutant.path.parent)
        shutil.rmtree(out, ignore_errors=True)
        if time.monotonic() > end:
            break
    shutil.rmtree(work)
    if args.sentences:
        print("\n".join(sorted(kinds.values())))
    print(f"seed {args.seed}: {done} mutants, exit codes {dict(codes)}, slowest {slowest:.2f} s, {failures} failure(s)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
