"""Record of finished and failed cases. It exists only on disk, so any process on any machine can continue the work.

cases/ID/         one result per case, as `lamod predict` writes it; appears complete or not at all
failures/ID.json  one file per failed case: the reason in one line, and the traceback if the input is not at fault
summary.csv       one row per case: whole-heart strain
segments.csv      one row per segment
failures.csv      one row per failed case
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from LaMoDCore.cohort.compared import cases_of_other_slices, compared_cohorts
from LaMoDCore.cohort.entries import MEASURES, cohort_entry
from LaMoDCore.cohort.work_list import CohortCase
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.results.strain_json import conventions_of, notes_of
from LaMoDCore.prediction.writer import CONTENTS as RESULT
from LaMoDCore.report.html.bokeh_script import check_bokeh
from LaMoDCore.report.html.cohort_page import CohortEntry, Headings, cohort_page
from LaMoDCore.runtime.array_files import read_npz
from LaMoDCore.runtime.atomic import remove_leftovers
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.json_file import json_object_if_any
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.output.new_folder import remove_output
from LaMoDCore.runtime.plain_text import counted, table_row, text_of_cell, visible

CASE_COLUMNS = (
    "id", "subject", "site", "disease", "slices", "left_out", "levels", "rr_ms", "reference_frame", "es_frame",
    "gcs_es", "gcs_peak", "gcs_time_to_peak_ms", "grs_es", "grs_peak", "torsion_es_degrees", "unlike_training",
    "notes", "contour_convention", "model", "seed",
)  # fmt: skip
SEGMENT_COLUMNS = (
    "id", "slice", "level", "segment", "aha", "name", "ecc_es", "ecc_peak", "ecc_extreme", "time_to_peak_ms", "err_es",
    "err_peak",
)  # fmt: skip
FAILURE_COLUMNS = ("id", "reason")
#: Contents of the folder, for its marker.
CONTENTS = "predictions of a cohort"
_TABLES = ("summary.csv", "segments.csv", "failures.csv")
_INDEX = "index.html"
#: For the page, if only a reason that may contain paths is recorded.
_UNSHARED = "See failures.csv."


class Ledger:
    """The output folder of a cohort.

    Args:
        out: the folder; `open` creates it if it does not exist.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.cases, self.failures = out / "cases", out / "failures"
        self._folder = GrowingFolder(out, CONTENTS, "predict-cohort")

    def open(self) -> None:
        """Create the folders, and remove what killed processes left in them.

        Raises:
            LaMoDInputError: the folder exists, and LaMoD did not write it or its tables were changed.
            OSError: they cannot be created.
        """
        self._folder.open()
        self._folder.refuse_changed(*_TABLES, _INDEX)
        self.cases.mkdir(parents=True, exist_ok=True)
        self.failures.mkdir(exist_ok=True)
        self.remove_leftovers()

    def folder(self, case_id: str) -> Path:
        """The folder of the case's result."""
        return self.cases / case_id

    def request(self, case_id: str) -> str | None:
        """The request that the case's result belongs to; None without a complete result."""
        summary = self._summary(case_id)
        found = summary.get("provenance", {}).get("cohort_request")
        return found if isinstance(found, str) else None

    def forget_failure(self, case_id: str) -> None:
        """Remove the recorded failure of a case, if there is one."""
        self._folder.remove(f"failures/{case_id}.json")

    def record_failure(self, case_id: str, reason: str, shareable: str, detail: str = "") -> None:
        """Record why a case failed, and remove an older result of it, which is no longer valid.

        A result that somebody has changed or added files to is kept, but not listed in the tables.

        Args:
            case_id: the case.
            reason: for failures.csv.
            shareable: the reason without paths, for index.html.
            detail: the traceback of an unexpected error.
        """
        remove_output(self.folder(case_id), RESULT)
        content = {"id": case_id, "reason": reason, "shareable": shareable, "detail": detail}
        self._folder.write_json(f"failures/{case_id}.json", content, indent=1)

    def remove_leftovers(self) -> None:
        """Remove temporary folders that killed processes left behind."""
        remove_leftovers(self.cases)
        remove_leftovers(self.failures)

    def reasons(self, cases: Iterable[CohortCase], *, shareable: bool = False) -> dict[str, str]:
        """Reason by failed case, in the order of the cohort.

        Args:
            cases: the cases.
            shareable: without paths; LaMoD 1.x did not record these.
        """
        names = {case.id: f"failures/{case.id}.json" for case in cases}
        listed = self._folder.listed()
        found = {case_id: json_object_if_any(self.out / name) for case_id, name in names.items() if name in listed}
        return {
            case_id: str(content.get("shareable") or _UNSHARED) if shareable else str(content["reason"])
            for case_id, content in found.items()
            if content.get("reason")
        }

    def write_tables(self, cases: Sequence[CohortCase], unlisted: Mapping[str, str] | None = None) -> None:
        """Write summary.csv, segments.csv and failures.csv from the files on disk; each is replaced in one step.

        Args:
            cases: the cases.
            unlisted: further failures: reason by name.
        """
        rows, segments = [], []
        reasons = {**self.reasons(cases), **(unlisted or {})}
        for case in cases:
            summary = self._summary(case.id)
            if summary and case.id not in reasons:
                rows.append(_case_row(case, summary))
                segments.extend(_segment_rows(case, summary))
        failed = [{"id": case_id, "reason": reason} for case_id, reason in reasons.items()]
        for name, columns, table in (
            ("summary.csv", CASE_COLUMNS, rows),
            ("segments.csv", SEGMENT_COLUMNS, segments),
            ("failures.csv", FAILURE_COLUMNS, failed),
        ):
            self._folder.write_text(name, _csv(columns, table))

    def stored_cases(self) -> list[CohortCase]:
        """The cases that have a result or a recorded failure: those of the tables in their order, then others."""
        names = self._stored()
        listed = [name for table in ("summary.csv", "failures.csv") for name in self._ids(table) if name in names]
        return [CohortCase(name, self.folder(name)) for name in dict.fromkeys([*listed, *sorted(names)])]

    def unlisted_failures(self) -> dict[str, str]:
        """Cases of failures.csv without a recorded failure, such as invalid entries of a dataset, for `write_index`."""
        names = self._ids("failures.csv")
        known = self.reasons([CohortCase(name, self.folder(name)) for name in names])
        return {name: _UNSHARED for name in names if name not in known}

    def _stored(self) -> set[str]:
        return {path.name for path in self.cases.glob("*") if path.is_dir()} | {
            path.stem for path in self.failures.glob("*.json")
        }

    def _ids(self, table: str) -> list[str]:
        """Cases of one of LaMoD's own tables; none if it is missing or was changed."""
        if not self._folder.owns(table):
            return []
        with (self.out / table).open(encoding="utf-8", newline="") as file:
            cells = [text_of_cell(row["id"]) for row in csv.DictReader(file)]
        stored = {visible(name, keep="\n"): name for name in self._stored()}  # tables show invisible characters
        return [stored.get(cell, cell) for cell in cells]

    def write_index(
        self,
        cases: Sequence[CohortCase],
        unlisted: Mapping[str, str] | None = None,
        compared: Ledger | None = None,
    ) -> None:
        """Write index.html from the files on disk, in one step.

        Args:
            cases: the cases.
            unlisted: further failures: reason by name.
            compared: other results of the same cases, for plots of the agreement.

        Raises:
            LaMoDInputError: Bokeh is not installed, or both have no case in common.
        """
        reasons = {**self.reasons(cases, shareable=True), **(unlisted or {})}
        summaries = {
            case.id: summary for case in cases if case.id not in reasons and (summary := self._summary(case.id))
        }
        entries = [cohort_entry(case_id, self.folder(case_id), summary) for case_id, summary in summaries.items()]
        failed = [CohortEntry(case_id, failure=reason) for case_id, reason in reasons.items()]
        comparisons, headings = [], Headings()
        if compared is not None:
            other = compared.summaries(list(summaries))
            both = summaries, other, self.planes(other), compared.planes(other)
            comparisons, differ = compared_cohorts(*both), cases_of_other_slices(*both)
            if not comparisons:
                reason = "no case has the same slices in both" if differ else "it has no result of the same cases"
                raise LaMoDInputError(compared.out, reason, "name results of the same cohort")
            if differ:
                text = f"Not compared, since their slices differ: {counted(len(differ), 'case')}."
                headings = replace(headings, remarks=(text,))
        self._folder.write_text(_INDEX, cohort_page([*entries, *failed], MEASURES, headings, comparisons))

    def refresh_index(self, cases: Sequence[CohortCase], unlisted: Mapping[str, str] | None = None) -> None:
        """Write index.html again if an earlier run wrote it; without Bokeh remove it, as it shows older results.

        Args:
            cases, unlisted: as for `write_index`.
        """
        if not (self.out / _INDEX).is_file():
            return
        try:
            check_bokeh()
        except LaMoDInputError:
            self._folder.remove(_INDEX)
        else:
            self.write_index(cases, unlisted)

    def planes(self, names: Iterable[str]) -> dict[str, Array]:
        """Positions of the slices, float [Z, 4, 4], of the cases whose results have them in motion.npz."""
        files = {name: self.folder(name) / "motion.npz" for name in names}
        return {name: read_npz(path, ["ijk_to_lps"])["ijk_to_lps"] for name, path in files.items() if path.is_file()}

    def summaries(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Contents of strain.json of the cases that have a result."""
        return {name: summary for name in names if (summary := self._summary(name))}

    def _summary(self, case_id: str) -> dict[str, Any]:
        return json_object_if_any(self.folder(case_id) / "strain.json")


def _case_row(case: CohortCase, summary: Mapping[str, Any]) -> dict[str, Any]:
    whole, slices = summary.get("global", {}), summary.get("slices", [])
    notes = notes_of(summary)
    return {
        **whole,
        "id": case.id,
        "subject": case.subject,
        "site": case.site,
        "disease": case.disease,
        "slices": len(slices),
        "levels": " ".join(str(s.get("level", "")) for s in slices),
        "left_out": sum(note.code in ("slice_left_out", "slice_repeated") for note in notes),
        "rr_ms": slices[0].get("rr_ms") if slices else None,
        "reference_frame": summary.get("reference_frame"),
        "es_frame": summary.get("es_frame"),
        "torsion_es_degrees": summary.get("indices", {}).get("torsion_es_degrees"),
        "unlike_training": sum(bool(s.get("unlike_training", {}).get("flagged")) for s in slices),
        "notes": sum(note.severity != "info" for note in notes),
        "contour_convention": " ".join(each.used for each in conventions_of(summary) if each.used is not None),
        "model": summary.get("provenance", {}).get("model"),
        "seed": summary.get("provenance", {}).get("seed"),
    }


def _segment_rows(case: CohortCase, summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {**segment, "id": case.id, "slice": number, "level": slice_.get("level")}
        for number, slice_ in enumerate(summary.get("slices", []), 1)
        for segment in slice_.get("segments", [])
    ]


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(table_row({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()}))
    return text.getvalue()
