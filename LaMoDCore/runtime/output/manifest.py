"""The marker `.lamod.json` of an output folder: the command, the version, and every file that LaMoD wrote.

Files and folders that desktops add to every folder they display are not part of an output; they are tolerated. The
lock of LaMoD's writers is not part of it either.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from LaMoDCore import __version__
from LaMoDCore.runtime.atomic import MARKER, hidden_folders
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.json_file import json_object_if_any, json_text, write_json

FORMAT = 1
#: Files that desktops create in the folders they display.
DESKTOP_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", ".directory"})
#: Empty file that writers lock; it stays, since a lock that is deleted does not keep a waiting writer out.
LOCK = ".lamod.lock"


@dataclass(frozen=True)
class Manifest:
    """The contents of a marker.

    Attributes:
        contents: what the folder is, such as "a LaMoD result"; only a writer of the same contents replaces it.
        command: the command or function that wrote it.
        files: SHA-256 by path relative to the folder, with "/"; "" for a file that changes while LaMoD works, such
            as a log.
        version: version of LaMoD.
    """

    contents: str
    command: str
    files: Mapping[str, str] = field(default_factory=dict)
    version: str = __version__

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "contents": self.contents,
            "command": self.command,
            "version": self.version,
            "files": dict(sorted(self.files.items())),
        }


def read_manifest(folder: Path) -> Manifest | None:
    """The marker of a folder; None if it has none, or one that LaMoD did not write."""
    marker = folder / MARKER
    if is_link(marker):
        return None
    about = json_object_if_any(marker)
    contents, command, files = about.get("contents"), about.get("command"), about.get("files")
    if not isinstance(contents, str) or not isinstance(command, str) or not isinstance(files, dict):
        return None
    if not all(isinstance(digest, str) for digest in files.values()):
        return None
    return Manifest(contents, command, files, str(about.get("version", "")))


def seal(folder: Path, contents: str, command: str) -> None:
    """Write the marker of a folder that LaMoD has just filled, with the SHA-256 of every file in it.

    Raises:
        OSError: a file cannot be read, or the marker cannot be written.
    """
    files = {name: sha256_of(folder / name) for name in _files(folder) if name != MARKER}
    text = json_text(Manifest(contents, command, files).to_json(), indent=1)
    (folder / MARKER).write_text(text, encoding="utf-8", newline="")


def list_again(folder: Path, *names: str) -> None:
    """List the present contents of files that LaMoD has just changed in a folder with a marker.

    Raises:
        OSError: a file cannot be read, or the marker cannot be written.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        files = {**manifest.files, **{name: sha256_of(folder / name) for name in names}}
        write_json(folder / MARKER, replace(manifest, files=files).to_json(), indent=1)


def names_in(folder: Path) -> list[str]:
    """Names in a folder, without the files of desktops and the hidden folders of writers, which are kept."""
    hidden = {each.name for each in hidden_folders(folder)}
    return [name for name in os.listdir(folder) if name not in DESKTOP_FILES and name not in hidden]


def everything_in(folder: Path, within: str = "") -> Iterator[str]:
    """Relative names of all files and folders except those of desktops and the lock; links are not followed."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name in DESKTOP_FILES and entry.is_file(follow_symlinks=False):
            continue
        if entry.name == LOCK and entry.is_file(follow_symlinks=False) and not entry.stat().st_size:
            continue
        yield within + entry.name
        if entry.is_dir(follow_symlinks=False) and not is_link(Path(entry.path)):
            yield from everything_in(Path(entry.path), f"{within}{entry.name}/")


def _files(folder: Path) -> list[str]:
    return [name for name in everything_in(folder) if (folder / name).is_file()]


def is_as_listed(path: Path, digest: str) -> bool:
    """Whether a file is a plain file with one of the listed digests; without a digest, whatever it contains."""
    if is_link(path) or not path.is_file():
        return False
    try:
        return not digest or sha256_of(path) in digest.split()
    except OSError:
        return False


def is_link(path: Path) -> bool:
    """Whether a path is a symbolic link, or a junction or other reparse point of Windows."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    reparse = getattr(found, "st_file_attributes", 0) & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0)
    return stat.S_ISLNK(found.st_mode) or bool(reparse)
