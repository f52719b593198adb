"""Collect cases in one dataset: from other datasets, or one by one; files of others are never changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from LaMoDCore.io.dataset.folder import (
    CASE,
    DATASET,
    DATASET_VERSION,
    INDEX_FILE,
    DatasetCase,
    DatasetEntry,
    DatasetIndex,
    edit_dataset_index,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.runtime import atomic
from LaMoDCore.runtime.atomic import MARKER, created_parents, remove_leftovers, scratch_folder
from LaMoDCore.runtime.bounded_reads import check_regular
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import free_name, portable_name
from LaMoDCore.runtime.json_file import read_json, write_json
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.output.new_folder import check_new_folder, new_folder, unwritable

_MADE_BY = "lamod collect"


def collect(sources: Sequence[Path], into: Path) -> DatasetIndex:
    """Copy the cases of datasets into one, which is created if necessary; the sources do not change.

    Args:
        sources: dataset folders.
        into: the target dataset. A case whose id exists there gets a number as suffix; pairs stay pairs.

    Raises:
        LaMoDInputError: a folder is not a dataset, LaMoD did not write the target, a file of a case is missing, or
            the target cannot be written to.
    """
    for source in sources:
        if source.resolve() == into.resolve():
            raise LaMoDInputError(source, "it is the target dataset", "name another one")
    indices = [DatasetIndex.load(source) for source in sources]
    for index in indices:
        _check_files(index)
    for index in indices:
        _add_all(index, into)
    return DatasetIndex.load(into)


def _check_files(source: DatasetIndex) -> None:
    """Check, before anything is copied, that every case has its files and that they are regular files.

    Raises:
        LaMoDInputError: a file is missing, or is a pipe, socket or device.
    """
    for entry in source:
        home = source.folder / "cases" / entry.id
        for file in (home / "case.json", home / "masks.seq.nrrd"):
            check_regular(file)
        for file in sorted(home.rglob("*")):
            if file.suffix or not file.is_dir() or file.is_symlink():
                check_regular(file)
        read_json(home / "case.json", "write the dataset again")


def add_case(into: Path, case: DatasetCase, entry: DatasetEntry) -> DatasetEntry:
    """Write one case into a dataset, which is created if necessary.

    Args:
        into: the dataset.
        case: the case; its id is the entry's.
        entry: its entry in dataset.json; if the id exists, it gets a number as suffix.

    Returns:
        The entry as it was written.

    Raises:
        LaMoDInputError: LaMoD did not write the dataset, or it cannot be written to.
    """
    home = GrowingFolder(into, DATASET, "collect").open()
    entry = replace(entry, id=free_id(plain(entry.id), _taken(home)))
    write_dataset_case(home, replace(case, id=entry.id), command="collect")
    _extend(home, [entry], "collect")
    return entry


class NewScans:
    """Cases that are analysed before they are added to a dataset, see `new_scans`.

    Attributes:
        folder: a dataset folder for the new cases.
        entries: their entries.
        tables: text files of the dataset by name, each as a function of its present text ("" if it does not exist).
        known: entries of the dataset by id.
    """

    def __init__(self, folder: Path, into: Path, *, overwrite: bool) -> None:
        self.folder, self.entries = folder, list[DatasetEntry]()
        self.tables = dict[str, Callable[[str], str]]()
        self._into, self._overwrite = into, overwrite
        known = DatasetIndex.load(into) if (into / INDEX_FILE).is_file() else ()
        self.known = {entry.id: entry for entry in known}

    def refuse_changed(self, *names: str) -> None:
        """Check, before the work starts, that tables of the dataset may be replaced.

        Raises:
            LaMoDInputError: a file was changed, or LaMoD did not write it.
        """
        GrowingFolder(self._into, DATASET, "pair").refuse_changed(*names)

    def entry(
        self, wanted: DatasetEntry, *, keep_split: bool, other_name: str = "another subject with --subject"
    ) -> DatasetEntry:
        """Register a case; call it before the case is written.

        Args:
            wanted: its entry; the id gets a number as suffix if another new case has it.
            keep_split: an existing case that is replaced keeps its split.
            other_name: how the user avoids the name of an existing case, for the message.

        Raises:
            LaMoDInputError: the dataset has a case of this id, which may not be overwritten.
        """
        entry = replace(wanted, id=free_id(wanted.id, [each.id for each in self.entries]))
        alike = [name for name in self.known if name.casefold() == entry.id.casefold()]
        if alike and (not self._overwrite or alike[0] != entry.id):
            raise LaMoDInputError(
                self._into,
                f"it contains the case '{alike[0]}' already",
                f"add --overwrite to replace it, or name {other_name}",
            )
        check_new_folder(self._into / "cases" / entry.id, CASE)
        if alike and keep_split:
            entry = replace(entry, split=self.known[entry.id].split)
        self.entries.append(entry)
        return entry


@contextmanager
def new_scans(out: str | Path, command: str, *, overwrite: bool) -> Iterator[NewScans]:
    """Yield a folder for new cases; they are added to the dataset `out` when the block ends without an exception.

    After an exception `out` is unchanged; a dataset that does not exist yet appears complete or not at all.

    Args:
        out: the dataset; it is created if necessary.
        command: name of the command, for the markers.
        overwrite: replace cases of the same id, unless they hold files that LaMoD did not write or that were changed.

    Raises:
        LaMoDInputError: LaMoD did not write the dataset, a case exists or may not be replaced, or the dataset cannot
            be written to.
    """
    into = GrowingFolder(out, DATASET, command).check()
    try:
        with created_parents(into), scratch_folder(into) as scratch:
            new = NewScans(scratch / "dataset", into, overwrite=overwrite)
            yield new
            if not os.path.lexists(into):
                _write_tables(new.folder, new, command)
                write_dataset_index(new.folder, new.entries, {"made_by": f"lamod {command}"}, command=command)
                atomic.replace(new.folder, into)
            else:
                GrowingFolder(into, DATASET, command).open()
                new.refuse_changed(*new.tables)
                for entry in new.entries:
                    _copy(new.folder / "cases" / entry.id, into / "cases" / entry.id, {}, command)
                _write_tables(into, new, command)
                _extend(into, new.entries, command)
    except OSError as error:
        raise unwritable(out, error) from error


def _write_tables(folder: Path, new: NewScans, command: str) -> None:
    home = GrowingFolder(folder, DATASET, command)
    home.open()
    for name, text_of in new.tables.items():
        present = home.path / name
        home.write_text(name, text_of(present.read_text(encoding="utf-8") if present.is_file() else ""))


def plain(name: str) -> str:
    """The name with only the characters that folder names may have on every system."""
    return portable_name(name, "case")


def free_id(wanted: str, taken: Collection[str]) -> str:
    """The id, with a number as suffix if it is taken; ids that differ only in case count as equal."""
    return free_name(wanted, taken)


def _add_all(source: DatasetIndex, into: Path) -> None:
    home = GrowingFolder(into, DATASET, "collect").open()
    taken = _taken(home)
    names: dict[str, str] = {}
    for entry in source:
        names[entry.id] = free_id(entry.id, taken)
        taken.add(names[entry.id])
    try:
        for entry in source:
            _copy(source.folder / "cases" / entry.id, home / "cases" / names[entry.id], names, "collect")
    except FileNotFoundError as error:
        raise LaMoDInputError(
            source.folder, f"a file of it is missing ({Path(error.filename or '').name})", "write the dataset again"
        ) from error
    _extend(home, [replace(entry, id=names[entry.id]) for entry in source], "collect")


def _taken(into: Path) -> set[str]:
    """Ids in the index, and folders left by an interrupted writer."""
    remove_leftovers(into / "cases")
    there = (into / "cases").iterdir() if (into / "cases").is_dir() else ()
    entries = DatasetIndex.load(into) if (into / INDEX_FILE).is_file() else ()
    return {entry.id for entry in entries} | {folder.name for folder in there}


def _copy(home: Path, target: Path, names: Mapping[str, str], command: str) -> None:
    if not home.is_dir():
        raise FileNotFoundError(2, "there is no such folder", str(home))
    with new_folder(target, CASE, command) as fresh:
        shutil.copytree(home, fresh, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MARKER, ".*.tmp-*"))
        about = read_json(fresh / "case.json", "write the dataset again")
        partner = about.get("paired_with")
        if isinstance(partner, str) and names.get(partner, partner) != partner:
            write_json(fresh / "case.json", {**about, "paired_with": names[partner]}, indent=1)


def _extend(into: Path, new: Sequence[DatasetEntry], command: str) -> None:
    """Add entries to dataset.json, or replace those of the same id; everything else in it is kept."""

    def changed(content: dict[str, Any]) -> dict[str, Any]:
        if content:
            DatasetIndex.load(into)  # reports a fault of it
        made_by = f"lamod {command}"
        if not content or content.get("made_by") != made_by:
            made_by = made_by if not content else _MADE_BY
        cases = {case["id"]: case for case in content.get("cases", [])}
        for entry in new:
            cases[entry.id] = {**cases.get(entry.id, {}), **asdict(entry)}
        return {"version": DATASET_VERSION, **content, "made_by": made_by, "cases": list(cases.values())}

    edit_dataset_index(into, changed, command=command)
