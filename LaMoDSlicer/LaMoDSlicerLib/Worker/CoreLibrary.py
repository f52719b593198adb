"""Locates LaMoDCore and Slicer's Python, and builds command lines of `lamod`."""

import os
import shutil
import sys
from pathlib import Path

#: Next to the module in an installed extension; next to the module's folder in a source checkout.
FOLDERS = (Path(__file__).resolve().parents[2], Path(__file__).resolve().parents[3])


def folder() -> Path:
    """The folder that contains the LaMoDCore package.

    Raises:
        FileNotFoundError: neither folder contains it.
    """
    for candidate in FOLDERS:
        if (candidate / "LaMoDCore" / "__init__.py").is_file():
            return candidate
    raise FileNotFoundError(f"LaMoDCore was not found in {' or '.join(map(str, FOLDERS))}: reinstall LaMoD")


def makeImportable() -> None:
    """Append LaMoDCore's folder to `sys.path`."""
    try:
        found = str(folder())
    except FileNotFoundError:
        return  # the module still loads; the first command reports the missing library
    if found not in sys.path:
        sys.path.append(found)


def python() -> str:
    """Path of Slicer's Python executable.

    Raises:
        FileNotFoundError: Slicer's folder is not on the PATH that its launcher sets.
    """
    found = shutil.which("PythonSlicer")
    if found is None:
        raise FileNotFoundError("PythonSlicer was not found: start Slicer through its own launcher")
    return found


def command(arguments: list[str], reportsProgress: bool = True) -> list[str]:
    """Command line of `lamod` with these arguments; with JSON progress where the verb supports it.

    Raises:
        FileNotFoundError: as `python`.
    """
    progress = ["--progress", "json"] if reportsProgress else []
    return [python(), "-m", "LaMoDCore", *arguments, *progress]


def environment() -> dict[str, str]:
    """Environment of the worker: LaMoDCore's folder on the path, without the user's own Python packages.

    Raises:
        FileNotFoundError: as `folder`.
    """
    return {
        **os.environ,
        "PYTHONPATH": str(folder()),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }
