"""The last good state of a run: safetensors and JSON, replaced atomically, refused if it belongs to another run."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor

from LaMoDCore.models.run_folder import CHECKPOINT
from LaMoDCore.runtime.atomic import replaced_file, write_through
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import parse_json


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that determines the rest of a run, together with its settings and its data.

    Attributes:
        position: next stage, epoch and step, seconds spent, sums of the current epoch, length of the log.
        model, average, best: state dicts; `best` is empty if the stage has no validated epoch yet.
        optimiser: its state dict, None between stages.
        random: state of the stage's random numbers, see `LoopStage.random_state`.
    """

    position: Mapping[str, Any]
    model: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    optimiser: Mapping[str, Any] | None
    random: Mapping[str, Tensor] = field(default_factory=dict)


def save_checkpoint(folder: Path, identity: Mapping[str, Any], state: Checkpoint) -> None:
    """Replace the checkpoint atomically; after any failure the old one is still there.

    Args:
        folder: the run folder.
        identity: what a run must share with its checkpoint: settings, fingerprint of the data and origin of the
            weights, as JSON.
        state: what to store.

    Raises:
        LaMoDInputError: the disk is full or the folder cannot be written to.
    """
    tensors = {f"model.{key}": value for key, value in state.model.items()}
    tensors |= {f"average.{key}": value for key, value in state.average.items()}
    tensors |= {f"best.{key}": value for key, value in state.best.items()}
    tensors |= {f"random.{key}": value for key, value in state.random.items()}
    groups: list[Any] = []
    if state.optimiser is not None:
        groups = state.optimiser["param_groups"]
        for number, values in state.optimiser["state"].items():
            tensors |= {f"optimiser.{number}.{key}": torch.as_tensor(value) for key, value in values.items()}
    about = {"position": dict(state.position), "identity": dict(identity), "groups": groups}
    data = save_tensors(
        {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()},
        {"about": json.dumps(about)},
    )
    try:
        with replaced_file(folder / CHECKPOINT) as fresh:
            write_through(fresh, data)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
        raise LaMoDInputError(
            folder.name,
            "the disk is full; the checkpoint before this one is kept"
            if full
            else f"the checkpoint cannot be written ({error.strerror or error})",
            "free some space, then resume the run" if full else "make the folder writable, then resume the run",
        ) from error


def refuse_other_checkpoint(folder: Path, identity: Mapping[str, Any]) -> None:
    """Check before a run writes anything that its folder's checkpoint, if there is one, belongs to it.

    Raises:
        LaMoDInputError: it is damaged, or belongs to a run with other settings, data or initial weights.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        return
    with _reading(folder), safe_open(str(file), framework="pt") as content:
        kept = parse_json(content.metadata()["about"])["identity"]
    _refuse_another_run(f"{folder.name}/{CHECKPOINT}", kept, json.loads(json.dumps(identity)))


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    try:
        yield
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise LaMoDInputError(
            f"{folder.name}/{CHECKPOINT}",
            "it cannot be read, or another version of LaMoD wrote it",
            "start a new run in another folder",
        ) from error


def load_checkpoint(folder: Path, identity: Mapping[str, Any]) -> Checkpoint | None:
    """The checkpoint of a run folder, None if there is none yet.

    Raises:
        LaMoDInputError: it is damaged, or belongs to a run with other settings, data or initial weights.
    """
    file = folder / CHECKPOINT
    if not file.is_file():
        return None
    with _reading(folder):
        with safe_open(str(file), framework="pt") as content:
            about = parse_json(content.metadata()["about"])
            # Copies, since the tensors map the file, which the next checkpoint replaces; Windows refuses that.
            tensors = {key: content.get_tensor(key).clone() for key in content.keys()}  # noqa: SIM118
        position, groups = about["position"], about["groups"]
        kept = about["identity"]
    _refuse_another_run(f"{folder.name}/{CHECKPOINT}", kept, json.loads(json.dumps(identity)))
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "best": {}, "optimiser": {}, "random": {}}
    for key, value in tensors.items():
        part, rest = key.split(".", 1)
        parts[part][rest] = value
    optimiser = None
    if groups:
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in parts["optimiser"].items():
            number, name = key.split(".", 1)
            state.setdefault(int(number), {})[name] = value
        optimiser = {"state": state, "param_groups": groups}
    return Checkpoint(position, parts["model"], parts["average"], parts["best"], optimiser, parts["random"])


def _refuse_another_run(source: str, kept: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if kept.get("data") != wanted.get("data"):
        raise LaMoDInputError(source, "it belongs to a run on other data", "give the same dataset, or start a new run")
    if kept.get("start") != wanted.get("start"):
        raise LaMoDInputError(source, "its run started from another model", "give the same model, or start a new run")
    before, now = _flat(kept.get("config", {})), _flat(wanted.get("config", {}))
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    if changed:
        first = changed[0]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise LaMoDInputError(
            source,
            f"it belongs to a run with other settings ({first} was {before.get(first)}, is {now.get(first)}{more})",
            "resume with the settings of that run, or start a new run",
        )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat
