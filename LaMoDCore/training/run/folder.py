"""A run's folder: what another program (or a person) can follow, stop and go on with a run by.

run.json                what it was made from: data and its fingerprint, versions, device, processes
config.json             the settings, as `--config` reads them
status.json             running, stopped, finished or failed; pid, times, where it is, a message; replaced atomically
log.jsonl               {"kind": "step"} and {"kind": "epoch"} lines, flushed one by one
checkpoint.safetensors  the last good state
tensorboard/            the same curves, where TensorBoard is installed
metrics.json            the best validation of every stage, at the end
model/                  the model, at the end
stop                    whoever writes this file asks the run to write a checkpoint and stop
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from LaMoDCore import __version__
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.run.lock import RunLock

FORMAT = 3
State = Literal["running", "stopped", "finished", "failed"]
#: While a run goes on, its status is written this often.
_STATUS_SECONDS = 1.0
#: A folder that nobody has written to for so long belongs to a process that is gone.
_FORGOTTEN_SECONDS = 3600.0
_PACKAGES = ("torch", "numpy", "scipy", "safetensors", "lightning-fabric")


class RunFolder:
    """Reads and writes the files of a run; only the first of several processes writes.

    Args:
        folder: where.
        writes: whether this process does.
    """

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self.folder = folder
        self.writes = writes
        self._status: dict[str, Any] = {}
        self._written = 0.0
        self._board: Any = None

    @property
    def stop_file(self) -> Path:
        return self.folder / "stop"

    def stop_requested(self) -> bool:
        """Whether somebody has written the stop file."""
        return self.writes and self.stop_file.exists()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Hold the folder while a run's data are made ready; `opened` follows in the same process.

        Raises:
            LaMoDInputError: as `opened`.
        """
        with self._held("preparing the data", fresh=True):
            yield

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the folder for this run; the status says at the end how it ended.

        Raises:
            LaMoDInputError: another process trains in it, or a newer LaMoD made it.
        """
        with self._held("preparing", fresh=not self._prepared_here()):
            yield

    @contextmanager
    def _held(self, message: str, *, fresh: bool) -> Iterator[None]:
        """Args: message: the first one. fresh: forget an earlier wish to stop."""
        refuse_newer(self.folder)
        if not self.writes:
            yield
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise LaMoDInputError(
                self.folder.name, f"the folder cannot be made ({fault.strerror})", "name another folder"
            ) from fault
        with RunLock(self.folder):
            if fresh:
                self.stop_file.unlink(missing_ok=True)
                self._remove_leftovers()
            started = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._status = {"format": FORMAT, "pid": os.getpid(), "host": socket.gethostname(), "started": started}
            self.status("running", message)
            try:
                yield
            except BaseException as fault:
                if self._status["state"] == "running":
                    self.status("failed", str(fault) or type(fault).__name__)
                raise
            finally:
                if self._board is not None:
                    self._board.close()

    def _remove_leftovers(self) -> None:
        """What a process that was killed in the middle of writing left beside the files, which are whole."""
        for left in self.folder.glob(".*.tmp-*"):
            if left.is_file():
                left.unlink(missing_ok=True)
            elif time.time() - left.stat().st_mtime > _FORGOTTEN_SECONDS:  # an estimate may be making its cache
                shutil.rmtree(left, ignore_errors=True)

    def _prepared_here(self) -> bool:
        """Whether this process holds the run since its `preparing`: a wish to stop since then still counts."""
        try:
            status = json.loads((self.folder / "status.json").read_text(encoding="utf-8"))
            return bool(status["pid"] == os.getpid() and status["state"] == "running")
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def status(self, state: State, message: str, **where: Any) -> None:
        """Say in status.json what the run does; a full disk is no reason to stop."""
        self._status |= {"state": state, "message": message, **where}
        self._status["updated"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._written = time.monotonic()
        if self.writes:
            with suppress(OSError):
                self.write("status.json", self._status)

    def running(self, message: str, **where: Any) -> None:
        """`status`, but no more often than once a second."""
        if time.monotonic() - self._written >= _STATUS_SECONDS:
            self.status("running", message, **where)

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """A JSON file of the folder, replaced in one step."""
        if not self.writes:
            return
        fresh = self.folder / f".{name}.tmp-{secrets.token_hex(4)}"
        try:
            fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            fresh.replace(self.folder / name)
        finally:
            fresh.unlink(missing_ok=True)

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line to log.jsonl (and its curves to TensorBoard, where that is installed)."""
        if not self.writes:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._draw(line)

    def log_length(self) -> int:
        """Bytes of log.jsonl, for the checkpoint."""
        file = self.folder / "log.jsonl"
        return file.stat().st_size if file.is_file() else 0

    def cut_log(self, length: int) -> None:
        """Forget the lines that were written after the checkpoint from which the run goes on."""
        file = self.folder / "log.jsonl"
        if self.writes and file.is_file() and file.stat().st_size > length:
            with file.open("r+b") as stream:
                stream.truncate(length)

    def _draw(self, line: Mapping[str, Any]) -> None:
        if find_spec("tensorboard") is None:
            return
        if self._board is None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self.folder / "tensorboard"), purge_step=line["global_step"])
        for group in ("train", "val"):
            for name, value in line.get(group, {}).items():
                self._board.add_scalar(
                    f"{line['stage']}/{group}_{line['kind']}/{name}", value, global_step=line["global_step"]
                )


class PreparationProgress(Progress):
    """Tells somebody else's progress, and in status.json, how far a run's data are made ready."""

    def __init__(self, progress: Progress, folder: RunFolder) -> None:
        super().__init__("none")
        self._progress, self._folder = progress, folder

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        self._progress.update(stage, fraction, message)
        self._folder.running(f"preparing the data, {message}")


def refuse_newer(folder: Path) -> None:
    """Raises LaMoDInputError where a run folder was made by a LaMoD that is newer than this one."""
    file = folder / "run.json"
    if not file.is_file():
        return
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        newer = int(about.get("format", 0)) > FORMAT
    except (ValueError, TypeError, AttributeError, OSError) as fault:
        raise LaMoDInputError(
            f"{folder.name}/run.json", "it is not readable", "start a new run in another folder"
        ) from fault
    if newer:
        maker = about.get("versions", {}).get("LaMoD", "of a later date")
        raise LaMoDInputError(
            folder.name,
            f"the run was made by LaMoD {maker}, this is {__version__}",
            "go on with it in that version, or start a new run in another folder",
        )


def software_versions() -> dict[str, str]:
    """What computes, for run.json."""
    versions = {"LaMoD": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
