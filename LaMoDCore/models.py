"""A model is a folder of data: model.json, weights.safetensors, MODEL_CARD.md. No pickle, ever.

Models are looked up by name in the user's model folder ($LAMOD_MODELS or ~/.lamod/models) and among the shipped
ones, or by the path of their folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from LaMoDCore import __version__
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.model import LaMoDModel, ModelConfig
from LaMoDCore.networks.baselines import BaselineConfig, BaselineModel
from LaMoDCore.preprocessing import FRAMES, SIZE, SPACING_MM

FORMAT = "lamod-model/1"
#: "kind" in model.json of a network that LaMoD is compared with; a LaMoD has none.
BASELINE_KIND = "baseline"
DEFAULT_MODEL = "lamod-phantom-v1"
CANONICAL = {"frames": FRAMES, "size": SIZE, "spacing_mm": SPACING_MM}
#: Endings of files that run code when they are opened; a folder that holds one is refused.
PICKLED = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".npy")


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready for use.

    Attributes:
        name: as it calls itself.
        network: LaMoD or a baseline, in evaluation mode, on its device.
        weights_sha256: fingerprint of the weights file.
        description: all of model.json.
    """

    name: str
    network: LaMoDModel | BaselineModel
    weights_sha256: str
    description: Mapping[str, Any]


def shipped_folder() -> Path:
    """Where the weights that come with LaMoD lie: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).resolve().parent / "shipped_models"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[1] / "Resources" / "Models"


def user_folder() -> Path:
    """Where the user's own models lie."""
    return Path(os.environ.get("LAMOD_MODELS") or Path.home() / ".lamod" / "models")


def known_models() -> dict[str, Path]:
    """Name -> folder of every model that can be chosen by name; the user's own come before the shipped."""
    found: dict[str, Path] = {}
    for parent in (shipped_folder(), user_folder()):
        if parent.is_dir():
            found.update({p.parent.name: p.parent for p in sorted(parent.glob("*/model.json"))})
    return found


def find_model(name: str | Path) -> Path:
    """The folder of a model given by name or by path.

    Raises:
        LaMoDInputError: there is none.
    """
    known = known_models()
    if str(name) in known:
        return known[str(name)]
    folder = Path(name)
    if folder.is_dir():
        return folder
    listing = ", ".join(sorted(known)) or "none"
    raise LaMoDInputError(
        f"--model {name}", "there is no such model or folder", f"choose a known model ({listing}) or a model's folder"
    )


def load_model(name: str | Path = DEFAULT_MODEL, device: torch.device | str = "cpu") -> LoadedModel:
    """Load a model by name or folder, checked against its own description.

    Raises:
        LaMoDInputError: a file is missing, changed, pickled, of another format or of another shape.
    """
    folder = find_model(name)
    description = read_description(folder)
    pickled = [p.name for p in sorted(folder.iterdir()) if p.suffix.lower() in PICKLED]
    if pickled:
        raise LaMoDInputError(
            folder.name,
            f"it holds {pickled[0]}, which could run code when opened",
            "remove it; LaMoD reads safetensors only",
        )
    weights_file = folder / "weights.safetensors"
    if not weights_file.is_file():
        raise LaMoDInputError(folder.name, "weights.safetensors is missing", "copy the whole model folder again")
    data = weights_file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != description["weights_sha256"]:
        raise LaMoDInputError(
            f"{folder.name}/weights.safetensors",
            "the weights are not those that model.json describes",
            "copy the whole model folder again",
        )
    try:
        network = _network(description)
        tensors = load_tensors(data)
        network.load_state_dict(tensors)
    except (ValueError, TypeError) as fault:
        raise LaMoDInputError(
            f"{folder.name}/model.json", str(fault), "use a model made by this version of LaMoD"
        ) from fault
    except (RuntimeError, SafetensorError) as fault:
        raise LaMoDInputError(
            f"{folder.name}/weights.safetensors",
            "the weights do not fit the networks of model.json" + _other_version(network, description),
            "copy the whole model folder again, or use a model made by this version of LaMoD",
        ) from fault
    network.requires_grad_(False).eval().to(device)
    return LoadedModel(str(description["name"]), network, digest, description)


def lamod_network(loaded: LoadedModel) -> LaMoDModel:
    """The network of a model that is a LaMoD.

    Raises:
        LaMoDInputError: it is a baseline, which has no latent.
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
    """Whether a model's own count of parameters says that its networks were built otherwise than now."""
    stored, own = description.get("parameters"), sum(p.numel() for p in network.parameters())
    if stored in (None, own):
        return ""
    return f" as this version of LaMoD builds them ({own} parameters, the model has {stored}): it is of another version"


def read_description(folder: Path) -> dict[str, Any]:
    """model.json of a model folder.

    Raises:
        LaMoDInputError: it is missing, is no JSON, or describes another format or another canonical grid.
    """
    file = folder / "model.json"
    if not file.is_file():
        raise LaMoDInputError(folder.name or str(folder), "it holds no model.json", "choose a model's folder")
    label = f"{folder.name}/model.json"
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as fault:
        raise LaMoDInputError(label, "it is not readable JSON", "copy the whole model folder again") from fault
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise LaMoDInputError(label, f"it is not of the format {FORMAT}", "use a model made by this version of LaMoD")
    missing = [key for key in ("name", "config", "weights_sha256", "canonical") if key not in description]
    if missing:
        raise LaMoDInputError(label, f"it lacks {missing[0]!r}", "copy the whole model folder again")
    if description["canonical"] != CANONICAL:
        raise LaMoDInputError(
            label,
            f"the model is for pictures of {description['canonical']}, LaMoD makes {CANONICAL}",
            "choose another model",
        )
    return description


def save_model(
    network: LaMoDModel | BaselineModel,
    folder: Path,
    name: str,
    *,
    training: Mapping[str, Any] | None = None,
    uncertainty: Mapping[str, Any] | None = None,
    card: str = "",
) -> Path:
    """Write a model folder, whole or not at all; an older model of that folder is replaced.

    Args:
        network: what to save.
        folder: where; its parent is made.
        name: what the model calls itself.
        training: data, recipe, metrics, for model.json.
        uncertainty: calibration of its intervals (`uncertainty.calibration.Calibration.to_dict`), if it has one.
        card: text of MODEL_CARD.md.

    Returns:
        the folder.
    """
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    data = save_tensors(tensors)
    description = {
        "format": FORMAT,
        "name": name,
        "code_version": __version__,
        "canonical": CANONICAL,
        **({"kind": BASELINE_KIND} if isinstance(network, BaselineModel) else {}),
        "config": network.config.to_dict(),
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        "parameters": sum(p.numel() for p in network.parameters()),
        "training": dict(training or {}),
        **({"uncertainty": dict(uncertainty)} if uncertainty else {}),
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    try:
        fresh.mkdir()
        (fresh / "weights.safetensors").write_bytes(data)
        (fresh / "model.json").write_text(json.dumps(description, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        (fresh / "MODEL_CARD.md").write_text(card or f"# {name}\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder
