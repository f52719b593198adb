"""Pair the studies of persons and add the pairs to a dataset, under pseudonyms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from LaMoDCore.dense.output import write_analysis
from LaMoDCore.io.dataset.collection import NewScans, new_scans
from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry, write_dataset_case
from LaMoDCore.pairing.about_persons import AboutPerson
from LaMoDCore.pairing.person import Pair, PairingOptions, Unpaired, nothing_paired, pair_person
from LaMoDCore.pairing.persons import By, Mismatch, Person, match_persons
from LaMoDCore.pairing.table import PAIRING_FILE, pair_row, unpaired_row, with_rows
from LaMoDCore.runtime.errors import LaMoDInputError, reason_of
from LaMoDCore.runtime.output.new_folder import refuse_input_inside
from LaMoDCore.runtime.plain_text import counted
from LaMoDCore.runtime.progress import SILENT, Progress

_COMMAND = "pair"
#: Maximum number of persons named in a message.
_MAX_NAMES = 3


@dataclass(frozen=True)
class DatasetOptions:
    """How pairs are added to the dataset.

    Attributes:
        prefix: beginning of the pseudonyms, which are numbered in the order of the persons' names.
        site, disease: of persons that the table does not contain.
        split: split of the dataset.
        about: rows of the table of persons, by the names of their folders.
        overwrite: replace cases of the same pseudonym.
    """

    prefix: str = "person"
    site: str = ""
    disease: str = ""
    split: str = "test"
    about: Mapping[str, AboutPerson] = field(default_factory=dict)
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class PairedPerson:
    """The outcome for one person.

    Attributes:
        subject: pseudonym.
        person: the scans.
        pairs: the pairs, and the ids of their (cine, DENSE) cases.
        unpaired: what could not be paired.
    """

    subject: str
    person: Person
    pairs: tuple[tuple[Pair, str, str], ...]
    unpaired: tuple[Unpaired, ...]


@dataclass(frozen=True, eq=False)
class PairingResult:
    """Every person, and the folders that were not matched."""

    persons: tuple[PairedPerson, ...]
    mismatches: tuple[Mismatch, ...]


def pair_studies(
    cine: Path,
    dense: Path,
    out: Path,
    options: PairingOptions,
    dataset: DatasetOptions,
    *,
    by: By = "auto",
    before_writing: Callable[[PairingResult], None] = lambda result: None,
    progress: Progress = SILENT,
) -> PairingResult:
    """Pair cine and DENSE studies and add the pairs to the dataset `out`.

    The dataset contains pseudonyms only: no PatientID, name, date or name of a folder is written. `out` does not change
    if nothing could be paired, or after an interruption.

    Args:
        cine: files or folder of one person, or folder of persons.
        dense: the same for DENSE.
        out: the dataset; it is created if necessary.
        options: options of the pairing.
        dataset: how the pairs are added.
        by: see `match_persons`.
        before_writing: called with the result before the dataset is written; an exception leaves `out` unchanged.
        progress: updated with each person.

    Raises:
        LaMoDInputError: nothing could be paired, the table of persons names somebody else, or the dataset cannot be
            written to.
    """
    refuse_input_inside(out, [cine, dense])
    done: list[PairedPerson] = []
    with new_scans(out, _COMMAND, overwrite=dataset.overwrite) as new:
        new.refuse_changed(PAIRING_FILE)
        progress.update("persons", 0.0, "matching the persons")
        persons, mismatches = match_persons(cine, dense, by)
        _refuse_strangers(dataset.about, persons, mismatches)
        if options.cine.rv_insertion_lps is not None and len(persons) > 1:
            remedy = "give the points of several persons in the column rv_insertion of --about"
            raise LaMoDInputError("--rv-insertion", f"it applies to one person, not {len(persons)}", remedy)
        subjects = _subjects(persons, dataset)
        _refuse_known(out, new, subjects, dataset)
        for number, (person, subject) in enumerate(zip(persons, subjects, strict=True)):
            part = _Part(progress, number, len(persons))
            own = _with_table(options, dataset.about.get(person.name, AboutPerson()))
            pairs, unpaired = _pairs_of(person, own, part, alone=len(persons) == 1)
            done.append(_write(new, person, subject, pairs, unpaired, dataset))
        if not new.entries:
            raise _nothing(dense, done, mismatches)
        _refuse_remnants(out, new, dataset)
        rows = [row for one in done for row in _rows(one)]
        new.tables[PAIRING_FILE] = partial(with_rows, rows=rows, subjects=frozenset(subjects))
        progress.update("write", 1.0, "the dataset")
        result = PairingResult(tuple(done), mismatches)
        before_writing(result)
    return result


def _refuse_strangers(
    about: Mapping[str, AboutPerson], persons: Sequence[Person], mismatches: Sequence[Mismatch]
) -> None:
    """Refuse rows of the table of persons that belong to nobody, such as one with a misspelt name.

    Raises:
        LaMoDInputError: there are such rows.
    """
    names = [person.name for person in persons]
    strangers = [name for name in about if name not in {*names, *(mismatch.name for mismatch in mismatches)}]
    if strangers:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        known = ", ".join(f"'{name}'" for name in names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
        raise LaMoDInputError(
            "--about", f"no person is called '{strangers[0]}'{more}", f"use the names of the cine folders ({known})"
        )


def _with_table(options: PairingOptions, about: AboutPerson) -> PairingOptions:
    """The options with the RV insertion and the levels of a person's row."""
    point = about.rv_insertion_lps or options.cine.rv_insertion_lps
    levels = tuple(about.levels.replace(",", " ").split()) or None
    return replace(options, cine=replace(options.cine, rv_insertion_lps=point, levels=levels))


