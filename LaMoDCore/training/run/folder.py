"""The folder of a training run, through which users and other programs monitor, stop and resume the run.

run.json                inputs: data and its fingerprint, versions, device, processes
config.json             settings, as `--config` reads them
status.json             state (running, stopped, finished or failed), pid, times, position, message, and for a failure
                        its source, reason and remedy; replaced atomically
log.jsonl               {"kind": "step"} and {"kind": "epoch"} lines, flushed one by one
checkpoint.safetensors  the last good state
current-model/          the model of the last checkpoint, until the run is finished
tensorboard/            the same curves, if TensorBoard is installed
metrics.json            the best validation of every stage, at the end
model/                  the finished model
stop                    a program that writes this file asks the run to write a checkpoint and stop
"""

from __future__ import annotations

import json
import os
import platform
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
from LaMoDCore.models.run_folder import CHECKPOINT
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any, read_json, write_json
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.run.lock import RunLock
from LaMoDCore.training.run.stopping import StopRequest, TrainingStopped

FORMAT = 3
State = Literal["running", "stopped", "finished", "failed"]
#: A running run writes its status this often.
_STATUS_SECONDS = 1.0
#: Contents of a run's folder, for its marker.
CONTENTS = "a training run"
#: Files that a run writes again and again; the marker lists their contents once the run has ended.
_REWRITTEN = ("status.json", "log.jsonl", CHECKPOINT)
_PACKAGES = ("torch", "numpy", "scipy", "safetensors", "lightning-fabric")


