"""Replaces `python -m LaMoDCore` in tests of the panel: writes an analytic result or contours, or fails as planned.

LAMOD_FAKE selects the behaviour: "ok", "slow" (with a child process), "refuse" (exit 1), "crash", "nothing" (exit 0
without a result). LAMOD_FAKE_STORE is a folder that keeps every answer: the same inputs are answered again by a copy,
without NumPy and torch, whose import alone takes seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

#: Frames of each slice that the fake engine marks as unsure.
UNSURE_FRAMES = (3, 11)


def report(stage: str, fraction: float, message: str = "") -> None:
    print(json.dumps({"stage": stage, "fraction": fraction, "message": message}), file=sys.stderr, flush=True)


def draw(cines: list[Path], out: Path) -> None:
    """Write the contours of the analytic rings of cines; of a cine with three slices, the second is left out."""
    from LaMoDCore.heart.contour_origin import ContourOrigin
    from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
    from LaMoDCore.io.results.contour_masks import label_frames, write_label_stacks
    from Testing.Slicer.ring_heart import RR_MS, heart, ventricle_radii_mm

    drawn = []
    for cine in cines:
        stack = read_seq_nrrd(cine)
        frames, count = stack.frames.shape[:2]
        radii = ventricle_radii_mm(count)
        found = [k for k in range(count) if not (count == 3 and k == 1)]
        drawn += [heart(stack.slice_grid(k), frames, inner_mm=radii[k]) for k in found]
    confidence = tuple(0.2 if t in UNSURE_FRAMES else 0.9 for t in range(frames))
    origin = ContourOrigin(
        engine="fake-engine",
        engine_sha256="0" * 64,
        licence="weights MIT, training data CC BY-NC-SA 4.0",
        convention="blood-pool",
        status=tuple("unsure" if value < 0.5 else "automatic" for value in confidence),
        confidence=confidence,
    )
    out.mkdir()
    times = [s.frame_times_ms for s in drawn]
    labels = [label_frames(s) for s in drawn]
    write_label_stacks(out, [s.grid for s in drawn], labels, times, [RR_MS] * len(drawn), [origin] * len(drawn))


def predict(masks: Sequence[Path], out: Path, labels: str, long_axis: Sequence[Path] = ()) -> None:
    """Write the result of the analytic motion, with the numbers of long-axis masks."""
    from Testing.Slicer.reading_heart import write_for_file

    write_for_file(out, masks, labels)
    if long_axis:
        add_long_axis(out, long_axis)


def add_long_axis(out: Path, masks: Sequence[Path]) -> None:
    """Measure long-axis masks, and add their numbers to a result."""
    from LaMoDCore.io.long_axis.reader import load_long_axis
    from LaMoDCore.io.results.long_axis_files import write_long_axis_files
    from LaMoDCore.prediction.long_axis import long_axis_numbers

    views = load_long_axis(masks).views
    content = json.loads((out / "strain.json").read_text(encoding="utf-8"))
    content["long_axis"] = long_axis_numbers(views)
    (out / "strain.json").write_text(json.dumps(content), encoding="utf-8")
    write_long_axis_files(views, content["long_axis"], out)


def answer(inputs: Sequence[Path], options: Sequence[str], out: Path, write: Callable[[Path], None]) -> None:
    """Write an answer, or copy the stored one of the same options and files with the same names and contents."""
    store = os.environ.get("LAMOD_FAKE_STORE")
    if not store:
        write(out)
        return
    key = hashlib.sha256("\0".join(options).encode())
    for path in inputs:
        key.update(f"\0{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    kept = Path(store, key.hexdigest())
    if not kept.exists():
        made = Path(store, f"being-written-{os.getpid()}")
        write(made)
        try:
            made.rename(kept)
        except OSError:  # another process has stored the same answer meanwhile
            shutil.rmtree(made)
    shutil.copytree(kept, out)


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("verb")
    parser.add_argument("masks", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--labels", default="myo=2")
    parser.add_argument("--long-axis", type=Path, nargs="+", default=[])
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
    if behaviour == "ok" and options.verb == "contour":
        report("contours", 0.5, "slice 1 of 1, about 2 s left")
        answer(options.masks, ["contour"], options.out, lambda out: draw(options.masks, out))
    elif behaviour == "ok":
        report("motion", 0.5, "slice 1: predicting motion")
        named = ["predict", options.labels]
        answer(
            [*options.masks, *options.long_axis],
            named,
            options.out,
            lambda out: predict(options.masks, out, options.labels, options.long_axis),
        )
    report("write", 1.0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
