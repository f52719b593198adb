"""Names of files and folders that every supported system accepts.

Windows reserves device names with any ending, drops trailing points and spaces, reads a colon as a stream, and does not
distinguish upper and lower case; macOS does not either. Paths may have 260 characters there unless long paths are
enabled.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from LaMoDCore.runtime.errors import LaMoDInputError

#: Longest name in bytes; hidden temporary names and endings are added to it.
_LONGEST_NAME = 200
#: Longest path on Windows, including the null character, unless long paths are enabled.
_LONGEST_PATH = 260
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_DEVICES = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"),
}


def name_fault(name: str) -> str:
    """Why a name cannot be used for a file or folder on every system; "" if it can."""
    if name in ("", ".", ".."):
        return "it is empty or made of points"
    if found := _FORBIDDEN.search(name):
        return f"it contains {found.group()!r}"
    if name[-1] in ". ":
        return "it ends with a point or a space"
    if _is_device(name):
        return "Windows reserves it for a device"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        return f"it is longer than {_LONGEST_NAME} bytes"
    return ""


def check_name(name: str, what: str) -> str:
    """Check a name for a file or folder that LaMoD is about to create.

    Args:
        name: the name.
        what: description of the name for the message, such as "the case id".

    Raises:
        LaMoDInputError: it is not valid on every system.
    """
    if fault := name_fault(name):
        raise LaMoDInputError(f"{what} {name!r}", fault, "use letters, digits, points, hyphens and underscores")
    return name


def portable_name(text: str, fallback: str) -> str:
    """The text with only letters, digits, points, hyphens and underscores; `fallback` if nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:_LONGEST_NAME].strip("-.")
    if name and _is_device(name):
        name = f"{name.split('.')[0]}-{fallback}"
    return name or fallback


def free_name(wanted: str, taken: Collection[str]) -> str:
    """The name, with a number as suffix if it is taken; names that differ only in case count as equal."""
    used = {name.casefold() for name in taken}
    name, number = wanted, 2
    while name.casefold() in used:
        name, number = f"{wanted}-{number}", number + 1
    return name


def check_path_length(path: Path, longest_inside: int, *, limit: int | None = None) -> None:
    """Check that the paths inside an output folder are not too long for Windows; does nothing on other systems.

    Args:
        path: the absolute path of the folder.
        longest_inside: length of the longest relative path that is written inside.
        limit: largest number of characters of a path; by default that of this system, None for no limit.

    Raises:
        LaMoDInputError: a path would be too long.
    """
    largest = limit if limit is not None else _path_limit()
    if largest is not None and len(str(path)) + 1 + longest_inside >= largest:
        raise LaMoDInputError(
            path, f"paths in it would exceed the {largest} characters that Windows allows", "name a shorter path"
        )


def _path_limit() -> int | None:
    if os.name != "nt":
        return None
    import ctypes

    try:
        enabled = ctypes.WinDLL("ntdll").RtlAreLongPathsEnabled()  # type: ignore[attr-defined]
    except (OSError, AttributeError):
        enabled = 0
    return None if enabled else _LONGEST_PATH


def _is_device(name: str) -> bool:
    return name.split(".", maxsplit=1)[0].rstrip(" ").casefold() in _DEVICES
