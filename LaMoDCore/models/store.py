"""Add, rename, export and remove the user's own models; the shipped models cannot be changed."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from LaMoDCore.models.registry import known_models, read_description, shipped_folder, user_folder
from LaMoDCore.models.run_folder import FINISHED, is_run_folder
from LaMoDCore.runtime.array_files import check_member, open_archive
from LaMoDCore.runtime.atomic import MARKER, remove_folder, remove_leftovers, replace
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import check_name
from LaMoDCore.runtime.json_file import write_json
from LaMoDCore.runtime.output.manifest import DESKTOP_FILES, list_again
from LaMoDCore.runtime.output.new_folder import new_folder, write_new_file

#: Files of a model folder; no other file is added or exported.
FILES = ("model.json", "weights.safetensors", "MODEL_CARD.md")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
#: Largest accepted file of a model in an archive.
_LARGEST_FILE = 2**30
#: Weights are nearly random numbers, which a .zip makes little smaller.
_LARGEST_GAIN = 50


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
    """Write a model as a new .zip file, atomically; the same model gives the same bytes.

    Raises:
        LaMoDInputError: there is no such model, the file exists with other contents, or it cannot be written.
    """
    folder = _known(name)
    read_description(folder)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in (folder / each for each in FILES):
            if file.is_file():
                archive.writestr(zipfile.ZipInfo(f"{name}/{file.name}"), file.read_bytes())
    write_new_file(target, content.getvalue())
    return target


def rename_model(name: str, wanted: str) -> Path:
    """Rename one of the user's own models.

    Raises:
        LaMoDInputError: the model is not the user's own, or the new name is taken or invalid.
    """
    folder = _own(name, "renamed")
    _check_name(wanted)
    _set_name(folder, wanted)
    target = user_folder() / wanted
    replace(folder, target)
    return target


def remove_model(name: str) -> None:
    """Delete one of the user's own models.

    Raises:
        LaMoDInputError: the model is not the user's own, or its folder contains further files or cannot be deleted.
    """
    folder = _own(name, "removed")
    try:
        if folder.is_symlink():
            folder.unlink()  # the folder that it links to is not among LaMoD's
            return
        others = sorted(file.name for file in folder.iterdir() if file.name not in (*FILES, MARKER, *DESKTOP_FILES))
        if others:
            raise LaMoDInputError(folder, f"it holds '{others[0]}', which is not part of the model", "move it away")
        remove_folder(folder)
    except OSError as error:
        raise LaMoDInputError(folder, f"it cannot be deleted ({error.strerror or error})", "close it") from error


def _add_folder(source: Path, wanted: str) -> Path:
    from LaMoDCore.models.folder import CONTENTS, load_model

    if not source.is_dir():
        raise LaMoDInputError(source, "there is no such folder", "choose a model's folder, or a .zip of one")
    if is_run_folder(source):
        if not (source / FINISHED / "model.json").is_file():
            raise LaMoDInputError(source, "the training run is not finished", "wait until it is")
        source = source / FINISHED
    name = wanted or load_model(source).name
    _check_name(name)
    target = user_folder() / name
    with new_folder(target, CONTENTS, "models add") as fresh:
        for file in (source / each for each in FILES):
            if file.is_file():
                shutil.copyfile(file, fresh / file.name)
        if wanted:
            _set_name(fresh, name)
            load_model(fresh)
    return target


def _unpacked(archive: Path, folder: Path) -> Path:
    """Extract the files of a model from an archive, by their bare names; other files are ignored."""
    with open_archive(archive, "export the model again") as content:
        for member in content.infolist():
            name = PurePosixPath(member.filename).name
            if name in FILES and not (folder / name).exists():
                check_member(archive, member, _LARGEST_FILE)
                if member.file_size > _LARGEST_GAIN * member.compress_size + (1 << 20):
                    raise LaMoDInputError(archive, f"its {name} contains no weights", "export the model again")
                with content.open(member) as stream, (folder / name).open("wb") as copy:
                    shutil.copyfileobj(stream, copy)
    if not (folder / "model.json").is_file():
        raise LaMoDInputError(archive, "it contains no model.json", "choose a .zip written by `lamod models export`")
    return folder


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise LaMoDInputError(
            f"the name {name!r}", "it is not valid", "use up to 64 letters, digits, points, hyphens and underscores"
        )
    check_name(name, "the name")
    remove_leftovers(user_folder())
    if name.casefold() in {known.casefold() for known in known_models()} or (user_folder() / name).exists():
        raise LaMoDInputError(name, "a model with this name exists already", "choose another name, or remove it")


def _set_name(folder: Path, name: str) -> None:
    """Change the name in a model's description; the weights and their hash stay."""
    description = {**read_description(folder), "name": name}
    write_json(folder / "model.json", description, sort_keys=True, allow_nan=True)
    list_again(folder, "model.json")


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
