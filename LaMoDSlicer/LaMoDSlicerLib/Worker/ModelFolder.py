"""The folder of the user's models: next to Slicer's settings, where a portable Slicer keeps everything of the user."""

import os
from pathlib import Path

import slicer

#: Environment variable that LaMoDCore reads, in this process and in the workers.
VARIABLE = "LAMOD_MODELS"


def use() -> None:
    """Let LaMoDCore use the folder, unless the user chose another one with the environment variable."""
    if hasattr(slicer, "app"):  # not in PythonSlicer
        os.environ.setdefault(VARIABLE, str(folder()))


def folder() -> Path:
    """The folder of the `lamod` command if it contains models already, else a folder next to Slicer's settings."""
    ofTheCommand = Path.home() / ".lamod" / "models"
    if any(ofTheCommand.glob("[!.]*/model.json")):
        return ofTheCommand
    return Path(slicer.app.slicerUserSettingsFilePath).parent / "LaMoD" / "models"
