"""Time and peak memory of `lamod predict` by the number of slices.

    python -m experiments.robustness.stack_memory [--slices 1 3 6 12] [--samples 8] [-- OPTION ...]

Each count runs in its own process; time and memory should grow in proportion to the slices.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from Testing.Core.io.heart_files import heart_labels, stack_affine

SHAPE, SPACING_MM, FRAMES, HEART_MM = (208, 256), 1.4, 30, 84.0


def write_stack(path: Path, slices: int) -> None:
    """A whole ventricle of ``slices`` slices, 30 frames of 256 × 208 pixels."""
    gap_mm = HEART_MM / slices
    affine = stack_affine(SHAPE, (SPACING_MM, SPACING_MM), slices=slices, gap_mm=gap_mm)
    labels = heart_labels(affine, SHAPE, slices=slices, frames=FRAMES)
    write_seq_nrrd(path, labels, affine, np.arange(FRAMES) * 27.0, rr_ms=810.0)


def measure(masks: Path, out: Path, samples: int, options: list[str]) -> tuple[float, float]:
    """CPU seconds (user and system) and peak memory in MiB of one `lamod predict`."""
    command = [sys.executable, "-m", "LaMoDCore", "predict", str(masks), "--out", str(out), "--samples", str(samples)]
    process = subprocess.Popen([*command, "--progress", "none", *options], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"lamod predict failed on {masks}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, nargs="+", default=[1, 3, 6, 12])
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("options", nargs="*", help="further options of lamod predict, after --")
    args = parser.parse_args()
    print("| slices | CPU seconds | peak MiB |\n| ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for slices in args.slices:
            masks = Path(folder) / f"{slices}.seq.nrrd"
            write_stack(masks, slices)
            seconds, mebibytes = measure(masks, Path(folder) / f"out{slices}", args.samples, args.options)
            print(f"| {slices} | {seconds:.1f} | {mebibytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
