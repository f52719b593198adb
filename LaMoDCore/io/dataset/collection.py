"""Putting cases together into one dataset: from other datasets, or one by one."""

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
    """Copy the cases of datasets into one, which is made where it is not there; the sources stay as they are.

    Args:
        sources: dataset folders.
        into: the dataset that they are put into. A case whose id is taken there gets a number behind it, and so does
            its pair.

    Raises:
        LaMoDInputError: a folder is no dataset, holds no such case, or cannot be written to.
    """
    for source in sources:
        if source.resolve() == into.resolve():
            raise LaMoDInputError(source, "it is the dataset that the cases go to", "name another one")
        _add_all(DatasetIndex.load(source), into)
    return DatasetIndex.load(into)


def add_case(into: Path, case: DatasetCase, entry: DatasetEntry) -> DatasetEntry:
    """Write one case into a dataset, which is made where it is not there.

    Args:
        into: the dataset.
        case: what to write; its id is the entry's.
        entry: its line; where the id is taken, it gets a number behind it.

    Returns:
        the line as it was written.

    Raises:
        LaMoDInputError: the folder holds something else, or cannot be written to.
    """
    entries, about = _content(into)
    entry = replace(entry, id=free_id(plain(entry.id), _taken(into, entries)))
    try:
        into.mkdir(parents=True, exist_ok=True)
        write_dataset_case(into, replace(case, id=entry.id))
        write_dataset_index(into, [*entries, entry], about)
    except OSError as fault:
        raise _unwritable(into, fault) from fault
    return entry


def plain(name: str) -> str:
    """A name that can be a folder's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "case"


def free_id(wanted: str, taken: Collection[str]) -> str:
    """The id itself, or with a number behind it."""
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
    except FileNotFoundError as fault:
        raise LaMoDInputError(
            source.folder, f"a file of it is missing ({Path(fault.filename or '').name})", "write the dataset again"
        ) from fault
    except OSError as fault:
        raise _unwritable(into, fault) from fault


def _taken(into: Path, entries: Sequence[DatasetEntry]) -> set[str]:
    """Ids in the index, and folders that an interrupted writer left."""
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
    """Lines and other keys of a dataset's index; none yet where the folder is empty or not there."""
    if not (into / "dataset.json").is_file():
        if into.is_dir() and any(file.name != "cases" for file in into.iterdir()):
            raise LaMoDInputError(into, "it holds something else than a dataset", "name a new folder or a dataset")
        return [], {"made_by": _MADE_BY}
    index = DatasetIndex.load(into)
    about = {key: value for key, value in index.about.items() if key != "version"}
    return list(index.entries), {**about, "made_by": _MADE_BY}


def _unwritable(into: Path, fault: OSError) -> LaMoDInputError:
    return LaMoDInputError(into, f"it cannot be written to ({fault.strerror or fault})", "name another folder")
