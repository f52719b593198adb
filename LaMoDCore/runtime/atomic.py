"""Atomic writes of files and folders, which are written in a hidden folder next to the target and then renamed.

``.NAME.tmp-PID-RANDOM/``  hidden folder next to the target NAME
    ``.lamod.json``        the process that writes, and the name of the target
    ``new``                the folder that is being written; for a file, its own name
    ``old``                the folder that is being replaced, between the two renames

A process that is killed leaves the hidden folder. The next one that writes next to it puts ``old`` back if the target
is missing, and deletes the rest, if the folder has LaMoD's marker and the process that wrote it has ended.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from LaMoDCore.runtime.processes import ProcessIdentity, is_running, start_time, this_process
from LaMoDCore.runtime.signals import uninterrupted

#: Name of the marker in every folder that LaMoD writes.
MARKER = ".lamod.json"
_NEW, _OLD = "new", "old"
_PATTERN = re.compile(r"\..*\.tmp-(\d+)-[0-9a-f]{8}")
_LONGEST_PREFIX = 40
_MARKER_BYTES = 1 << 16
#: A process writes its marker at once; a hidden folder without one is judged by its process number after this time.
_MARKER_SECONDS = 2.0
#: On Windows, renaming fails while another program, such as a virus scanner, has the file open for a moment.
_TRIES, _PAUSE_SECONDS = 6, 0.05
#: Hidden folders of this process.
_open: set[Path] = set()


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name for a new file; it replaces `path` when the block ends without an exception.

    After an exception, including Ctrl-C, `path` is unchanged. Its parent folder must exist. In a folder that is itself
    written with `replaced_folder`, a new file gets its name at once, since the whole folder is deleted after an
    exception.

    Raises:
        OSError: the file cannot be written or renamed.
    """
    if not _open.isdisjoint(path.parents) and not os.path.lexists(path):
        try:
            yield path
        except BaseException:
            with suppress(OSError):  # it was never created
                path.unlink()
            raise
        return
    with _hidden_folder(path) as hidden:
        temporary = hidden / path.name
        yield temporary
        replace(temporary, path)


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; it replaces `path` when the block ends without an exception.

    After an exception, including Ctrl-C, `path` is unchanged. Its parents are created. Everything that `path` contained
    is deleted; call `output.new_folder.new_folder`, which refuses to delete what LaMoD did not write.

    Raises:
        OSError: the folder cannot be written or renamed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _hidden_folder(path) as hidden:
        temporary = hidden / _NEW
        temporary.mkdir()
        yield temporary
        with uninterrupted():
            _exchange(temporary, path, hidden / _OLD)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty hidden folder next to `path`, for files that are moved or copied there; it is deleted at the end.

    The parent of `path` must exist.

    Raises:
        OSError: the folder cannot be written.
    """
    with _hidden_folder(path) as hidden:
        temporary = hidden / _NEW
        temporary.mkdir()
        yield temporary


@contextmanager
def created_parents(path: Path) -> Iterator[None]:
    """Create the parents of `path`; after an exception, those that were created are removed, unless others use them."""
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            with suppress(OSError):  # it was never created, or another process has written into it
                parent.rmdir()
        raise


def remove_folder(path: Path) -> None:
    """Delete a folder in one step: after an interruption it is either complete or gone.

    Raises:
        OSError: it cannot be renamed.
    """
    with _hidden_folder(path) as hidden:
        replace(path, hidden / _NEW)


def write_through(file: Path, data: bytes) -> None:
    """Write bytes and wait until they are on the disk (fsync).

    Raises:
        OSError: the file cannot be written.
    """
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step: UTF-8, line feeds as they are in `text`.

    Raises:
        OSError: the file cannot be written.
    """
    with replaced_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def replace(source: Path, target: Path) -> None:
    """Rename a file or folder, on Windows again after a moment if another program has it open.

    Raises:
        OSError: it cannot be renamed.
    """
    for _ in range(_TRIES - 1 if os.name == "nt" else 0):
        with suppress(PermissionError):
            os.replace(source, target)
            return
        time.sleep(_PAUSE_SECONDS)
    os.replace(source, target)


def hidden_folders(folder: Path) -> list[Path]:
    """Hidden folders of writers in `folder`, whether they still run or not."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name.startswith(".") and _PATTERN.fullmatch(name)]


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left in `folder`, and put back a folder that one of them was replacing.

    Only hidden folders with LaMoD's marker are touched, and only if the process that wrote them has ended.
    """
    for hidden in hidden_folders(folder):
        with suppress(OSError):
            found = _writer(hidden)
            if found is None:
                if _is_empty(hidden) and not _may_be_running(hidden):
                    shutil.rmtree(hidden, ignore_errors=True)
                continue
            process, name = found
            if is_running(process):
                continue
            old, target = hidden / _OLD, folder / name
            if old.exists() and not os.path.lexists(target):
                os.replace(old, target)
            shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def _hidden_folder(path: Path) -> Iterator[Path]:
    hidden = path.with_name(f".{path.name[:_LONGEST_PREFIX]}.tmp-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with uninterrupted():
            hidden.mkdir()
            _mark(hidden, path.name)
            _open.add(hidden)
        yield hidden
    finally:
        with uninterrupted():
            _open.discard(hidden)
            shutil.rmtree(hidden, ignore_errors=True)


def _mark(hidden: Path, target: str) -> None:
    writer = this_process()
    about = {"writer": {"host": writer.host, "pid": writer.pid, "started": writer.started}, "target": target}
    (hidden / MARKER).write_text(json.dumps(about), encoding="utf-8")


def _writer(hidden: Path) -> tuple[ProcessIdentity, str] | None:
    """The process that wrote a hidden folder, and the name of its target; None without LaMoD's marker."""
    marker = hidden / MARKER
    if hidden.is_symlink() or marker.is_symlink() or not marker.is_file() or marker.stat().st_size > _MARKER_BYTES:
        return None
    try:
        about = json.loads(marker.read_text(encoding="utf-8"))
        writer, target = about["writer"], about["target"]
        process = ProcessIdentity(str(writer["host"]), int(writer["pid"]), str(writer["started"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return (process, target) if isinstance(target, str) and Path(target).name == target else None


def _is_empty(hidden: Path) -> bool:
    """Whether a process was killed before it wrote its marker."""
    names = os.listdir(hidden)
    return not hidden.is_symlink() and (not names or (names == [MARKER] and (hidden / MARKER).stat().st_size == 0))


def _may_be_running(hidden: Path) -> bool:
    found = _PATTERN.fullmatch(hidden.name)
    young = time.time() - hidden.stat().st_mtime < _MARKER_SECONDS
    return found is None or young or start_time(int(found[1])) is not None


def _exchange(temporary: Path, path: Path, old: Path) -> None:
    if not path.exists():
        replace(temporary, path)
        return
    replace(path, old)
    try:
        replace(temporary, path)
    except BaseException:
        replace(old, path)
        raise
