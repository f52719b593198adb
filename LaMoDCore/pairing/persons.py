"""Match the persons of a cine folder with those of a DENSE folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from LaMoDCore.pairing.contents import Contents, contents_of, units_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import counted

By = Literal["auto", "folder", "patient-id", "one"]
MATCHINGS: tuple[By, ...] = ("auto", "folder", "patient-id", "one")
_ANOTHER = "the cine is of another person than the DENSE study: their PatientIDs differ"
_SEPARATE = "give the scans of one examination on each side, or add --by one if they all belong together"


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

    If a person's scans are of several examinations, those of the only one that both sides have are paired. If there is
    no such examination, the person is not paired. "one" does not check this.

    Returns:
        The persons in the order of their names, and what could not be matched.

    Raises:
        LaMoDInputError: a path does not exist, a single person's scans are of two persons or of several examinations,
            two folders have the same name, or it is not clear which scans belong to a person.
    """
    sides = [contents_of(cine), contents_of(dense)]
    for side, path, what in zip(sides, (cine, dense), ("cine", "DENSE"), strict=True):
        if side.is_empty:
            raise LaMoDInputError(path, f"there are no {what} data in it", "name the folder of the scans")
    if by == "one":
        return (Person(*sides),), ()
    if by == "patient-id":
        return _by_patient(sides, where=cine)
    units = [units_of(cine, "cine"), units_of(dense, "dense")]
    common = {unit.name for unit in units[0]} & {unit.name for unit in units[1]}
    if by == "folder" or (common and not all(_one_examination(side) for side in sides)):
        return _by_name(units, trust=by == "folder", where=cine)
    if all(_one_person(side) for side in sides):
        first, second = (side.identity.patients for side in sides)
        if first and second and not first & second:
            remedy = "give the scans of one person, or add --by one if the PatientIDs were changed"
            raise LaMoDInputError(cine, _ANOTHER, remedy)
        person, left_out = _of_one_examination(Person(*sides))
        if person is None:
            raise LaMoDInputError(cine, left_out[0].reason, _SEPARATE)
        return (person,), tuple(left_out)
    if all(side.identity.patients for side in sides):
        return _by_patient(sides, where=cine)
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


def _examinations(sides: Sequence[Contents]) -> list[frozenset[str]]:
    """The StudyInstanceUIDs of each examination: studies with a common frame of reference are parts of one."""
    parts: list[frozenset[str]] = []
    frames: list[frozenset[str]] = []
    for side in sides:
        for identity in side.identities.values():
            studies, references = identity.examinations, identity.frames_of_reference
            joined = [n for n, part in enumerate(parts) if part & studies or frames[n] & references]
            if studies:
                studies = studies.union(*(parts[n] for n in joined))
                references = references.union(*(frames[n] for n in joined))
                parts = [part for n, part in enumerate(parts) if n not in joined] + [studies]
                frames = [frame for n, frame in enumerate(frames) if n not in joined] + [references]
    return parts


def _of_one_examination(person: Person) -> tuple[Person | None, list[Mismatch]]:
    """The scans of the examination that both sides have, if one of them has several; and what is not used.

    Returns:
        The person, None if it is not clear which scans belong together; and the images of other examinations, or why
        the person cannot be paired.
    """
    examinations = _examinations((person.cine, person.dense))
    cine, dense = (
        {each for each in examinations if each & side.identity.examinations} for side in (person.cine, person.dense)
    )
    if len(cine) <= 1 and len(dense) <= 1:
        return person, []
    common = cine & dense
    if len(common) != 1:
        what, count = ("cine", len(cine)) if len(cine) > 1 else ("DENSE", len(dense))
        shared = f"{len(common)} of them" if common else "none of them"
        reason = f"its {what} images are of {count} examinations, and the other side has {shared}"
        return None, [Mismatch("both", person.name, reason)]
    (examination,) = common
    kept = Person(person.cine.of_examination(examination), person.dense.of_examination(examination))
    left_out: list[Mismatch] = []
    sides: tuple[tuple[Literal["cine", "DENSE"], Contents, Contents], ...] = (
        ("cine", person.cine, kept.cine),
        ("DENSE", person.dense, kept.dense),
    )
    for side, before, after in sides:
        files = len(before.dicom) - len(after.dicom)
        if files:
            what = "DENSE images" if side == "cine" else "cine"
            reason = f"{counted(files, 'file')} of another examination than the {what} left out"
            left_out.append(Mismatch(side, before.name, reason))
    return kept, left_out


