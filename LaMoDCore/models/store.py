"""Add, rename, export and remove the user's own models; the shipped models cannot be changed."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from LaMoDCore.models.registry import known_models, read_description, shipped_folder, user_folder
from LaMoDCore.models.run_folder import FINISHED, is_run_folder
from LaMoDCore.runtime.atomic import replaced_file, replaced_folder, temporary_path
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import write_json

#: Files of a model folder; no other file is added or exported.
FILES = ("model.json", "weights.safetensors", "MODEL_CARD.md")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Largest accepted file of a model in an archive.
_LARGEST_FILE = 8 * 2**30


def add_model(source: Path, name: str = "") -> Path:
    """Check a model as `load_model` does, and copy it to the user's own models.

    Args:
        source: model folder, .zip of one, or folder of a finished training run.
        name: new name of the model; by default the name in its description.

    Returns:
        the folder of the copy.

    Raises:
        LaMoDInputError: this version of LaMoD cannot use the model, or the name is taken.
    """
    if source.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory() as temporary:
            return _add_folder(_unpacked(source, Path(temporary)), name)
    return _add_folder(source, name)


def export_model(name: str, target: Path) -> Path:
    """Write a model as a .zip file, atomically; the same model gives the same bytes.

    Raises:
        LaMoDInputError: there is no such model, or the file cannot be written.
    """
    folder = _known(name)
    read_description(folder)
    try:
        with replaced_file(target) as fresh, zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (folder / each for each in FILES):
                if file.is_file():
                    archive.writestr(zipfile.ZipInfo(f"{name}/{file.name}"), file.read_bytes())
    except OSError as error:
        raise LaMoDInputError(
            target, f"it cannot be written ({error.strerror or error})", "name another file, or free some space"
        ) from error
    return target


def rename_model(name: str, wanted: str) -> Path:
    """Rename one of the user's own models.

    Raises:
        LaMoDInputError: the model is not the user's own, or the new name is taken or invalid.
    """
    folder = _own(name, "renamed")
    _check_name(wanted)
    _set_name(folder, wanted)
    return folder.rename(user_folder() / wanted)


def remove_model(name: str) -> None:
    """Delete one of the user's own models.

    Raises:
        LaMoDInputError: the model is not the user's own.
    """
    folder = _own(name, "removed")
    doomed = temporary_path(folder)
    folder.rename(doomed)  # a partly deleted model must not be listed
    shutil.rmtree(doomed)


def _add_folder(source: Path, wanted: str) -> Path:
    from LaMoDCore.models.folder import load_model

    if not source.is_dir():
        raise LaMoDInputError(source, "there is no such folder", "choose a model's folder, or a .zip of one")
    if is_run_folder(source):
        if not (source / FINISHED / "model.json").is_file():
            raise LaMoDInputError(source, "the training run is not finished", "wait until it is")
        source = source / FINISHED
    name = wanted or load_model(source).name
    _check_name(name)
    target = user_folder() / name
    try:
        with replaced_folder(target) as fresh:
            for file in (source / each for each in FILES):
                if file.is_file():
                    shutil.copyfile(file, fresh / file.name)
            if wanted:
                _set_name(fresh, name)
                load_model(fresh)
    except OSError as error:
        raise LaMoDInputError(
            name, f"it cannot be copied to your models ({error.strerror or error})", "free some space"
        ) from error
    return target


def _unpacked(archive: Path, folder: Path) -> Path:
    """Extract the files of a model from an archive, by their bare names; other files are ignored."""
    try:
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                name = Path(member.filename).name
                if name in FILES and member.file_size <= _LARGEST_FILE:
                    (folder / name).write_bytes(content.read(member))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise LaMoDInputError(archive, "it is not a readable .zip", "export the model again") from error
    if not (folder / "model.json").is_file():
        raise LaMoDInputError(archive, "it contains no model.json", "choose a .zip written by `lamod models export`")
    return folder


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise LaMoDInputError(
            f"the name {name!r}", "it is not valid", "use up to 64 letters, digits, points, hyphens and underscores"
        )
    if name in known_models() or (user_folder() / name).exists():
        raise LaMoDInputError(name, "a model with this name exists already", "choose another name, or remove it")


def _set_name(folder: Path, name: str) -> None:
    """Change the name in a model's description; the weights and their hash stay."""
    description = {**read_description(folder), "name": name}
    write_json(folder / "model.json", description, sort_keys=True, allow_nan=True)


def _known(name: str) -> Path:
    known = known_models()
    if name not in known:
        raise LaMoDInputError(name, "there is no such model", f"choose one of {', '.join(sorted(known)) or 'none'}")
    return known[name]


def _own(name: str, action: str) -> Path:
    folder = _known(name)
    if folder.parent == shipped_folder():
        raise LaMoDInputError(name, f"it is part of LaMoD and cannot be {action}", "choose one of your own models")
    return folder
