"""Compare the time of a prediction with that of the full-width StrainNet baseline's forward pass, one thread.

    python -m experiments.speed.strainnet_ratio [--repeats 3]

One slice of 25 frames, in one process: the forward pass of StrainNet (untrained; its time does not depend on its
weights) and the whole of `predict_strain`, with one sample and with eight, in turn; the fastest of each counts.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import torch

from LaMoDCore import load_case, load_model, predict_strain
from LaMoDCore.baselines import BaselineModel, baseline_config
from LaMoDCore.benchmarks.timing import best_of_each
from LaMoDCore.benchmarks.whole_heart import HeartSize, write_heart
from LaMoDCore.heart.canonical import to_canonical

SAMPLES = (1, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_heart(Path(folder) / "masks.seq.nrrd", HeartSize(1))
        case = load_case(Path(folder) / "masks.seq.nrrd", labels="myo=2,lv=3")
    model = load_model()
    network = BaselineModel(baseline_config("strainnet", "full")).eval()
    masks = torch.from_numpy(to_canonical(case.slices[0]).occupancy)[None, None]

    @torch.inference_mode()
    def forward() -> None:
        network.displacement(masks)

    works = [partial(predict_strain, case, model, samples=count) for count in SAMPLES]
    strainnet, *ours = best_of_each([forward, *works], args.repeats)
    print("| one thread | wall | CPU | StrainNet takes |\n| --- | ---: | ---: | ---: |")
    print(f"| StrainNet, full width, forward pass | {strainnet.wall:.2f} s | {strainnet.cpu:.2f} s | |")
    for count, found in zip(SAMPLES, ours, strict=True):
        ratio = f"{strainnet.wall / found.wall:.1f} × (CPU {strainnet.cpu / found.cpu:.1f} ×)"
        print(f"| predict_strain, samples: {count} | {found.wall:.2f} s | {found.cpu:.2f} s | {ratio} |")


if __name__ == "__main__":
    main()
