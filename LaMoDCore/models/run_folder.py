"""The models in the folder of a training run: the finished one and the current one.

RUN/model           the finished model
RUN/current-model   the averaged weights of the last checkpoint, until the run is finished

Both are complete model folders, so that loading one needs no training code. Version 1 wrote no current model, see
`unfinished_run`. Nothing here needs torch.
"""

from __future__ import annotations

from pathlib import Path

FINISHED = "model"
CURRENT = "current-model"
CHECKPOINT = "checkpoint.safetensors"


def is_run_folder(folder: Path) -> bool:
    """Whether a folder belongs to a training run rather than to a model."""
    return (folder / "run.json").is_file() and not (folder / "model.json").is_file()


def model_of_run(run: Path) -> Path | None:
    """The model folder of a run: the finished model, else the current one; None if the run has written neither."""
    for name in (FINISHED, CURRENT):
        if (run / name / "model.json").is_file():
            return run / name
    return None
