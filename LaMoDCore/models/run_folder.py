"""The models in the folder of a training run: the finished one, the current one, and the checkpoint of version 1.

RUN/model           the finished model
RUN/current-model   the averaged weights of the last checkpoint, until the run is finished

Both are whole model folders, so that loading one requires nothing of the training code. Version 1 wrote no current
model: the averaged weights of its unfinished runs are read from checkpoint.safetensors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from LaMoDCore.networks.lamod import LaMoDModel

FINISHED = "model"
CURRENT = "current-model"
_CHECKPOINT = "checkpoint.safetensors"
#: Prefix of the averaged weights among the tensors of a checkpoint.
_AVERAGED = "average."


def is_run_folder(folder: Path) -> bool:
    """Whether a folder belongs to a training run rather than to a model."""
    return (folder / "run.json").is_file() and not (folder / "model.json").is_file()


def model_of_run(run: Path) -> Path | None:
    """The model folder of a run: the finished model, else the current one; None where the run has written neither."""
    for name in (FINISHED, CURRENT):
        if (run / name / "model.json").is_file():
            return run / name
    return None


def averaged_network(run: Path) -> LaMoDModel:
    """The averaged weights of a run's checkpoint, in evaluation mode.

    Raises:
        LaMoDInputError: there is no checkpoint, it is damaged, or it holds another network than LaMoD's.
    """
    from safetensors import SafetensorError, safe_open

    from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig

    file = run / _CHECKPOINT
    if not file.is_file():
        raise LaMoDInputError(run.name, "the run has no checkpoint yet", "wait for the end of its first epoch")
    try:
        with safe_open(str(file), framework="pt") as content:
            config = json.loads(content.metadata()["about"])["identity"]["config"]
            names = [name for name in content.keys() if name.startswith(_AVERAGED)]  # noqa: SIM118
            weights = {name.removeprefix(_AVERAGED): content.get_tensor(name) for name in names}
        network = LaMoDModel(ModelConfig.from_dict(config["model"]))
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as fault:
        raise LaMoDInputError(
            f"{run.name}/{_CHECKPOINT}",
            "it cannot be read, or another version of LaMoD wrote it",
            "resume the run with `lamod train --resume`, or start a new run",
        ) from fault
    try:
        network.load_state_dict(weights)
    except RuntimeError as fault:
        raise LaMoDInputError(
            run.name, "it trains another network than LaMoD's", "wait until it is finished, then choose its model"
        ) from fault
    return network.requires_grad_(False).eval()
