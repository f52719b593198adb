"""Pages of the cases of an evaluation, with the prediction of one method next to the true numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from LaMoDCore import __version__
from LaMoDCore.evaluation.prediction_cache import SECONDS
from LaMoDCore.evaluation.records import OWN, CaseComparison
from LaMoDCore.evaluation.truth import Truth
from LaMoDCore.function.summary import function_summary
from LaMoDCore.heart.case import Case, StrainResult
from LaMoDCore.heart.notes import NoteGroup, Severity, grouped
from LaMoDCore.report.html.page import PageParts, html_report
from LaMoDCore.report.html.thumbnail import thumbnail
from LaMoDCore.report.numbers import Row
from LaMoDCore.report.style import percent
from LaMoDCore.runtime.errors import shareable_reason
from LaMoDCore.runtime.output.new_folder import unwritable
from LaMoDCore.strain import end_systole, quality_notes, summarise
from LaMoDCore.uncertainty.calibration import Calibration
from LaMoDCore.uncertainty.global_intervals import with_global_intervals
from LaMoDCore.uncertainty.intervals import calibrated, with_uncertainty


@dataclass(frozen=True)
class CasePage:
    """A page that was written.

    Attributes:
        address: relative to the folder of the evaluation; "" if it could not be written.
        picture: thumbnail as a WebP file.
        severity, note: worst note of the case.
    """

    address: str
    picture: bytes = b""
    severity: Severity | None = None
    note: str = ""


class CasePages:
    """Writes the pages of an evaluation to a folder, as ``cases/ID/report.html``.

    Args:
        folder: an existing folder.
        calibration: calibration of the method whose predictions are shown.
    """

    def __init__(self, folder: Path, calibration: Calibration | None) -> None:
        self.folder = folder
        self.found: dict[str, CasePage] = {}
        self._calibration = calibration

    def add(self, case_id: str, case: Case, comparison: CaseComparison, truth: Truth) -> None:
        """Write the page of one case. A fault of the page is noted and does not stop the evaluation.

        Raises:
            LaMoDInputError: the page cannot be written, such as on a full disk.

        Args:
            case_id: its name.
            case: the input of the method, with its images.
            comparison: the method compared with `truth`.
            truth: of the same or of the paired scan.
        """
        if comparison.case.failed:  # its errors are those of no motion, which is no prediction
            self.found[case_id] = CasePage("", severity="error")
            return
        first: NoteGroup | None = None
        try:
            es_frame = truth.es_frame if comparison.case.truth == OWN else end_systole(case)
            result = _result(case, comparison, es_frame, self._calibration)
            first = next(iter(grouped(result.notes)), None)
            text = html_report(result, PageParts(reference=_reference_rows(comparison)))
            picture = thumbnail(result)
        except Exception as error:
            self.found[case_id] = _without_page(error, first)
            return
        path = self.folder / "cases" / case_id / "report.html"
        try:
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise unwritable(path, error) from error
        self.found[case_id] = CasePage(
            address=f"cases/{quote(case_id)}/report.html",
            picture=picture,
            severity=None if first is None else first.note.severity,
            note="" if first is None else first.note.text,
        )


def _without_page(error: Exception, first: NoteGroup | None) -> CasePage:
    """Why a case has no page, after its worst note if that is at least as severe."""
    reason = f"No page: {shareable_reason(error)}"
    if first is None or first.note.severity == "info":
        return CasePage("", severity="warning", note=reason)
    return CasePage("", severity=first.note.severity, note=f"{first.note.text} {reason}")


def _result(case: Case, comparison: CaseComparison, es_frame: int, calibration: Calibration | None) -> StrainResult:
    """The prediction of a method as `predict_strain` returns it."""
    motion = comparison.motion
    strains = tuple(
        calibrated(strain, slice_, case.reference_frame, calibration)
        for strain, slice_ in zip(comparison.strains, case.slices, strict=True)
    )
    samples = motion.slices[0].samples_mm
    count = 1 if samples is None else len(samples)
    summary = with_uncertainty(summarise(case, strains, es_frame), [None] * len(strains), calibration, count)
    summary = with_global_intervals(summary, case, strains, es_frame, calibration)
    function, thickness, notes = function_summary(case, es_frame)
    for part, rows in zip(summary["slices"], thickness, strict=True):
        part["thickness"] = rows
    stored = {key: value for key, value in motion.provenance.items() if key not in ("seconds", SECONDS)}
    provenance = {"lamod_version": __version__, "model": comparison.case.model, "samples": count, **stored}
    findings = (*quality_notes(case, motion, strains, es_frame), *notes)
    summary = {**summary, "function": function, "provenance": provenance}
    return StrainResult(case, motion, strains, es_frame, summary, findings)


def _reference_rows(comparison: CaseComparison) -> Sequence[Row]:
    """The true numbers for the table of the page."""
    record = comparison.case
    origin = "true motion" if record.truth == OWN else "paired DENSE scan"
    rows = []
    for name, value, predicted in (
        ("GCS at end-systole", record.gcs_true, record.gcs),
        ("GCS, peak", record.gcs_peak_true, record.gcs_peak),
        ("GRS at end-systole", record.grs_true, record.grs),
    ):
        rows.append(Row(f"{name}, true", f"{percent(value)} %", "", f"{origin}; predicted {percent(predicted)} %"))
    error = f"{100 * record.ecc_error:.1f} %"
    rows.append(Row("Error of segmental Ecc", error, "", f"mean |difference| at end-systole, {origin}"))
    return [row for row in rows if "–" not in row.value and "nan" not in row.value]
