"""Replaces `python -m LaMoDCore` in tests of the panel: writes an analytic result, or fails as planned.

LAMOD_FAKE selects the behaviour: "ok", "slow" (with a child process), "refuse" (exit 1), "crash", "nothing" (exit 0
without a result).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
from Testing.Slicer.reading_heart import write_for_masks


def report(stage: str, fraction: float, message: str = "") -> None:
    print(json.dumps({"stage": stage, "fraction": fraction, "message": message}), file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb")
    parser.add_argument("masks", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--labels", default="myo=2")
    options, _ = parser.parse_known_args()
    behaviour = os.environ.get("LAMOD_FAKE", "ok")
    report("read", 0.0, "reading masks")
    report("device", 0.0, "CPU: no CUDA device")
    if behaviour == "slow":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
        Path(os.environ["LAMOD_FAKE_PIDS"]).write_text(f"{os.getpid()} {child.pid}")
        for i in range(1200):
            report("motion", i / 1200, "slice 1: predicting motion")
            time.sleep(0.1)
    if behaviour == "refuse":
        print("lamod: masks.seq.nrrd: the ring is open at frame 3; close it in the Segment Editor.", file=sys.stderr)
        return 1
    if behaviour == "crash":
        print("Traceback (most recent call last): ...\nMemoryError", file=sys.stderr)
        return 70
    if behaviour == "ok":
        stack = read_seq_nrrd(options.masks)
        myocardium = int(dict(pair.split("=") for pair in options.labels.split(","))["myo"])
        report("motion", 0.5, "slice 1: predicting motion")
        masks = stack.frames == myocardium
        write_for_masks(options.out, masks, stack.ijk_to_lps, stack.frame_times_ms)
    report("write", 1.0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
