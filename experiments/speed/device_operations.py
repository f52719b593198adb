"""List the operations of PyTorch that a prediction runs on the device, with their types.

    python -m experiments.speed.device_operations            # write docs/reference/device-operations.md

The device is imitated (`Testing.Core.predict.mps_like`), so the list needs no accelerator: a computer with an Apple GPU
or CUDA runs the same operations there. Everything else of a prediction runs on the CPU. The prediction is that of the
shipped model with eight samples and the unlike-training flag.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch

from experiments.paths import ROOT
from LaMoDCore.models.folder import load_model
from LaMoDCore.phantom import demo_case
from LaMoDCore.prediction.predict import predict_strain
from Testing.Core.predict import mps_like

PAGE = ROOT / "docs" / "reference" / "device-operations.md"
_INTRODUCTION = f"""# Operations on the device

The operations of PyTorch that run on the accelerator (CUDA, MPS) when a heart is predicted with eight samples and the
unlike-training flag. None of them has the types float64 or complex128, which an Apple GPU lacks; a test guards it.
Masks, strain, intervals and files are computed on the CPU. Recorded with PyTorch {torch.__version__.split("+")[0]} by
`python -m experiments.speed.device_operations` on an imitated device; other versions of PyTorch may divide functions
into other operations.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, default=PAGE, help="the file to write")
    args = parser.parse_args()
    args.page.write_text(page(of_prediction()), encoding="utf-8")


def of_prediction() -> Counter[tuple[str, tuple[str, ...]]]:
    """Calls of each operation, by name and types, in the prediction of one slice."""
    heart = demo_case()
    case = type(heart)(heart.slices[:1], heart.reference_frame, heart.rv_insertion_lps)
    model = load_model()
    mps_like.operations.clear()
    with mps_like.mps_like():
        mps_like.move(model.network)
        predict_strain(case, model, samples=8)
    return Counter(mps_like.operations)


def page(operations: Counter[tuple[str, tuple[str, ...]]]) -> str:
    """The page with one row per operation and combination of types."""
    rows: Iterable[str] = (
        f"| `{name}` | {', '.join(dtypes) or '–'} | {count} |" for (name, dtypes), count in sorted(operations.items())
    )
    return "\n".join([_INTRODUCTION, "| operation | types | calls for one slice |", "| --- | --- | ---: |", *rows, ""])


if __name__ == "__main__":
    main()
