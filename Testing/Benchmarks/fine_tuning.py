"""Fine-tuning on 20 slices of hearts of another make: what it gains there, and what it costs on the hearts before.

    python Testing/Benchmarks/fine_tuning.py --out DIR [--model NAME|DIR] [--config FILE] [--freeze A,B]

The new domain is that of `other_phantom.py`, rings of one formula that share nothing with the cohort that the model
learned from: 20 slices to learn from, 6 to choose by, 12 to test on. The old domain is the synthetic cohort. Both
are evaluated before and after by `lamod evaluate`; DIR can be gone on with.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from other_phantom import OtherHeart

from LaMoDCore.cli import main as lamod
from LaMoDCore.io.dataset import DatasetCase, DatasetEntry, write_dataset_case, write_dataset_index

_COUNTS = {"train": 20, "val": 6, "test": 12}


def write_other_hearts(folder: Path) -> None:
    """Each heart a subject of one slice."""
    entries = []
    for split, count in _COUNTS.items():
        for _ in range(count):
            number = len(entries)
            case = other_case(f"other-{number:02d}", 1000 + number)
            write_dataset_case(folder, case)
            entries.append(DatasetEntry(case.id, case.id, "other", split, "dense", "", case.level))
    write_dataset_index(folder, entries, {"made_by": "Testing/Benchmarks/fine_tuning.py"})


def other_case(name: str, seed: int) -> DatasetCase:
    case, motion = OtherHeart(seed).case()
    slice_ = case.slices[0]
    wall = slice_.myocardium[0]
    lps = slice_.grid.vectors_to_lps(np.moveaxis(motion, 1, -1))
    lps = np.where(wall[None, ..., None], lps, np.nan).astype(np.float32)
    return DatasetCase(
        id=name,
        masks=slice_.myocardium[:, None],
        ijk_to_lps=slice_.grid.ijk_to_lps,
        frame_times_ms=slice_.frame_times_ms,
        rr_ms=slice_.rr_ms,
        reference_frame=0,
        level="mid",
        displacement_mm=lps[:, None],
        valid=np.broadcast_to(wall, slice_.myocardium.shape)[:, None].copy(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default="lamod-phantom-v1")
    parser.add_argument("--config", type=Path, help="settings; the preset fine-tune by default")
    parser.add_argument("--freeze", default="registration")
    parser.add_argument("--old-subjects", type=int, default=3, help="of the synthetic cohort, four slices each")
    args = parser.parse_args()
    new, old, run = args.out / "new", args.out / "old", args.out / "run"
    if not (new / "dataset.json").is_file():
        write_other_hearts(new)
    words = ["phantom", "--out", str(old), "--count", str(args.old_subjects), "--seed", "880003", "--split", "0,0,1"]
    _run([*words, "--resume", "--no-report", "--workers", "1"])
    if not (run / "model").is_dir():
        recipe = ["--config", str(args.config)] if args.config else ["--preset", "fine-tune"]
        words = ["train", "--data", str(new), "--out", str(run), "--init", args.model, "--freeze", args.freeze]
        _run([*words, *recipe, "--resume"])
    for name, data in (("new", new), ("old", old)):
        out = args.out / f"evaluation-{name}"
        methods = f"zero,{args.model},{run / 'model'}"
        if not out.is_dir():
            _run(["evaluate", "--data", str(data), "--out", str(out), "--models", methods, "--no-figures"])
        page = next(out.glob("*.md")).read_text(encoding="utf-8")
        print(f"## {name} domain\n\n{page}\n")


def _run(words: list[str]) -> None:
    if lamod(words):
        sys.exit(f"lamod {words[0]} failed")


if __name__ == "__main__":
    main()