class RunFolder:
    """Reads and writes the files of a run; only the first of several processes writes.

    Args:
        folder: folder of the run.
        writes: whether this process writes.
    """

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self.folder = folder
        self.writes = writes
        self._output = GrowingFolder(folder, CONTENTS, "train")
        self._status: dict[str, Any] = {}
        self._written = 0.0
        self._board: Any = None

    @property
    def stop_file(self) -> Path:
        return self.folder / "stop"

    def stop_requested(self) -> bool:
        """Whether the stop file exists."""
        return self.writes and self.stop_file.exists()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Lock the folder while a run's data are prepared; `opened` follows in the same process.

        Raises:
            LaMoDInputError: see `opened`.
        """
        with self._held("preparing the data", fresh=True):
            yield

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the folder for this run; its status records a failure of the block.

        Raises:
            LaMoDInputError: another process trains in the folder, or a newer LaMoD wrote it.
        """
        with self._held("preparing", fresh=not self._prepared_here()):
            yield

    @contextmanager
    def _held(self, message: str, *, fresh: bool) -> Iterator[None]:
        """Lock the folder.

        Args:
            message: message of the first status.
            fresh: ignore an earlier request to stop.
        """
        refuse_newer(self.folder)
        if not self.writes:
            yield
            return
        self._output.open()
        with RunLock(self.folder):
            with reported_disk_faults(self.folder.name):
                self._output.claim(*_REWRITTEN)
            if fresh:
                self.stop_file.unlink(missing_ok=True)
            started = datetime.now(timezone.utc).isoformat(timespec="seconds")
            self._status = {"format": FORMAT, "pid": os.getpid(), "host": socket.gethostname(), "started": started}
            self.status("running", message)
            try:
                yield
            except KeyboardInterrupt:
                if self._status["state"] == "running":
                    self.status("stopped", "interrupted")
                raise
            except BaseException as error:
                if self._status["state"] == "running":
                    self.status("failed", str(error) or type(error).__name__, failure=_failure(error))
                raise
            finally:
                if self._board is not None:
                    self._board.close()
                with suppress(OSError, LaMoDInputError):  # the marker of a full disk stays as it is
                    self._output.record(*_REWRITTEN)

    def _prepared_here(self) -> bool:
        """Whether this process has prepared the run, so that a request to stop since then still counts."""
        try:
            status = json_object_if_any(self.folder / "status.json")
            return bool(status["pid"] == os.getpid() and status["state"] == "running")
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def status(self, state: State, message: str, **where: Any) -> None:
        """Write status.json; a full disk does not stop the run, and does not leave the state of a running run."""
        self._status |= {"state": state, "message": message, **where}
        self._status["updated"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._written = time.monotonic()
        if not self.writes:
            return
        try:
            self.write("status.json", self._status)
        except OSError:
            if state != "running":
                with suppress(OSError):
                    _overwrite(self.folder / "status.json", self._status)

    def running(self, message: str, **where: Any) -> None:
        """`status` of a running run, written at most once per second."""
        if time.monotonic() - self._written >= _STATUS_SECONDS:
            self.status("running", message, **where)

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file of the folder atomically."""
        if not self.writes:
            return
        if name in _REWRITTEN:
            write_json(self.folder / name, content, allow_nan=True)
        else:
            self._output.write_json(name, content, allow_nan=True)

    def log(self, line: Mapping[str, Any]) -> None:
        """Append a line to log.jsonl (and to TensorBoard, if that is installed)."""
        if not self.writes:
            return
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._draw(line)

    def log_length(self) -> int:
        """Size of log.jsonl in bytes, for the checkpoint."""
        file = self.folder / "log.jsonl"
        return file.stat().st_size if file.is_file() else 0

    def cut_log(self, length: int) -> None:
        """Delete the lines that were written after the checkpoint from which the run is resumed."""
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
    """Reports the preparation of a run's data, also in status.json, and stops it on request.

    Args:
        progress: progress that is also updated.
        folder: folder of the run.
        stop: checked at every update; by default the preparation runs to its end.
    """

    def __init__(self, progress: Progress, folder: RunFolder, stop: StopRequest | None = None) -> None:
        super().__init__("none")
        self._progress, self._folder, self._stop = progress, folder, stop

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        """Report the progress.

        Raises:
            TrainingStopped: a stop was requested.
        """
        self._progress.update(stage, fraction, message)
        self._folder.running(f"preparing the data, {message}")
        if self._stop is not None and (self._stop or self._folder.stop_requested()):
            reason = f"stopped while preparing the data ({stage})"
            self._folder.status("stopped", reason)
            raise TrainingStopped(reason)


def unrecorded() -> RunFolder:
    """Create a run that writes no files."""
    return RunFolder(Path(os.devnull), writes=False)


@contextmanager
def reported_disk_faults(run: str) -> Iterator[None]:
    """Turn an OSError of this block into an error about the run folder.

    Args:
        run: name of the run folder, for the message.

    Raises:
        LaMoDInputError: the folder cannot be written to.
    """
    try:
        yield
    except OSError as error:
        raise LaMoDInputError(
            run,
            f"the run's folder cannot be written to ({error.strerror or error}); the last checkpoint is kept",
            "fix that, then resume the run",
        ) from error


def refuse_newer(folder: Path) -> None:
    """Refuse a run folder that a newer version of LaMoD wrote.

    Raises:
        LaMoDInputError: it was written by a newer version, or run.json cannot be read.
    """
    file = folder / "run.json"
    if not file.is_file():
        return
    try:
        about = read_json(file, "start a new run in another folder")
        newer = int(about.get("format", 0)) > FORMAT
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise LaMoDInputError(
            f"{folder.name}/run.json", "it cannot be read", "start a new run in another folder"
        ) from error
    if newer:
        maker = about.get("versions", {}).get("LaMoD", "of a later version")
        raise LaMoDInputError(
            folder.name,
            f"the run was written by LaMoD {maker}, but this is LaMoD {__version__}",
            "resume it with that version, or start a new run in another folder",
        )


def claim_run_folder(folder: Path, settings: Mapping[str, Any] | None = None) -> None:
    """Create the folder of a run with its marker before the run begins, or check that an existing one is a run's.

    Args:
        folder: the folder.
        settings: written to its config.json, if given.

    Raises:
        LaMoDInputError: it holds files and is not the folder of a run, its config.json was changed, or it cannot be
            written.
    """
    output = GrowingFolder(folder, CONTENTS, "train")
    output.open()
    if settings is not None:
        with reported_disk_faults(folder.name):
            output.write_json("config.json", settings)


def _overwrite(file: Path, content: Mapping[str, Any]) -> None:
    """Write the main keys of a status into the bytes of an existing file, which needs no space on the disk."""
    size = file.stat().st_size
    kept = {key: content[key] for key in ("format", "pid", "host", "started", "state") if key in content}
    room = size - len(json.dumps({**kept, "message": ""}))
    message = json.dumps(str(content["message"]))[1:-1][: max(room, 0)].rsplit("\\", 1)[0]  # no cut escape sequence
    data = json.dumps({**kept, "message": ""})[:-2] + message + '"}'
    if len(data) <= size:
        with file.open("r+b") as stream:
            stream.write(data.encode("ascii").ljust(size))


def _failure(fault: BaseException) -> dict[str, str]:
    """The parts of an error, for programs that render it themselves."""
    if isinstance(fault, LaMoDInputError):
        return {"source": fault.source, "reason": fault.reason, "remedy": fault.remedy}
    return {"source": type(fault).__name__, "reason": str(fault), "remedy": ""}


def software_versions() -> dict[str, str]:
    """Versions of LaMoD, Python and the packages that affect the result, for run.json."""
    versions = {"LaMoD": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
