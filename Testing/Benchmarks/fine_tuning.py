"""Fine-tuning on 20 slices of hearts of another make: what it gains there, and what it costs on the hearts before.

    python Testing/Benchmarks/fine_tuning.py --out DIR [--model NAME|DIR] [--config FILE] [--freeze A,B]

The new domain is that of `other_phantom.py`, rings of one formula that share nothing with the cohort that the model
learned from: 20 slices to learn from, 6 to choose by, 12 to test on. The old domain is the synthetic cohort. On the
test slices of both, before and after, without diffusion: the endpoint error over measured blocks and all frames, and
the error of the slice's mean Ecc at end-systole. `lamod evaluate` gives the whole table. DIR can be gone on with.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from other_phantom import OtherHeart
from torch.nn import functional

from LaMoDCore.cli import main as lamod
from LaMoDCore.evaluation.bootstrap import bootstrap_mean
from LaMoDCore.io.dataset import DatasetCase, DatasetEntry, write_dataset_case, write_dataset_index
from LaMoDCore.model import LaMoDModel
from LaMoDCore.models import lamod_network, load_model
from LaMoDCore.strain import compute_strain
from LaMoDCore.training.cache import BLOCK, TrainingCache, open_cache
from LaMoDCore.training.loading import load_batch

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
    before, after = (lamod_network(load_model(name)) for name in (args.model, run / "model"))
    print("| test slices | measure | zero motion | before | after | change (95 %) |\n" + "| --- " * 6 + "|")
    for name, data, folder in (("new domain", new, run / "cache"), ("old domain", old, args.out / "old-cache")):
        cache = open_cache(data, folder)
        chosen = cache.indices("test", with_motion=True)
        scores = np.array([[_scores(network, cache, i) for i in chosen] for network in (None, before, after)])
        for measure, unit in enumerate(("EPE, mm", "abs. Ecc error at ES")):
            zero, old_score, new_score = scores[:, :, measure]
            change = bootstrap_mean(new_score - old_score, [str(i) for i in chosen])
            columns = f"{zero.mean():.4f} | {old_score.mean():.4f} | {new_score.mean():.4f}"
            interval = f"{change.value:+.4f} ({change.lower:+.4f} to {change.upper:+.4f})"
            print(f"| {len(chosen)} of the {name} | {unit} | {columns} | {interval} |", flush=True)


@torch.inference_mode()
def _scores(network: LaMoDModel | None, cache: TrainingCache, index: int) -> tuple[float, float]:
    """Endpoint error in mm, and the error of the mean Ecc at end-systole; zero motion where there is no network."""
    batch = load_batch(cache, np.array([index]), torch.device("cpu"))
    truth, weight = batch.displacement[0], batch.weight[0, 0]
    moved = torch.zeros_like(truth)
    if network is not None:
        moved = functional.avg_pool3d(
            network.decode(network.normalise(network.encode(batch.masks, batch.levels)))[0], (1, 2, 2)
        )
    error = float(((moved - truth).norm(dim=0) * weight).sum() / weight.sum())
    es = int(batch.masks[0, 0].sum(dim=(1, 2)).argmax())  # the wall is thickest where the cavity is smallest
    wall = weight[es].numpy() > 0.5
    means = [np.nanmean(compute_strain(u[None, :, es], wall, (BLOCK, BLOCK)).ecc) for u in (moved, truth)]
    return error, float(abs(means[0] - means[1]))


def _run(words: list[str]) -> None:
    if lamod(words):
        sys.exit(f"lamod {words[0]} failed")


if __name__ == "__main__":
    main()
