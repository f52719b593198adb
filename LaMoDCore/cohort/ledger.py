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
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from LaMoDCore.cohort.work_list import CohortCase
from LaMoDCore.io.results.strain_json import notes_of
from LaMoDCore.runtime.atomic import leftovers, write_text
from LaMoDCore.runtime.json_file import json_object_if_any, write_json

CASE_COLUMNS = (
    "id", "subject", "site", "disease", "slices", "left_out", "levels", "rr_ms", "reference_frame", "es_frame",
    "gcs_es", "gcs_peak", "gcs_time_to_peak_ms", "grs_es", "grs_peak", "torsion_es_degrees", "unlike_training",
    "notes", "model", "seed",
)  # fmt: skip
SEGMENT_COLUMNS = (
    "id", "slice", "level", "segment", "aha", "name", "ecc_es", "ecc_peak", "ecc_extreme", "time_to_peak_ms", "err_es",
    "err_peak",
)  # fmt: skip
FAILURE_COLUMNS = ("id", "reason")


class Ledger:
    """The output folder of a cohort.

    Args:
        out: the folder; `open` creates it if it does not exist.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.cases, self.failures = out / "cases", out / "failures"

    def open(self) -> None:
        """Create the folders.

        Raises:
            OSError: they cannot be created.
        """
        self.cases.mkdir(parents=True, exist_ok=True)
        self.failures.mkdir(exist_ok=True)

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
        (self.failures / f"{case_id}.json").unlink(missing_ok=True)

    def record_failure(self, case_id: str, reason: str, detail: str = "") -> None:
        """Record why a case failed, and remove an older result of it, which is no longer valid."""
        shutil.rmtree(self.folder(case_id), ignore_errors=True)
        content = {"id": case_id, "reason": reason, "detail": detail}
        write_json(self.failures / f"{case_id}.json", content, indent=1)

    def remove_leftovers(self, case_id: str) -> None:
        """Remove temporary folders of this case that a killed process left behind."""
        for leftover in leftovers(self.cases, case_id):
            shutil.rmtree(leftover, ignore_errors=True)

    def reasons(self, cases: Iterable[CohortCase]) -> dict[str, str]:
        """Reason by failed case, in the order of the cohort."""
        found = {case.id: json_object_if_any(self.failures / f"{case.id}.json").get("reason") for case in cases}
        return {case_id: str(reason) for case_id, reason in found.items() if reason}

    def write_tables(self, cases: Sequence[CohortCase]) -> None:
        """Write summary.csv, segments.csv and failures.csv from the files on disk; each is replaced in one step."""
        rows, segments = [], []
        for case in cases:
            summary = self._summary(case.id)
            if summary:
                rows.append(_case_row(case, summary))
                segments.extend(_segment_rows(case, summary))
        failed = [{"id": case_id, "reason": reason} for case_id, reason in self.reasons(cases).items()]
        for name, columns, table in (
            ("summary.csv", CASE_COLUMNS, rows),
            ("segments.csv", SEGMENT_COLUMNS, segments),
            ("failures.csv", FAILURE_COLUMNS, failed),
        ):
            write_text(self.out / name, _csv(columns, table))

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
        writer.writerow({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()})
    return text.getvalue()
