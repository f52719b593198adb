"""Find contour engines: LaMoD's own descriptions, the user's folders, installed packages.

No network is loaded, so onnxruntime is not needed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from LaMoDCore.contours.automatic.engine import ENGINE_FILE, EngineDescription, read_engine
from LaMoDCore.runtime.errors import LaMoDInputError

#: The engine that is used unless another is named.
DEFAULT_ENGINE = "myopari-acdc"
#: Installed packages name the package whose folder holds their engine.json under this entry-point group.
ENTRY_POINT_GROUP = "lamod.contour_engines"


@dataclass(frozen=True)
class RegisteredEngine:
    """An engine that can be chosen by name.

    Attributes:
        name: name by which the engine is selected.
        description: contents of its engine.json; None if that cannot be read.
        is_installed: whether its ONNX file exists.
        fault: why it cannot be used; "" if it can.
    """

    name: str
    description: EngineDescription | None
    is_installed: bool
    fault: str = ""


def own_descriptions_folder() -> Path:
    """Folder of the descriptions that come with LaMoD."""
    return Path(__file__).resolve().parent / "engines"


def user_engines_folder() -> Path:
    """Folder of the user's own engines, one subfolder per engine: $LAMOD_ENGINES or ~/.lamod/engines."""
    return Path(os.environ.get("LAMOD_ENGINES") or Path.home() / ".lamod" / "engines")


def engine_files() -> dict[str, Path]:
    """Name -> engine.json of every engine that can be chosen by name; the user's own take precedence."""
    found = {file.stem: file for file in sorted(own_descriptions_folder().glob("*.json"))}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.dist is not None:
            file = Path(str(point.dist.locate_file("/".join(point.value.split("."))))) / ENGINE_FILE
            if file.is_file():
                found[point.name] = file
    user = user_engines_folder()
    if user.is_dir():
        found.update({file.parent.name: file for file in sorted(user.glob(f"[!.]*/{ENGINE_FILE}"))})
    return found


def registered_engines() -> list[RegisteredEngine]:
    """Every known engine, with the reason where it cannot be used."""
    listed = []
    for name, file in engine_files().items():
        try:
            description = read_engine(file)
        except LaMoDInputError as error:
            listed.append(RegisteredEngine(name, None, False, error.reason))
            continue
        there = description.onnx_file is not None and description.onnx_file.is_file()
        listed.append(RegisteredEngine(name, description, there, "" if there else "not installed"))
    return listed


def find_engine(name: str | Path = DEFAULT_ENGINE) -> EngineDescription:
    """The description of an engine given by name or by folder.

    Raises:
        LaMoDInputError: there is no such engine, or its engine.json cannot be used.
    """
    known = engine_files()
    if str(name) in known:
        return read_engine(known[str(name)])
    folder = Path(name)
    if folder.is_dir():
        return read_engine(folder / ENGINE_FILE)
    raise LaMoDInputError(
        f"--engine {name}",
        "there is no such contour engine or folder",
        f"choose a known engine ({', '.join(sorted(known)) or 'none'}) or a folder with {ENGINE_FILE}",
    )
