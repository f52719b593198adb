"""What a run's folder says to somebody who looks at it: a value object made of its files, and nothing else.

The run may be another process's, on this machine or one that shares the disk; it may be over, killed, or made by a
newer LaMoD. Nothing is written here, and nothing waits.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any
from LaMoDCore.training.run.folder import refuse_newer
from LaMoDCore.training.run.lock import is_locked

RunState = Literal["none", "running", "stopped", "finished", "failed", "killed", "unreadable"]
#: A running run says where it is about once a second, but not while it validates or prepares a stage.
_SILENT_SECONDS = 5.0
#: Less free space than this on the run's disk is worth a word: a checkpoint may not fit.
_LITTLE_SPACE_BYTES = 200 * 2**20
_CHECKPOINT, _MODEL = "checkpoint.safetensors", Path("model", "model.json")


@dataclass(frozen=True)
class RunReport:
    """How a run stands.

    Attributes:
        folder: its folder.
        state: "none" where there is no run, "killed" where it ended without a word, "unreadable" where this LaMoD
            must leave it alone; the others are the run's own words.
        sentence: the state for a person, with what to do where something is to be done.
        stage, epoch, epochs: where it is, or was last.
        fraction: of the whole.
        seconds_left: as the run itself guesses.
        pid, host: of its process.
        updated: when it last said so, seconds since 1970; 0 where there is no run.
        data: path of the dataset that it was started with, "" where it does not say.
        resumable: there is a checkpoint to go on from.
        has_model: its model is whole.
        remarks: further sentences: the dataset is gone, the disk is nearly full.
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
    """Look at a run's folder; whatever its files hold, an answer comes."""
    status = json_object_if_any(folder / "status.json")
    about = json_object_if_any(folder / "run.json")
    try:
        refuse_newer(folder)
    except LaMoDInputError as fault:
        return RunReport(folder, "unreadable", str(fault))
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
        resumable=(folder / _CHECKPOINT).is_file(),
        has_model=(folder / _MODEL).is_file(),
        remarks=tuple(_remarks(folder, state, about)),
    )


def _state(folder: Path, status: dict[str, Any]) -> tuple[RunState, str]:
    said, message = _text(status.get("state")), _text(status.get("message"))
    if said == "running" and not _lives(folder):
        kept = (folder / _CHECKPOINT).is_file()
        then = "its last checkpoint is kept: Resume goes on from it" if kept else "it had no checkpoint yet: start anew"
        return "killed", f"The training ended without a word (killed, or the machine went off); {then}."
    if said == "running":
        asked = " It was asked to stop, and does so after this step." if (folder / "stop").exists() else ""
        return "running", f"{message}.{asked}"
    if said == "stopped":
        return "stopped", f"{message.replace('--resume', 'Resume')}."
    if said == "finished":
        return "finished", "Finished: the model is in the run's folder model/."
    if said == "failed":
        return "failed", f"The training failed: {message.rstrip('.').replace('--resume', 'Resume')}."
    return "unreadable", f"{folder.name}/status.json says “{said}”, which this LaMoD does not know."


def _lives(folder: Path) -> bool:
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
            remarks.append("The dataset is gone from where it was; the run goes on with the data it had prepared.")
        else:
            remarks.append("The dataset is gone from where it was, and the run cannot go on without it.")
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = _LITTLE_SPACE_BYTES
    if free < _LITTLE_SPACE_BYTES and state != "finished":
        remarks.append(f"Only {free / 2**20:.0f} MB are free on the run's disk: free some space.")
    return remarks


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
