"""The last good state of a run: safetensors and JSON, replaced atomically, refused where it belongs to another run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.model import LaMoDModel
from LaMoDCore.training.settings import TrainingConfig

_FILE = "checkpoint.safetensors"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """State at the end of an epoch.

    Attributes:
        position: stage and epoch to go on with, seconds spent.
        model, average: state dicts.
        optimiser: its state dict, None where a stage has just ended.
    """

    position: dict[str, Any]
    model: dict[str, Tensor]
    average: dict[str, Tensor]
    optimiser: dict[str, Any] | None


def save_checkpoint(
    folder: Path,
    config: TrainingConfig,
    data_fingerprint: str,
    position: Mapping[str, Any],
    model: LaMoDModel,
    average: LaMoDModel,
    optimiser: torch.optim.Optimizer | None,
) -> None:
    """Write the checkpoint beside the old one and put it in its place; a full disk leaves the old one."""
    tensors = {f"model.{key}": value for key, value in model.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.state_dict().items()}
    groups: list[Any] = []
    if optimiser is not None:
        state = optimiser.state_dict()
        groups = state["param_groups"]
        for number, values in state["state"].items():
            tensors |= {f"optimiser.{number}.{key}": torch.as_tensor(value) for key, value in values.items()}
    about = {
        "position": dict(position),
        "config": config.to_dict(),
        "data_fingerprint": data_fingerprint,
        "groups": groups,
    }
    data = save_tensors(
        {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()},
        {"about": json.dumps(about)},
    )
    fresh = folder / f".{_FILE}.tmp-{os.getpid()}"
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / _FILE)
    finally:
        fresh.unlink(missing_ok=True)


def load_checkpoint(folder: Path, config: TrainingConfig, data_fingerprint: str) -> Checkpoint | None:
    """The checkpoint of a run folder, None where there is none yet.

    Raises:
        LaMoDInputError: it is broken, or of a run with other settings or other data.
    """
    file = folder / _FILE
    if not file.is_file():
        return None
    try:
        with safe_open(str(file), framework="pt") as content:
            about = json.loads(content.metadata()["about"])
            tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as fault:
        raise LaMoDInputError(
            file.name, "the checkpoint cannot be read", "start the run anew, without --resume"
        ) from fault
    if about["config"] != json.loads(json.dumps(config.to_dict())):
        raise LaMoDInputError(
            file.name,
            "it belongs to a run with other settings",
            "resume with that run's config.json, or start a new run",
        )
    if about["data_fingerprint"] != data_fingerprint:
        raise LaMoDInputError(
            file.name, "it belongs to a run on other data", "give the same --data, or start a new run"
        )
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimiser": {}}
    for key, value in tensors.items():
        part, rest = key.split(".", 1)
        parts[part][rest] = value
    optimiser = None
    if about["groups"]:
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in parts["optimiser"].items():
            number, name = key.split(".", 1)
            state.setdefault(int(number), {})[name] = value
        optimiser = {"state": state, "param_groups": about["groups"]}
    return Checkpoint(about["position"], parts["model"], parts["average"], optimiser)
