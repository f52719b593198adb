"""Collect cases in one dataset: from other datasets, or one by one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from LaMoDCore.io.dataset.folder import (
    DatasetCase,
    DatasetEntry,
    DatasetIndex,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.runtime.atomic import replaced_folder
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import read_json, write_json

_MADE_BY = "lamod collect"


def collect(sources: Sequence[Path], into: Path) -> DatasetIndex:
    """Copy the cases of datasets into one, which is created if necessary; the sources do not change.

    Args:
        sources: dataset folders.
        into: the target dataset. A case whose id exists there gets a number as suffix; pairs stay pairs.

    Raises:
        LaMoDInputError: a folder is not a dataset, lacks a file of a case, or cannot be written to.
    """
    for source in sources:
        if source.resolve() == into.resolve():
            raise LaMoDInputError(source, "it is the target dataset", "name another one")
        _add_all(DatasetIndex.load(source), into)
    return DatasetIndex.load(into)


def add_case(into: Path, case: DatasetCase, entry: DatasetEntry) -> DatasetEntry:
    """Write one case into a dataset, which is created if necessary.

    Args:
        into: the dataset.
        case: the case; its id is the entry's.
        entry: its entry in dataset.json; if the id exists, it gets a number as suffix.

    Returns:
        The entry as it was written.

    Raises:
        LaMoDInputError: the folder is not a dataset, or cannot be written to.
    """
    entries, about = _content(into)
    entry = replace(entry, id=free_id(plain(entry.id), _taken(into, entries)))
    try:
        into.mkdir(parents=True, exist_ok=True)
        write_dataset_case(into, replace(case, id=entry.id))
        write_dataset_index(into, [*entries, entry], about)
    except OSError as error:
        raise _unwritable(into, error) from error
    return entry


def plain(name: str) -> str:
    """The name with only the characters that folder names may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "case"


def free_id(wanted: str, taken: Collection[str]) -> str:
    """The id, with a number as suffix if it is taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name


def _add_all(source: DatasetIndex, into: Path) -> None:
    entries, about = _content(into)
    taken = _taken(into, entries)
    names: dict[str, str] = {}
    for entry in source:
        names[entry.id] = free_id(entry.id, taken)
        taken.add(names[entry.id])
    try:
        for entry in source:
            _copy(source.folder / "cases" / entry.id, into / "cases" / names[entry.id], names)
            entries.append(replace(entry, id=names[entry.id]))
        write_dataset_index(into, entries, about)
    except FileNotFoundError as error:
        raise LaMoDInputError(
            source.folder, f"a file of it is missing ({Path(error.filename or '').name})", "write the dataset again"
        ) from error
    except OSError as error:
        raise _unwritable(into, error) from error


def _taken(into: Path, entries: Sequence[DatasetEntry]) -> set[str]:
    """Ids in the index, and folders left by an interrupted writer."""
    there = (into / "cases").iterdir() if (into / "cases").is_dir() else ()
    return {entry.id for entry in entries} | {folder.name for folder in there}


def _copy(home: Path, target: Path, names: dict[str, str]) -> None:
    with replaced_folder(target) as fresh:
        shutil.copytree(home, fresh, dirs_exist_ok=True)
        about = read_json(fresh / "case.json", "write the dataset again")
        partner = about.get("paired_with")
        if partner in names and names[partner] != partner:
            write_json(fresh / "case.json", {**about, "paired_with": names[partner]}, indent=1)


def _content(into: Path) -> tuple[list[DatasetEntry], dict[str, object]]:
    """Entries and other keys of a dataset's index; none if the folder is empty or missing."""
    if not (into / "dataset.json").is_file():
        if into.is_dir() and any(file.name != "cases" for file in into.iterdir()):
            raise LaMoDInputError(into, "it is not a dataset and not empty", "name a new folder or a dataset")
        return [], {"made_by": _MADE_BY}
    index = DatasetIndex.load(into)
    about = {key: value for key, value in index.about.items() if key != "version"}
    return list(index.entries), {**about, "made_by": _MADE_BY}


def _unwritable(into: Path, fault: OSError) -> LaMoDInputError:
    return LaMoDInputError(into, f"it cannot be written to ({fault.strerror or fault})", "name another folder")