def _pairs_of(
    person: Person, options: PairingOptions, progress: Progress, *, alone: bool
) -> tuple[list[Pair], list[Unpaired]]:
    """`pair_person`; an unexpected fault of one of several persons does not stop the others."""
    try:
        return pair_person(person, options, progress)
    except Exception as error:
        if alone:
            raise
        return [], [Unpaired("both", None, "the scans cannot be used", reason_of(error))]


class _Part(Progress):
    """Progress of one of several persons."""

    def __init__(self, whole: Progress, number: int, count: int) -> None:
        super().__init__()
        self._whole, self._number, self._count = whole, number, count

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        done = (self._number + min(max(fraction, 0.0), 1.0)) / self._count
        self._whole.update(stage, done, f"person {self._number + 1} of {self._count}: {message}")


def _subjects(persons: Sequence[Person], dataset: DatasetOptions) -> list[str]:
    """A pseudonym for each person."""
    digits = max(2, len(str(len(persons))))
    numbered = (f"{dataset.prefix}{number:0{digits}d}" for number in range(1, len(persons) + 1))
    given = [dataset.about.get(person.name, AboutPerson()).subject for person in persons]
    found = [own or other for own, other in zip(given, numbered, strict=True)]
    if len(set(found)) < len(found):
        raise LaMoDInputError("--about", "its pseudonyms coincide with numbered ones", "name another --prefix")
    return found


def _write(
    new: NewScans,
    person: Person,
    subject: str,
    pairs: Sequence[Pair],
    unpaired: Sequence[Unpaired],
    dataset: DatasetOptions,
) -> PairedPerson:
    about = dataset.about.get(person.name, AboutPerson())
    written = []
    for number, pair in enumerate(pairs, start=1):
        disease = about.disease or pair.cine.disease or dataset.disease
        ids = []
        for cohort, case in (("cine", pair.cine), ("dense", pair.dense)):
            wanted = DatasetEntry(
                id=f"{subject}-{number}-{cohort}",
                subject=subject,
                site=about.site or dataset.site,
                split=dataset.split,
                cohort=cohort,
                disease=disease,
                level=case.level,
            )
            ids.append(new.entry(wanted, keep_split=False, other_name="other pseudonyms with --prefix").id)
        cine = replace(pair.cine, id=ids[0], paired_with=ids[1], disease=disease)
        dense = replace(pair.dense, id=ids[1], paired_with=ids[0], disease=disease)
        write_dataset_case(new.folder, cine, command=_COMMAND)
        _write_dense(new.folder, dense, pair)
        written.append((replace(pair, motion=None), ids[0], ids[1]))
    return PairedPerson(subject, person, tuple(written), tuple(unpaired))


def _write_dense(folder: Path, case: DatasetCase, pair: Pair) -> None:
    if pair.motion is None:
        write_dataset_case(folder, case, command=_COMMAND)
    else:
        write_analysis(folder, case, pair.motion, command=_COMMAND)


def _rows(one: PairedPerson) -> list[dict[str, Any]]:
    paired = [pair_row(one.subject, pair, cine, dense) for pair, cine, dense in one.pairs]
    return paired + [unpaired_row(one.subject, each) for each in one.unpaired]


def _refuse_known(out: Path, new: NewScans, subjects: Sequence[str], dataset: DatasetOptions) -> None:
    """Refuse, before the work starts, to add persons that the dataset contains.

    Raises:
        LaMoDInputError: it contains a person, and `overwrite` is not set.
    """
    known = [entry.id for entry in new.known.values() if entry.subject in subjects]
    if known and not dataset.overwrite:
        raise LaMoDInputError(
            out,
            f"it contains the case '{known[0]}' already",
            "add --overwrite to replace it, or name other pseudonyms with --prefix",
        )


def _refuse_remnants(out: Path, new: NewScans, dataset: DatasetOptions) -> None:
    """Refuse to replace only some of the cases that an earlier pairing wrote under the same pseudonyms.

    Raises:
        LaMoDInputError: cases of these pseudonyms would remain, perhaps of another person.
    """
    written = {entry.id for entry in new.entries}
    subjects = {entry.subject for entry in new.entries}
    numbered = [s for s in {e.subject for e in new.known.values()} if _is_numbered(s, dataset.prefix)]
    again = any(entry.id in new.known for entry in new.entries)
    rest = sorted(
        entry.id
        for entry in new.known.values()
        if entry.id not in written and (entry.subject in subjects or (again and entry.subject in numbered))
    )
    if rest:
        raise LaMoDInputError(
            out,
            f"it contains {counted(len(rest), 'case')} of an earlier pairing that would remain ('{rest[0]}')",
            "pair into a new folder, or under other pseudonyms with --prefix",
        )


def _is_numbered(subject: str, prefix: str) -> bool:
    return subject.startswith(prefix) and subject[len(prefix) :].isdigit()


def _nothing(dense: Path, done: Sequence[PairedPerson], mismatches: Sequence[Mismatch]) -> LaMoDInputError:
    if len(done) == 1 and not mismatches:
        unpaired = [each for each in done[0].unpaired if not each.is_other]
        detail = next((each.detail for each in unpaired if each.detail), "")
        remedy = "check that both scans are of one examination, and the contours and positions of their slices"
        if detail and all(each.detail for each in unpaired if each.side != "cine"):
            return LaMoDInputError(dense, f"no slice could be paired: {nothing_paired(unpaired)} ({detail})", remedy)
        return LaMoDInputError(dense, f"no slice could be paired: {nothing_paired(unpaired)}", remedy)
    first = next((nothing_paired(one.unpaired) for one in done if one.unpaired), "")
    return LaMoDInputError(
        dense,
        f"no slice of {counted(len(done), 'person')} could be paired ({first})",
        "check that both scans are of one examination, and the contours and positions of their slices",
    )
