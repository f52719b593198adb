"""Read the averaged weights from the checkpoint of an unfinished run; version 1 wrote no current model."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from LaMoDCore.models.run_folder import CHECKPOINT
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import parse_json

#: Prefix of the averaged weights among the tensors of a checkpoint.
_AVERAGED = "average."


def averaged_network(run: Path) -> LaMoDModel:
    """The averaged weights of a run's checkpoint, in evaluation mode.

    Raises:
        LaMoDInputError: there is no checkpoint, it is damaged, or it belongs to a network other than LaMoD's.
    """
    file = run / CHECKPOINT
    if not file.is_file():
        raise LaMoDInputError(run.name, "the run has no checkpoint yet", "wait for the end of its first epoch")
    try:
        with safe_open(str(file), framework="pt") as content:
            config = parse_json(content.metadata()["about"])["identity"]["config"]
            names = [name for name in content.keys() if name.startswith(_AVERAGED)]  # noqa: SIM118
            weights = {name.removeprefix(_AVERAGED): content.get_tensor(name) for name in names}
        network = LaMoDModel(ModelConfig.from_dict(config["model"]))
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise LaMoDInputError(
            f"{run.name}/{CHECKPOINT}",
            "it cannot be read, or another version of LaMoD wrote it",
            "resume the run with `lamod train --resume`, or start a new run",
        ) from error
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise LaMoDInputError(
            run.name, "it trains a network other than LaMoD's", "wait until it is finished, then choose its model"
        ) from error
    return network.requires_grad_(False).eval()
