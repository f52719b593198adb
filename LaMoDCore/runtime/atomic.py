"""A folder that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from LaMoDCore.runtime.errors import LaMoDInputError

#: Files that a desktop leaves behind in folders it has shown.
_DESKTOP_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


def check_new_folder(out: str | Path, is_ours: Callable[[str], bool], contents: str = "a LaMoD result") -> Path:
    """Whether `out` may be made or replaced; worth asking before the work starts.

    Args:
        out: the folder to write.
        is_ours: whether a name at the top of the folder is one that this writer gives. An existing folder is
            replaced only when every name in it is.
        contents: what such a folder holds, for the message.

    Returns:
        The absolute path, links resolved.

    Raises:
        LaMoDInputError: it is a file, holds something else, or it or its parent is read-only.
    """
    path = Path(os.path.realpath(out))
    if path.is_dir():
        foreign = sorted(n for n in os.listdir(path) if not is_ours(n) and n not in _DESKTOP_LITTER)
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
                "name a folder that may be written to",
            )
        if folder.exists() and not folder.is_dir():
            raise LaMoDInputError(out, f"'{folder.name}' on the way to it is not a folder", "name another place")
    return path


@contextmanager
def new_folder(out: str | Path, is_ours: Callable[[str], bool], contents: str = "a LaMoD result") -> Iterator[Path]:
    """Give a temporary folder beside `out` to write into; it becomes `out` when the block ends well.

    Whatever ends the block early, Ctrl-C included, leaves `out` as it was and nothing beside it. Arguments
    and refusals are those of `check_new_folder`; an OSError of the block (a full disk) becomes a
    LaMoDInputError.
    """
    path = check_new_folder(out, is_ours, contents)
    missing = [parent for parent in path.parents if not parent.exists()]
    temporary = path.with_name(f"{path.name}.tmp-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkdir(temporary)
        yield temporary
        _replace(temporary, path)
    except BaseException as stop:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in missing:
            with suppress(OSError):  # not there, or another process writes into it by now
                parent.rmdir()
        if isinstance(stop, OSError):
            raise LaMoDInputError(out, f"it cannot be written ({stop.strerror or stop})", _remedy(stop)) from stop
        raise


def _first_existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _writable(folder: Path) -> bool:
    # A folder without any write bit is meant to be left alone, also by an administrator, whom os.access lets
    # through.
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def _replace(temporary: Path, path: Path) -> None:
    if not path.exists():
        os.rename(temporary, path)
        return
    old = path.with_name(f"{path.name}.tmp-{secrets.token_hex(4)}")
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
    return "name a folder that may be written to"
