"""A table that a user gives about persons: pseudonym, disease, site, levels of the slices and RV insertion."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from LaMoDCore.runtime.bounded_reads import read_file
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import name_fault

_COLUMNS = ("person", "subject", "disease", "site", "levels", "rv_insertion")
#: Largest coordinate of a point in a scanner, in mm.
_FARTHEST_MM = 2000.0
_HELP = "give a CSV file with the columns person, and any of subject, disease, site, levels and rv_insertion"


@dataclass(frozen=True)
class AboutPerson:
    """A person's row of the table.

    Attributes:
        subject: pseudonym; "" to number the persons.
        disease: "" if unknown.
        site: "" if unknown.
        levels: levels of the cine slices from base to apex, such as "mid apex"; "" to propose them.
        rv_insertion_lps: anterior RV insertion point in LPS mm; None if it is not given.
    """

    subject: str = ""
    disease: str = ""
    site: str = ""
    levels: str = ""
    rv_insertion_lps: tuple[float, float, float] | None = None


def read_about_persons(path: Path) -> Mapping[str, AboutPerson]:
    """Read the table: the name of a person's folder to the row of the table.

    Raises:
        LaMoDInputError: it is no such table, a person or pseudonym occurs twice, or a pseudonym is not a valid name.
    """
    try:
        text = read_file(path).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise LaMoDInputError(path, "it is not a CSV file in UTF-8", _HELP) from error
    names = set(rows[0]) if rows else set()
    if "person" not in names or not names <= set(_COLUMNS):
        raise LaMoDInputError(path, "its columns are not those of a table of persons", _HELP)
    found: dict[str, AboutPerson] = {}
    for row in rows:
        values = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        person, subject = values.pop("person"), values["subject"]
        if not person or person in found:
            raise LaMoDInputError(path, "a person is missing in a row, or occurs twice", "give each person one row")
        if subject and name_fault(subject):
            raise LaMoDInputError(path, f"the subject '{subject}': {name_fault(subject)}", "use letters and digits")
        if subject and subject in {other.subject for other in found.values()}:
            raise LaMoDInputError(path, f"the subject '{subject}' occurs twice", "give each person another one")
        point = _point(values.pop("rv_insertion"), path)
        found[person] = AboutPerson(**values, rv_insertion_lps=point)
    return found


def _point(text: str, path: Path) -> tuple[float, float, float] | None:
    if not text:
        return None
    try:
        x, y, z = (float(part) for part in text.replace(",", " ").replace(";", " ").split())
    except ValueError:
        x = y = z = math.nan
    if not all(math.isfinite(value) and abs(value) < _FARTHEST_MM for value in (x, y, z)):
        raise LaMoDInputError(path, f"the rv_insertion '{text}' is not a point", "give X Y Z in LPS mm")
    return x, y, z
