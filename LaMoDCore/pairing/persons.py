"""Match the persons of a cine folder with those of a DENSE folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from LaMoDCore.pairing.contents import Contents, contents_of, units_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

By = Literal["auto", "folder", "patient-id", "one"]
MATCHINGS: tuple[By, ...] = ("auto", "folder", "patient-id", "one")
_ANOTHER = "the cine is of another person than the DENSE study: their PatientIDs differ"


@dataclass(frozen=True)
class Person:
    """The cine and the DENSE scans of one person."""

    cine: Contents
    dense: Contents

    @property
    def name(self) -> str:
        """Name of the person's folder, for messages on the terminal and for the table of persons."""
        return self.cine.name

    @property
    def shares_reference(self) -> bool:
        """False if both scans state frames of reference and have none in common."""
        cine, dense = (side.identity.frames_of_reference for side in (self.cine, self.dense))
        return not cine or not dense or bool(cine & dense)


@dataclass(frozen=True)
class Mismatch:
    """A folder that is not paired.

    Attributes:
        side: "cine", "DENSE" or "both".
        name: name of the folder, for the terminal.
        reason: a clause without names.
    """

    side: Literal["cine", "DENSE", "both"]
    name: str
    reason: str


def match_persons(cine: Path, dense: Path, by: By = "auto") -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    """Match by the names of the subfolders, and the others by PatientID.

    Both sides are scans of one person if each is a file, or if each has only one examination or patient. With "auto",
    scans in folders of equal names whose PatientIDs differ are not paired.

    Args:
        cine: file or folder of one person, or folder of persons.
        dense: the same for DENSE.
        by: "folder" trusts the names of the subfolders; "patient-id" ignores them; "one" pairs everything as the scans
            of one person.

    Returns:
        The persons in the order of their names, and what could not be matched.

    Raises:
        LaMoDInputError: a path does not exist, a single person's scans are of two persons, or it is not clear which
            scans belong to a person.
    """
    sides = [contents_of(cine), contents_of(dense)]
    for side, path, what in zip(sides, (cine, dense), ("cine", "DENSE"), strict=True):
        if side.is_empty:
            raise LaMoDInputError(path, f"there are no {what} data in it", "name the folder of the scans")
    if by == "one":
        return (Person(*sides),), ()
    if by == "patient-id":
        return _by_patient(*(side.by_patient() for side in sides), where=cine)
    units = [units_of(cine, "cine"), units_of(dense, "dense")]
    common = {unit.name for unit in units[0]} & {unit.name for unit in units[1]}
    if by == "folder" or (common and not all(_one_examination(side) for side in sides)):
        return _by_name(units, trust=by == "folder", where=cine)
    if all(_one_person(side) for side in sides):
        first, second = (side.identity.patients for side in sides)
        if first and second and not first & second:
            remedy = "give the scans of one person, or add --by one if the PatientIDs were changed"
            raise LaMoDInputError(cine, _ANOTHER, remedy)
        return (Person(*sides),), ()
    patients = [side.by_patient() for side in sides]
    if all(patients):
        return _by_patient(*patients, where=cine)
    raise LaMoDInputError(
        cine,
        "the scans of several persons cannot be matched: no subfolder has the name of a DENSE folder, and PatientIDs "
        "are missing",
        "give the folders of a person equal names, or add --by one if all scans are of one person",
    )


def _one_examination(side: Contents) -> bool:
    """Whether all files state the same examination."""
    others = side.cases or side.arrays or side.workspaces
    return not others and len(side.identity.examinations) == 1


def _one_person(side: Contents) -> bool:
    """Whether the files are of one person, as far as they state it."""
    identity = side.identity
    if identity.patients:
        return len(identity.patients) == 1
    units = len(side.workspaces) + len(side.arrays) + len(side.cases)
    return len(identity.examinations) <= 1 and units <= 1


def _by_name(
    units: list[tuple[Contents, ...]], *, trust: bool, where: Path
) -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    cines, denses = ({unit.name: unit for unit in side} for side in units)
    persons: list[Person] = []
    mismatches: list[Mismatch] = []
    for name in [name for name in cines if name in denses]:
        person = Person(cines.pop(name), denses.pop(name))
        reason = "" if trust else _contradiction(person)
        if reason:
            mismatches.append(Mismatch("both", name, reason))
        else:
            persons.append(person)
    for name, unit in list(cines.items()):
        patients = unit.identity.patients
        same = [other for other, dense in denses.items() if patients and patients == dense.identity.patients]
        if len(same) == 1 and len(patients) == 1:
            persons.append(Person(cines.pop(name), denses.pop(same[0])))
    mismatches += [Mismatch("cine", name, "no DENSE folder has its name or PatientID") for name in cines]
    mismatches += [Mismatch("DENSE", name, "no cine folder has its name or PatientID") for name in denses]
    return _found(persons, mismatches, where)


def _contradiction(person: Person) -> str:
    """Why the scans of one folder name are not of one person; "" if nothing speaks against it."""
    cine, dense = person.cine.identity.patients, person.dense.identity.patients
    for patients, what in ((cine, "cine"), (dense, "DENSE")):
        if len(patients) > 1:
            return f"its {what} images are of {len(patients)} patients"
    return _ANOTHER if cine and dense and not cine & dense else ""


def _by_patient(
    cines: dict[str, Contents], denses: dict[str, Contents], *, where: Path
) -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    persons = [Person(cines[patient], denses[patient]) for patient in cines if patient in denses]
    mismatches = [
        Mismatch("cine", each.name, "no DENSE scan has its PatientID") for p, each in cines.items() if p not in denses
    ]
    mismatches += [
        Mismatch("DENSE", each.name, "no cine has its PatientID") for p, each in denses.items() if p not in cines
    ]
    return _found(persons, mismatches, where)


def _found(
    persons: list[Person], mismatches: list[Mismatch], where: Path
) -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    if not persons:
        reasons = list(dict.fromkeys(mismatch.reason for mismatch in mismatches))
        listed = f" ({'; '.join(reasons)})" if reasons else ""
        raise LaMoDInputError(
            where,
            f"none of the {counted(len(mismatches), 'folder')} could be matched{listed}",
            "give the folders of a person equal names, or --by patient-id, folder or one",
        )
    return tuple(sorted(persons, key=lambda person: person.name)), tuple(mismatches)
