"""index.html of an evaluation: its cases with their errors, and plots of prediction against truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from LaMoDCore.evaluation.pages.case_pages import CasePage
from LaMoDCore.evaluation.pages.compared_values import compared_values
from LaMoDCore.evaluation.records import OWN, CaseRecord, SegmentRecord
from LaMoDCore.report.html.cohort_page import CohortEntry, Headings, Measure, cohort_page
from LaMoDCore.report.html.comparison import Comparison

MEASURES = {
    "gcs": Measure("GCS at ES", "%", 1, True),
    "gcs_true": Measure("True GCS at ES", "%", 1, True),
    "ecc_error": Measure("Ecc error", "%", 1),
    "epe_mm": Measure("Endpoint error", "mm", 2),
}
#: Quantities of the plots: name, attribute of the record, and whether it belongs to segments; fractions, or ms.
_QUANTITIES = (
    ("segmental Ecc at ES", "ecc", True),
    ("segmental peak Ecc", "ecc_peak", True),
    ("segmental Err at ES", "err", True),
    ("segmental time to peak Ecc", "time_ms", True),
    ("GCS at ES", "gcs", False),
    ("GCS, peak", "gcs_peak", False),
    ("GRS at ES", "grs", False),
)


def evaluation_index(
    cases: Sequence[CaseRecord],
    segments: Sequence[SegmentRecord],
    pages: Mapping[str, CasePage],
    *,
    failures: Mapping[str, str],
    without_truth: Sequence[str],
    remarks: Sequence[str] = (),
) -> str:
    """The text of index.html.

    Args:
        cases, segments: records of every method; the last method is shown in the table.
        pages: pages of the cases.
        failures: why cases were left out, without paths.
        without_truth: cases without a truth.
        remarks: sentences below the title.
    """
    method = cases[-1].model
    # a case with motion of its own is shown with that, whether it has a paired scan or not
    shown = {record.id: record for record in reversed(cases) if record.model == method}
    shown |= {record.id: record for record in cases if record.model == method and record.truth == OWN}
    ordered = [shown[case_id] for case_id in dict.fromkeys(record.id for record in cases)]
    entries = [_entry(record, pages.get(record.id, CasePage(""))) for record in ordered]
    entries += [
        CohortEntry(name, severity="info", note="It has no true motion.", lacks="a truth") for name in without_truth
    ]
    entries += [CohortEntry(name, failure=reason) for name, reason in failures.items()]
    headings = Headings(
        title="Evaluation",
        done="compared",
        picture="Predicted Ecc at ES",
        about="Heart",
        remarks=(
            *remarks,
            f"Table and pages of the cases: {method}. Ecc error: mean |difference| of the segments at end-systole; "
            "endpoint error: mean over all frames.",
        ),
    )
    return cohort_page(entries, MEASURES, headings, comparisons(cases, segments))


def _entry(record: CaseRecord, page: CasePage) -> CohortEntry:
    about = ", ".join(part for part in (record.level, record.disease) if part)
    if record.failed:  # its other numbers are those of no motion, which nobody predicted
        failure = "the method failed, see cases.csv"
        return CohortEntry(record.id, measures={"gcs_true": record.gcs_true}, about=about, failure=failure)
    return CohortEntry(
        id=record.id,
        page=page.address,
        picture=page.picture,
        measures={key: getattr(record, key) for key in MEASURES},
        about=about,
        severity=page.severity,
        note=page.note,
    )


def comparisons(cases: Sequence[CaseRecord], segments: Sequence[SegmentRecord]) -> list[Comparison]:
    """Every method against the truth, in every quantity that has values; predictions that failed are left out."""
    kinds = dict.fromkeys(record.truth for record in cases)
    found = []
    for kind in kinds:
        reference = "truth" if kind == OWN else "paired DENSE"
        for method in dict.fromkeys(record.model for record in cases):
            own = [r for r in cases if (r.truth, r.model) == (kind, method) and not r.failed]
            known = {record.id for record in own}
            parts = [s for s in segments if (s.truth, s.model) == (kind, method) and s.id in known]
            for quantity, name, per_segment in _QUANTITIES:
                records: Sequence[CaseRecord | SegmentRecord] = parts if per_segment else own
                if not records:
                    continue
                title = quantity if len(kinds) == 1 else f"{quantity}, {reference}"
                found.append(_compared(title, name, (method, reference), records))
    return found


def _compared(
    title: str, name: str, names: tuple[str, str], records: Sequence[CaseRecord | SegmentRecord]
) -> Comparison:
    unit, factor = ("ms", 1.0) if name.endswith("_ms") else ("%", 100.0)
    return compared_values(
        title,
        unit,
        names,
        [record.id for record in records],
        [factor * getattr(record, name) for record in records],
        [factor * getattr(record, f"{name}_true") for record in records],
        places=[_place(record) for record in records if isinstance(record, SegmentRecord)],
        persons=[record.subject for record in records],
    )


def _place(record: SegmentRecord) -> str:
    number = "" if record.aha is None else f" (AHA {record.aha})"
    return f"slice {record.slice}, {record.name}{number}"
