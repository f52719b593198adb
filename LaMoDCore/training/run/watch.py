"""The state of a training run, read from its folder.

The run may belong to another process, on this computer or one that shares the disk; it may be finished, killed, or
written by a newer LaMoD. Reading never writes to the folder and never blocks.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from LaMoDCore.models.run_folder import CHECKPOINT, FINISHED
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any
from LaMoDCore.training.run.folder import refuse_newer
from LaMoDCore.training.run.lock import is_locked

RunState = Literal["none", "running", "stopped", "finished", "failed", "killed", "unreadable"]
#: A running run updates its status about once a second, but not while it validates or prepares a stage.
_SILENT_SECONDS = 5.0
#: With less free space than this on the run's disk, a checkpoint may not fit.
_LITTLE_SPACE_BYTES = 200 * 2**20


@dataclass(frozen=True)
class RunReport:
    """State of a run.

    Attributes:
        folder: folder of the run.
        state: "none" without a run, "killed" if its process ended unexpectedly, "unreadable" if this version must not
            touch it; the others as in status.json.
        sentence: the state in words, with what to do if something needs to be done.
        stage, epoch, epochs: current or last position.
        fraction: share of the whole that is done.
        seconds_left: the run's own estimate.
        pid, host: process id and host name of its process.
        updated: time of the last status, seconds since 1970; 0 without a run.
        data: path of the dataset that it was started with, "" if unknown.
        resumable: whether there is a checkpoint.
        has_model: whether the finished model exists.
        remarks: further sentences: the dataset is missing, the disk is nearly full.
    """

    folder: Path
    state: RunState
    sentence: str
    stage: str = ""
    epoch: int = 0
    epochs: int = 0
    fraction: float = 0.0
    seconds_left: float | None = None
    pid: int = 0
    host: str = ""
    updated: float = 0.0
    data: str = ""
    resumable: bool = False
    has_model: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def read_run(folder: Path) -> RunReport:
    """Read the state of a run folder, whatever its files contain."""
    status = json_object_if_any(folder / "status.json")
    about = json_object_if_any(folder / "run.json")
    try:
        refuse_newer(folder)
    except LaMoDInputError as error:
        return RunReport(folder, "unreadable", str(error))
    if not status:
        return RunReport(folder, "none", "There is no run in this folder yet.", data=_text(about.get("data")))
    state, sentence = _state(folder, status)
    return RunReport(
        folder=folder,
        state=state,
        sentence=sentence,
        stage=_text(status.get("stage")),
        epoch=int(_number(status.get("epoch"))),
        epochs=int(_number(status.get("epochs"))),
        fraction=1.0 if state == "finished" else min(max(_number(status.get("fraction")), 0.0), 1.0),
        seconds_left=_number(status["seconds_left"]) if status.get("seconds_left") is not None else None,
        pid=int(_number(status.get("pid"))),
        host=_text(status.get("host")),
        updated=_modified(folder / "status.json"),
        data=_text(about.get("data")),
        resumable=(folder / CHECKPOINT).is_file(),
        has_model=(folder / FINISHED / "model.json").is_file(),
        remarks=tuple(_remarks(folder, state, about)),
    )


def _state(folder: Path, status: dict[str, Any]) -> tuple[RunState, str]:
    """The state and its description; only fields of the status are interpreted, never its message."""
    state = _text(status.get("state"))
    if state == "running" and not _is_alive(folder):
        return "killed", f"The training stopped unexpectedly (killed, or the computer shut down). {_resumption(folder)}"
    if state == "running":
        asked = " It was asked to stop and will do so after this step." if (folder / "stop").exists() else ""
        return "running", f"{_text(status.get('message'))}.{asked}"
    if state == "stopped":
        stage, epoch = _text(status.get("stage")), int(_number(status.get("epoch")))
        where = f" in stage {stage}, epoch {epoch}" if stage else ""
        return "stopped", f"Stopped{where}. {_resumption(folder)}"
    if state == "finished":
        return "finished", f"Finished: the model is in {_text(status.get('model')) or FINISHED}."
    if state == "failed":
        return "failed", f"The training failed: {_failure(status)}. {_resumption(folder)}"
    return "unreadable", f"{folder.name}/status.json has the state “{state}”, which this version of LaMoD cannot read."


def _failure(status: dict[str, Any]) -> str:
    """The reason of a failure and its remedy; version 1 recorded only a message."""
    failure = status.get("failure")
    if isinstance(failure, dict):
        parts = [_text(failure.get("reason")), _text(failure.get("remedy"))]
        return f"{_text(failure.get('source'))}: {'; '.join(part for part in parts if part)}"
    return _text(status.get("message")).rstrip(".")


def _resumption(folder: Path) -> str:
    if (folder / CHECKPOINT).is_file():
        return "Resume continues from the last checkpoint."
    return "There is no checkpoint yet: start again."


def _is_alive(folder: Path) -> bool:
    """Whether a process trains: its status is fresh, or it holds the lock."""
    return time.time() - _modified(folder / "status.json") < _SILENT_SECONDS or is_locked(folder)


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _remarks(folder: Path, state: RunState, about: dict[str, Any]) -> list[str]:
    remarks = []
    data = _text(about.get("data"))
    if data and state != "finished" and not (Path(data) / "dataset.json").is_file():
        if (folder / "cache" / "index.json").is_file():
            remarks.append("The dataset was moved or deleted; the run uses the data it has prepared.")
        else:
            remarks.append("The dataset was moved or deleted, and the run cannot continue without it.")
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = _LITTLE_SPACE_BYTES
    if free < _LITTLE_SPACE_BYTES and state != "finished":
        remarks.append(f"Only {free / 2**20:.0f} MB are free on the disk of the run: free some space.")
    return remarks


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
