"""Load and save model folders: model.json, weights.safetensors and MODEL_CARD.md, never a pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from LaMoDCore import __version__
from LaMoDCore.baselines import BaselineConfig, BaselineModel
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.registry import (
    CANONICAL,
    FORMAT,
    find_model,
    known_models,
    read_description,
    shipped_folder,
    user_folder,
)
from LaMoDCore.models.run_folder import is_run_folder, model_of_run
from LaMoDCore.models.unfinished_run import averaged_network
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.runtime.bounded_reads import first_words, read_file
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import write_json
from LaMoDCore.runtime.output.new_folder import new_folder

__all__ = [
    "BASELINE_KIND",
    "LoadedModel",
    "find_model",
    "known_models",
    "lamod_network",
    "load_model",
    "packed_weights",
    "read_description",
    "save_model",
    "shipped_folder",
    "user_folder",
]

#: Contents of a model folder, for its marker.
CONTENTS = "a LaMoD model"
#: "kind" in the model.json of a baseline; a LaMoD model has no kind.
BASELINE_KIND = "baseline"
#: Largest weights.safetensors, bytes; those of the shipped models have 13 MB.
_LARGEST_WEIGHTS = 1 << 30
#: Suffixes of files that can run code when they are opened; a folder with such a file is refused.
PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".npy")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready for use.

    Attributes:
        name: name in its description.
        network: LaMoD or a baseline, in evaluation mode, on its device.
        weights_sha256: hash of the weights file.
        description: content of model.json.
    """

    name: str
    network: LaMoDModel | BaselineModel
    weights_sha256: str
    description: Mapping[str, Any]


def load_model(name: str | Path = DEFAULT_MODEL, device: torch.device | str = "cpu") -> LoadedModel:
    """Load a model by name or folder and check it against its description.

    For the folder of a training run this is the run's finished model, or the averaged weights of its last checkpoint.

    Raises:
        LaMoDInputError: a file is missing, was changed, is a pickle, or has another format or shape.
    """
    folder = find_model(name)
    if is_run_folder(folder):
        in_run = model_of_run(folder)
        if in_run is None:
            return _from_checkpoint(folder, device)
        folder = in_run
    description = read_description(folder)
    pickled = [p.name for p in sorted(folder.iterdir()) if p.suffix.lower() in PICKLED]
    if pickled:
        raise LaMoDInputError(
            folder.name,
            f"it contains {pickled[0]}, which could run code when opened",
            "remove it; LaMoD reads safetensors only",
        )
    weights_file = folder / "weights.safetensors"
    if not weights_file.is_file():
        raise LaMoDInputError(folder.name, "weights.safetensors is missing", "copy the whole model folder again")
    data = read_file(weights_file, _LARGEST_WEIGHTS)
    digest = hashlib.sha256(data).hexdigest()
    if digest != description["weights_sha256"]:
        raise LaMoDInputError(
            f"{folder.name}/weights.safetensors",
            "the weights are not the ones described in model.json",
            "copy the whole model folder again",
        )
    try:
        network = _network(description)
        tensors = load_tensors(data)
        network.load_state_dict(tensors)
    except (ValueError, TypeError, OverflowError) as error:
        raise LaMoDInputError(
            f"{folder.name}/model.json", first_words(error), "use a model made by this version of LaMoD"
        ) from error
    except (RuntimeError, SafetensorError) as error:
        raise LaMoDInputError(
            f"{folder.name}/weights.safetensors",
            "the weights do not match the networks in model.json" + _other_version(network, description),
            "copy the whole model folder again, or use a model made by this version of LaMoD",
        ) from error
    network.requires_grad_(False).eval().to(device)
    return LoadedModel(str(description["name"]), network, digest, description)


def _from_checkpoint(run: Path, device: torch.device | str) -> LoadedModel:
    """The model of an unfinished run of version 1."""
    network = averaged_network(run)
    _, digest = packed_weights(network)
    description = _description(run.name, network, digest, {"unfinished": True})
    return LoadedModel(run.name, network.to(device), digest, description)


