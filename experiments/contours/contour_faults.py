"""Faults planted into slices as readers draw them: how many are found, and how many clean frames are flagged.

    python -m experiments.contours.contour_faults [--each 30] [--clean 8] [--seed 0] [--faults "hole,walls touch"]

One fault of each kind per slice, in a random frame; clean slices are drawn by other readers, with images.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from LaMoDCore.contours.check import check_slice
from LaMoDCore.contours.findings import Fault, Light
from Testing.Core.contours.planted_faults import PLANTERS, reader_slice


def count_found(wanted: Sequence[str], each: int, seed: int) -> dict[str, int]:
    """Count the found faults of each wanted kind; every kind is planted once into each of ``each`` slices."""
    kinds = [(number, fault, plant) for number, (fault, plant) in enumerate(PLANTERS.items()) if fault.value in wanted]
    found = dict.fromkeys((fault.value for _, fault, _ in kinds), 0)
    for k in range(each):
        drawn = reader_slice(seed * 1000 + k, pictures=True)
        for number, fault, plant in kinds:
            rng = np.random.default_rng([seed, number, k])
            frame = int(rng.integers(1, drawn.slice.frames))
            findings = check_slice(plant(drawn, frame, rng))
            at = [f for f in findings if f.fault is fault and (f.frame == frame or fault is Fault.OUT_OF_REGISTER)]
            found[fault.value] += bool(at)
            if not at:
                print(f"missed {fault.value} in slice {k} ({drawn.slice.name}) frame {frame}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=30, help="faults of each kind")
    parser.add_argument("--clean", type=int, default=8, help="clean slices of 25 frames")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", help="only these, separated by commas")
    args = parser.parse_args()
    wanted = args.faults.split(",") if args.faults else [fault.value for fault in PLANTERS]
    print("| fault | found | of |\n| --- | ---: | ---: |")
    found = count_found(wanted, args.each, args.seed)
    for name, count in found.items():
        print(f"| {name} | {count} | {args.each} |", flush=True)
    kinds: Counter[str] = Counter()
    flagged = frames = 0
    for k in range(args.clean):
        slice_ = reader_slice(args.seed * 1000 + 500 + k, pictures=True).slice
        findings = check_slice(slice_)
        kinds.update(f.fault.value for f in findings)
        for f in findings:
            print(f"clean slice {k} ({slice_.name}) frame {f.frame}: {f.text}", file=sys.stderr)
        flagged += len({f.frame for f in findings if f.light is not Light.GOOD})
        frames += slice_.frames
    print(f"| clean frames flagged | {flagged} | {frames} |")
    print(f"by kind: {dict(kinds)}")


if __name__ == "__main__":
    main()
