"""Six commands on small data, each with worker processes where it has them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), *(str(ROOT / "Testing" / "Core" / name) for name in ("", "training", "cohort", "dense"))]


@dataclass(frozen=True)
class Command:
    """A command line whose output is the folder `out` of the current folder.

    Attributes:
        words: the command line, without the program.
        again: the command line that continues or repeats an interrupted one.
        replaces: whether an existing output is replaced as a whole.
    """

    words: tuple[str, ...]
    again: tuple[str, ...]
    replaces: bool


def make_inputs(home: Path, *, dense: bool = True) -> None:
    """Write the inputs of all commands, or of all except `lamod dense`."""
    import torch
    from cohort_rings import write_ring
    from contracting_annulus import SHORT_SCAN, scan
    from ring_dataset import TINY, write_rings

    from LaMoDCore.io.dense.arrays import write_arrays
    from LaMoDCore.models.folder import save_model
    from LaMoDCore.networks.lamod import LaMoDModel
    from LaMoDCore.training.run.settings import PRESETS

    (home / "masks").mkdir(parents=True)
    for number in range(4):
        write_ring(home / "masks" / f"heart{number}.seq.nrrd", 20.0 + number)
    write_rings(home / "rings", train=6, val=2)
    write_rings(home / "test-rings", train=0, val=4)
    torch.manual_seed(5)
    save_model(LaMoDModel(PRESETS["smoke"].model), home / "model", "small")
    settings = replace(TINY, checkpoint_minutes=0.0)
    (home / "tiny.json").write_text(json.dumps(settings.to_dict()), encoding="utf-8")
    for name in ("scan1", "scan2") if dense else ():
        write_arrays(home / name, scan(protocol=replace(SHORT_SCAN, frame_ms=50.0, first_frame_ms=50.0)).images)


def commands(home: Path) -> dict[str, Command]:
    """Name -> command, for inputs in `home`."""
    model = ("--model", str(home / "model"))
    predict = ("predict", str(home / "masks" / "heart0.seq.nrrd"), *model, "--out", "out")
    cohort = ("predict-cohort", str(home / "masks"), *model, "--workers", "2", "--out", "out")
    phantom = ("phantom", "--out", "out", "--count", "3", "--workers", "2")
    train = ("train", "--data", str(home / "rings"), "--out", "out", "--device", "cpu", "--workers", "2")
    configured = ("--config", str(home / "tiny.json"))
    evaluate = (
        "evaluate",
        "--data",
        str(home / "test-rings"),
        "--split",
        "val",
        "--models",
        "zero,itk-demons",
        "--no-figures",
        "--out",
        "out",
    )
    dense = ("dense", str(home / "scan1"), str(home / "scan2"), "--smoothing-mm", "3", "--out", "out")
    return {
        "predict": Command(predict, predict, True),
        "evaluate": Command(evaluate, evaluate, True),
        "predict-cohort": Command(cohort, cohort, False),
        "phantom": Command(phantom, (*phantom, "--resume"), False),
        "train": Command((*train, *configured), (*train, *configured, "--resume"), False),
        "dense": Command(dense, (*dense, "--overwrite"), False),
    }
