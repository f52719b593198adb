"""Atomic writes of files and folders, which are written under a temporary name and then renamed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from LaMoDCore.runtime.errors import LaMoDInputError

#: Files that desktops create in the folders they display.
_DESKTOP_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_WRITABLE = "name a folder that you can write to"


def temporary_path(path: Path) -> Path:
    """Return a new hidden name next to `path`, which `leftovers` matches."""
    return path.with_name(f".{path.name}.tmp-{secrets.token_hex(4)}")


def leftovers(folder: Path, name: str = "*") -> list[Path]:
    """List temporary files and folders that a killed process left in `folder`, for the target `name` or for all."""
    return sorted(folder.glob(f".{name}.tmp-*"))


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name for a new file; it replaces `path` when the block ends without an exception.

    After an exception `path` is unchanged. Its parent folder must exist.

    Raises:
        OSError: the file cannot be written or renamed.
    """
    temporary = temporary_path(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; it replaces `path` when the block ends without an exception.

    After an exception, including Ctrl-C, `path` is unchanged. Its parents are created. Everything that `path` contained
    is deleted; for a folder that the user names, call `new_folder`, which refuses to delete other programs' files.

    Raises:
        OSError: the folder cannot be written or renamed.
    """
    temporary = temporary_path(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        _replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_input_inside(out: str | Path, inputs: Iterable[str | Path]) -> None:
    """Check that no input is inside the folder about to be replaced.

    Raises:
        LaMoDInputError: an input is inside; replacing the folder would delete it.
    """
    folder = Path(os.path.realpath(out))
    for path in inputs:
        real = Path(os.path.realpath(path))
        if real == folder or folder in real.parents:
            raise LaMoDInputError(
                out, f"the input {Path(path).name} lies in it and would be deleted", "name another folder"
            )


def check_new_folder(out: str | Path, is_ours: Callable[[str], bool], contents: str = "a LaMoD result") -> Path:
    """Check that `out` may be created or replaced; call it before the work starts.

    Args:
        out: the folder to write.
        is_ours: whether this writer uses the given name at the top of the folder. An existing folder is replaced only
            if every name in it is one of these.
        contents: description of the folder's contents for the message.

    Returns:
        The absolute path with symbolic links resolved.

    Raises:
        LaMoDInputError: `out` is a file, contains other files, or is read-only or in a read-only folder.
    """
    path = Path(os.path.realpath(out))
    if path.is_dir():
        foreign = sorted(n for n in os.listdir(path) if not is_ours(n) and n not in _DESKTOP_FILES)
        if foreign:
            raise LaMoDInputError(
                out,
                f"the folder exists and holds '{foreign[0]}', which is not part of {contents}",
                "name a new folder",
            )
    elif path.exists():
        raise LaMoDInputError(out, "it exists and is not a folder", "name a new folder")
    for folder in (path, _first_existing(path.parent)):
        if folder.exists() and not _writable(folder):
            raise LaMoDInputError(
                out,
                f"the folder '{folder.name or folder}' is read-only",
                _WRITABLE,
            )
        if folder.exists() and not folder.is_dir():
            raise LaMoDInputError(out, f"'{folder.name}' in its path is not a folder", "choose another location")
    return path


@contextmanager
def new_folder(out: str | Path, is_ours: Callable[[str], bool], contents: str = "a LaMoD result") -> Iterator[Path]:
    """Yield a temporary folder next to `out`; it becomes `out` when the block ends without an exception.

    After an exception, including Ctrl-C, `out` is unchanged and no temporary files remain. Takes the arguments
    and raises the errors of `check_new_folder`; an OSError in the block, such as a full disk, is raised as a
    LaMoDInputError.
    """
    path = check_new_folder(out, is_ours, contents)
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        with replaced_folder(path) as temporary:
            yield temporary
    except BaseException as stop:
        for parent in missing:
            with suppress(OSError):  # the folder was never created, or another process has written into it
                parent.rmdir()
        if isinstance(stop, OSError):
            raise LaMoDInputError(out, f"it cannot be written ({stop.strerror or stop})", _remedy(stop)) from stop
        raise


def _first_existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _writable(folder: Path) -> bool:
    # A folder without any write bit is read-only even for root, for whom os.access always returns True.
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def _replace(temporary: Path, path: Path) -> None:
    if not path.exists():
        os.rename(temporary, path)
        return
    old = temporary_path(path)
    os.rename(path, old)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(old, path)
        raise
    try:
        shutil.rmtree(old, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(old, ignore_errors=True)
        raise


def _remedy(stop: OSError) -> str:
    if stop.errno == errno.ENOSPC:
        return "free some space or name a folder on another disk"
    return _WRITABLE
