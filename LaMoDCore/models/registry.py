"""Find models and read their descriptions; weights are not loaded, so torch is not needed.

Models are found by name in the user's model folder ($LAMOD_MODELS or ~/.lamod/models) and among the shipped models, or
by the path of their folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LaMoDCore.heart.canonical import FRAMES, SIZE, SPACING_MM
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json
from LaMoDCore.runtime.schema import Record, Text, Whole, refuse_faults

FORMAT = "lamod-model/1"
CANONICAL = {"frames": FRAMES, "size": SIZE, "spacing_mm": SPACING_MM}


_DESCRIPTION = Record(
    {
        "name": Text(filled=True),
        "config": Record({}),
        "weights_sha256": Text(most=64, filled=True),
        "canonical": Record({}),
        "kind": Text(),
        "code_version": Text(),
        "parameters": Whole(0, 2**40),
        "training": Record({}),
        "uncertainty": Record({}),
    },
    required=("name", "config", "weights_sha256", "canonical"),
)


@dataclass(frozen=True)
class RegisteredModel:
    """A model that can be chosen by name.

    Attributes:
        name: name by which the model is selected.
        folder: folder of its files.
        shipped: whether it is part of LaMoD; then it cannot be renamed or removed.
        bytes: size of its files on disk.
        fault: why it cannot be used; "" if it can.
    """

    name: str
    folder: Path
    shipped: bool
    bytes: int
    fault: str = ""


def shipped_folder() -> Path:
    """Folder of the shipped models: inside the installed package, or next to it in a checkout."""
    inside = Path(__file__).resolve().parents[1] / "shipped_models"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "Resources" / "Models"


def user_folder() -> Path:
    """Folder of the user's own models."""
    return Path(os.environ.get("LAMOD_MODELS") or Path.home() / ".lamod" / "models")


def known_models() -> dict[str, Path]:
    """Name -> folder of every model that can be chosen by name; the user's own models take precedence."""
    found: dict[str, Path] = {}
    for parent in (shipped_folder(), user_folder()):
        if parent.is_dir():
            found.update({p.parent.name: p.parent for p in sorted(parent.glob("[!.]*/model.json"))})
    return found


def registered_models() -> list[RegisteredModel]:
    """Every known model with its size and whether it can be used; the shipped models first."""
    listed = []
    for name, folder in known_models().items():
        fault = ""
        try:
            read_description(folder)
        except LaMoDInputError as error:
            fault = error.reason
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        listed.append(RegisteredModel(name, folder, folder.parent == shipped_folder(), size, fault))
    return sorted(listed, key=lambda model: (not model.shipped, model.name))


def find_model(name: str | Path) -> Path:
    """The folder of a model given by name or by path.

    Raises:
        LaMoDInputError: there is no such model.
    """
    known = known_models()
    if str(name) in known:
        return known[str(name)]
    folder = Path(name)
    if folder.is_dir():
        return folder
    listing = ", ".join(sorted(known)) or "none"
    raise LaMoDInputError(
        f"--model {name}",
        "there is no such model or folder",
        f"choose a known model ({listing}) or a model's folder",
    )


def read_description(folder: Path) -> dict[str, Any]:
    """model.json of a model folder.

    Raises:
        LaMoDInputError: it is missing, is not JSON, or describes another format or another canonical grid.
    """
    file = folder / "model.json"
    if not file.is_file():
        raise LaMoDInputError(folder.name or str(folder), "it contains no model.json", "choose the folder of a model")
    label = f"{folder.name}/model.json"
    try:
        description = read_json(file, "copy the whole model folder again")
    except LaMoDInputError as error:
        raise LaMoDInputError(label, error.reason, error.remedy) from error
    if description.get("format") != FORMAT:
        raise LaMoDInputError(label, f"its format is not {FORMAT}", "use a model made by this version of LaMoD")
    refuse_faults(_DESCRIPTION.faults(description), label, "copy the whole model folder again")
    if description["canonical"] != CANONICAL:
        raise LaMoDInputError(
            label,
            f"the model needs the grid {description['canonical']}, LaMoD uses {CANONICAL}",
            "choose another model",
        )
    return description