def lamod_network(loaded: LoadedModel) -> LaMoDModel:
    """The network of a LaMoD model.

    Raises:
        LaMoDInputError: the model is a baseline.
    """
    if isinstance(loaded.network, LaMoDModel):
        return loaded.network
    raise LaMoDInputError(
        loaded.name, f"it is the baseline {loaded.network.config.network}, not a LaMoD", "choose a LaMoD model"
    )


def _network(description: Mapping[str, Any]) -> LaMoDModel | BaselineModel:
    if description.get("kind") == BASELINE_KIND:
        return BaselineModel(BaselineConfig.from_dict(description["config"]))
    return LaMoDModel(ModelConfig.from_dict(description["config"]))


def _other_version(network: torch.nn.Module, description: Mapping[str, Any]) -> str:
    """Explanation to append to an error if the number of parameters shows that another version created the model."""
    stored, own = description.get("parameters"), sum(p.numel() for p in network.parameters())
    if stored in (None, own):
        return ""
    return (
        f" as built by this version of LaMoD ({own} parameters, the model has {stored}): another version made the model"
    )


def packed_weights(network: torch.nn.Module) -> tuple[bytes, str]:
    """The bytes of a network's weights.safetensors, and their SHA-256."""
    data = save_tensors({key: _stored(value) for key, value in network.state_dict().items()})
    return data, hashlib.sha256(data).hexdigest()


def _stored(value: torch.Tensor) -> torch.Tensor:
    """The tensor to store: a matrix that is exact in half precision is stored so, without loss."""
    kept = value.detach().cpu().contiguous()
    if kept.ndim != 2 or kept.dtype != torch.float32:
        return kept
    halved = kept.half()
    return halved if torch.equal(halved.float(), kept) else kept


def save_model(
    network: LaMoDModel | BaselineModel,
    folder: Path,
    name: str,
    *,
    training: Mapping[str, Any] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
    card: str | Callable[[Mapping[str, Any]], str] = "",
    command: str = "save_model",
) -> Path:
    """Write a model folder atomically; an existing model there is replaced, unless files in it were changed or added.

    Args:
        network: the network to save.
        folder: the folder to write; its parents are created.
        name: name of the model.
        training: data, settings and metrics, for model.json.
        uncertainty: calibration of the intervals (`uncertainty.calibration.Calibration.to_dict`), if any.
        card: text of MODEL_CARD.md, or a function that returns it for the content of model.json.
        command: name of the command or program, for the folder's marker.

    Returns:
        the folder.

    Raises:
        LaMoDInputError: the folder holds files that are not an unchanged model, or it cannot be written.
    """
    data, digest = packed_weights(network)
    description = _description(name, network, digest, training or {})
    if uncertainty:
        description["uncertainty"] = dict(uncertainty)
    with new_folder(folder, CONTENTS, command) as fresh:
        (fresh / "weights.safetensors").write_bytes(data)
        write_json(fresh / "model.json", description, sort_keys=True, allow_nan=True)
        text = card(read_description(fresh)) if callable(card) else card or f"# {name}\n"
        (fresh / "MODEL_CARD.md").write_text(text, encoding="utf-8", newline="\n")
    return folder


def _description(
    name: str, network: LaMoDModel | BaselineModel, digest: str, training: Mapping[str, Any]
) -> dict[str, Any]:
    """model.json, apart from a calibration."""
    return {
        "format": FORMAT,
        "name": name,
        "code_version": __version__,
        "canonical": CANONICAL,
        **({"kind": BASELINE_KIND} if isinstance(network, BaselineModel) else {}),
        "config": network.config.to_dict(),
        "weights_sha256": digest,
        "parameters": sum(p.numel() for p in network.parameters()),
        "training": dict(training),
    }