def _by_name(
    units: list[tuple[Contents, ...]], *, trust: bool, where: Path
) -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    for side in units:
        twice = [name for name, count in Counter(unit.name for unit in side).items() if count > 1]
        if twice:
            raise LaMoDInputError(
                side[0].root.parent, f"two of its scans are called '{twice[0]}'", "rename one of them"
            )
    cines, denses = ({unit.name: unit for unit in side} for side in units)
    persons: list[Person] = []
    mismatches: list[Mismatch] = []
    for name in [name for name in cines if name in denses]:
        person = Person(cines.pop(name), denses.pop(name))
        reason = _contradiction(person, trust=trust)
        if reason:
            mismatches.append(Mismatch("both", name, reason))
        else:
            persons.append(person)
    if trust:
        mismatches += [Mismatch("cine", name, "no DENSE folder has its name") for name in cines]
        mismatches += [Mismatch("DENSE", name, "no cine folder has its name") for name in denses]
        return _found(persons, mismatches, where)
    # A PatientID that several folders have, such as a placeholder of an anonymisation, identifies nobody.
    folders = [Counter(patient for unit in side for patient in unit.identity.patients) for side in units]
    for name, unit in list(cines.items()):
        patients = unit.identity.patients
        same = [other for other, dense in denses.items() if patients == dense.identity.patients]
        if len(same) == 1 and len(patients) == 1 and all(side[next(iter(patients))] == 1 for side in folders):
            persons.append(Person(cines.pop(name), denses.pop(same[0])))

    def reason_of(unit: Contents, other: str) -> str:
        ambiguous = any(side[patient] > 1 for patient in unit.identity.patients for side in folders)
        return f"no {other} folder has its name" + (
            ", and several have its PatientID" if ambiguous else " or PatientID"
        )

    mismatches += [Mismatch("cine", name, reason_of(unit, "DENSE")) for name, unit in cines.items()]
    mismatches += [Mismatch("DENSE", name, reason_of(unit, "cine")) for name, unit in denses.items()]
    return _found(persons, mismatches, where)


def _contradiction(person: Person, *, trust: bool) -> str:
    """Why the scans of one folder name are not of one person; "" if nothing speaks against it."""
    cine, dense = person.cine.identity.patients, person.dense.identity.patients
    for patients, what in ((cine, "cine"), (dense, "DENSE")):
        if len(patients) > 1:
            return f"its {what} images are of {len(patients)} patients"
    return _ANOTHER if not trust and cine and dense and not cine & dense else ""


def _by_patient(sides: Sequence[Contents], *, where: Path) -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    cines, denses = (side.by_patient() for side in sides)
    persons = [Person(cines[patient], denses[patient]) for patient in cines if patient in denses]
    mismatches = [
        Mismatch("cine", each.name, "no DENSE scan has its PatientID") for p, each in cines.items() if p not in denses
    ]
    mismatches += [
        Mismatch("DENSE", each.name, "no cine has its PatientID") for p, each in denses.items() if p not in cines
    ]
    mismatches += [Mismatch("cine", name, "it has no PatientID") for name in sides[0].without_patient()]
    mismatches += [Mismatch("DENSE", name, "it has no PatientID") for name in sides[1].without_patient()]
    return _found(persons, mismatches, where)


def _found(
    persons: list[Person], mismatches: list[Mismatch], where: Path
) -> tuple[tuple[Person, ...], tuple[Mismatch, ...]]:
    checked = [_of_one_examination(person) for person in persons]
    persons = [person for person, _ in checked if person is not None]
    mismatches = [*mismatches, *(each for _, left_out in checked for each in left_out)]
    if not persons:
        reasons = list(dict.fromkeys(mismatch.reason for mismatch in mismatches))
        listed = f" ({'; '.join(reasons)})" if reasons else ""
        raise LaMoDInputError(
            where,
            f"none of the {counted(len(mismatches), 'folder')} could be matched{listed}",
            "give the folders of a person equal names, or --by patient-id, folder or one",
        )
    return tuple(sorted(persons, key=lambda person: person.name)), tuple(mismatches)
