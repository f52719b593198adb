"""Tables of the comparison: CSV files and a Markdown page."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.evaluation.agreement import bland_altman, icc
from LaMoDCore.evaluation.bootstrap import Interval, bootstrap_interval, bootstrap_mean, holm, paired_test
from LaMoDCore.evaluation.records import OWN, PAIRED, CaseRecord, SegmentRecord
from LaMoDCore.runtime.plain_text import counted, table_cell

GROUPS = ("disease", "level", "site")
#: Measures of the paired tests between methods, with the number of digits shown.
OWN_MEASURES = (("epe_mm", 2), ("epe_es_mm", 2), ("ecc_error", 3), ("err_error", 3))
PAIRED_MEASURES = (("ecc_error", 3), ("err_error", 3))
_DASH = "–"

DEFINITIONS = """\
- **EPE**: ‖predicted − true displacement‖ in the slice's plane, mean over the pixels of the true reference myocardium \
and all measured frames except the reference; at ES, over that frame. A missing prediction counts as zero displacement.
- **Ecc, Err error**: mean over a slice's segments of |predicted − true| Green–Lagrange strain at end-systole, as a \
fraction (0.01 = 1 %). Both are computed by the same code on the pixels of the true wall. *As drawn*, GCS and all \
comparisons with a paired scan use predicted strain on the wall as drawn, as `lamod predict` reports it.
- **ICC(2,1)**: two-way random effects, absolute agreement, single measurement (Shrout and Fleiss 1979).
- **Bias ± limits**: Bland–Altman, predicted − true, limits of agreement ± 1.96 SD.
- Brackets: 95 % percentile bootstrap over subjects. P: Wilcoxon signed-rank on subjects' mean differences, adjusted \
after Holm.
- A method that failed on a case counts as predicting no motion.
"""


def write_csv(path: Path, records: Sequence[CaseRecord] | Sequence[SegmentRecord]) -> None:
    """Write one row per record; the columns are its attributes, and missing numbers are empty."""
    if not records:
        path.write_text("", encoding="utf-8")
        return
    names = [f.name for f in fields(records[0])]
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([table_cell(_cell(getattr(record, name))) for name in names] for record in records)


def comparison_page(
    title: str,
    cases: Sequence[CaseRecord],
    segments: Sequence[SegmentRecord],
    *,
    remarks: Sequence[str] = (),
    reference_mm: float | None = None,
) -> str:
    """Format the Markdown page: overview, paired tests, groups, samples, failures.

    Args:
        title: title of the page.
        cases: records of every case and method.
        segments: records of every segment and method.
        remarks: sentences at the top.
        reference_mm: EPE of the rotation-blind reference, if known.
    """
    models = list(dict.fromkeys(r.model for r in cases))
    blocks = [f"# {title}", *remarks, DEFINITIONS]
    for truth, cohort in dict.fromkeys((r.truth, r.cohort) for r in sorted(cases, key=_section)):
        chosen = [r for r in cases if (r.truth, r.cohort) == (truth, cohort)]
        ids = {r.id for r in chosen}
        some = [s for s in segments if s.truth == truth and s.id in ids]
        subjects = len({r.subject for r in chosen})
        blocks.append(f"## {_heading(truth, cohort)}: {counted(len(ids), 'slice')} of {counted(subjects, 'subject')}")
        if truth == PAIRED:
            blocks.append(
                "Two scans of a plane have different pixels, so only segments are compared, each scan at its own ES."
            )
        blocks.append(_overview(models, chosen, some, reference_mm, pixelwise=truth == OWN))
        blocks.append(_paired_tests(models, chosen, OWN_MEASURES if truth == OWN else PAIRED_MEASURES))
        blocks += [_by_group(models, chosen, group) for group in GROUPS if len({getattr(r, group) for r in chosen}) > 1]
        blocks.append(_sampling(models, chosen))
    failures = [r for r in cases if r.failed]
    if failures:
        blocks.append("## Failures\n\n" + "\n".join(f"- {r.id}, {r.model}: {r.failed}" for r in failures))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _section(record: CaseRecord) -> tuple[bool, bool]:
    """Sort key: truth of the same scan before a paired one, DENSE masks before cine masks."""
    return record.truth == PAIRED, record.cohort != "dense"


def _heading(truth: str, cohort: str) -> str:
    against = "motion and strain against the truth of the same scan" if truth == OWN else "strain against paired DENSE"
    return f"Cohort '{cohort}', {against}"


def _overview(
    models: list[str],
    cases: list[CaseRecord],
    segments: list[SegmentRecord],
    reference_mm: float | None,
    *,
    pixelwise: bool,
) -> str:
    columns = ["method"]
    columns += ["EPE (mm)", "EPE / rotation-blind", "EPE at ES (mm)", "Ecc pixel error"] if pixelwise else []
    columns += [
        "Ecc error", "as drawn", "Err error", "peak Ecc error", "segmental Ecc ICC(2,1)", "segmental Ecc bias ± limits",
        "GCS ICC(2,1)", "GCS bias ± limits", "folded pixels", "s per slice",
    ]  # fmt: skip
    rows = []
    for model in models:
        mine = [r for r in cases if r.model == model]
        parts = [s for s in segments if s.model == model]
        row = [model]
        if pixelwise:
            row += [_mean(mine, "epe_mm", 2), _relative_to_reference(mine, reference_mm)]
            row += [_mean(mine, "epe_es_mm", 2), _mean(mine, "ecc_pixel_error", 3)]
        row += [
            _mean(mine, "ecc_error", 3),
            _mean(mine, "ecc_error_drawn", 3),
            _mean(mine, "err_error", 3),
            _mean(mine, "ecc_peak_error", 3),
        ]
        row += [_icc(parts, "ecc"), _limits(parts, "ecc"), _icc(mine, "gcs"), _limits(mine, "gcs")]
        folded = _finite([r.folded for r in mine])
        seconds = _finite([r.seconds for r in mine])
        row += [
            f"{100 * folded.mean():.2f} %" if folded.size else _DASH,
            f"{np.median(seconds):.2f}" if seconds.size else _DASH,
        ]
        rows.append(row)
    note = ""
    if pixelwise:
        motion = _finite([r.motion_es_mm for r in cases])
        note = f"\n\nMean true displacement at ES: {motion.mean():.2f} mm." if motion.size else ""
    return _markdown(columns, rows) + note


def _relative_to_reference(cases: Sequence[CaseRecord], reference_mm: float | None) -> str:
    errors = _finite([r.epe_mm for r in cases])
    return f"{errors.mean() / reference_mm:.2f} ×" if errors.size and reference_mm else _DASH


def _paired_tests(models: list[str], cases: list[CaseRecord], measures: Sequence[tuple[str, int]]) -> str:
    """Compare every method with the last one."""
    if len(models) < 2:
        return ""
    last = models[-1]
    rows = []
    tests = []
    for model in models[:-1]:
        for name, digits in measures:
            first, second, subjects = _aligned(cases, last, model, name)
            test = paired_test(first, second, subjects)
            tests.append(test.p_value)
            rows.append([f"{last} − {model}", name, bracket(test.difference, digits), str(test.subjects)])
    for row, p_value in zip(rows, holm(tests), strict=True):
        row.append(_DASH if math.isnan(p_value) else "< 0.001" if p_value < 0.001 else f"{p_value:.3f}")
    return "### Paired differences\n\n" + _markdown(["methods", "measure", "difference", "subjects", "P"], rows)


def _by_group(models: list[str], cases: list[CaseRecord], group: str) -> str:
    values = sorted({getattr(r, group) or "not given" for r in cases})
    columns = [group, "subjects", "slices"] + [
        f"{model}: {what}" for model in models for what in ("EPE (mm)", "Ecc error")
    ]
    rows = []
    for value in values:
        here = [r for r in cases if (getattr(r, group) or "not given") == value]
        row = [value, str(len({r.subject for r in here})), str(len({r.id for r in here}))]
        for model in models:
            mine = [r for r in here if r.model == model]
            row += [_mean(mine, "epe_mm", 2), _mean(mine, "ecc_error", 3)]
        rows.append(row)
    return f"### By {group}\n\n" + _markdown(columns, rows)


def _sampling(models: list[str], cases: list[CaseRecord]) -> str:
    rows = []
    for model in models:
        mine = [r for r in cases if r.model == model and math.isfinite(r.ecc_crps)]
        if mine:
            share = float(np.mean([r.ecc_coverage for r in mine]))
            due = float(np.mean([r.ecc_coverage_due for r in mine]))
            rows.append(
                [
                    model,
                    _mean(mine, "energy_score_mm", 2),
                    _mean(mine, "ecc_crps", 4),
                    f"{share:.0%} (expected {due:.0%})",
                ]
            )
    if not rows:
        return ""
    columns = [
        "method",
        "energy score of u at ES (mm)",
        "CRPS of segmental Ecc",
        "truth within the range of the samples",
    ]
    return "### The samples as a distribution\n\n" + _markdown(columns, rows)


def _aligned(cases: list[CaseRecord], first: str, second: str, name: str) -> tuple[list[float], list[float], list[str]]:
    by_model = {model: {r.id: r for r in cases if r.model == model} for model in (first, second)}
    shared = [i for i in by_model[first] if i in by_model[second]]
    return (
        [getattr(by_model[first][i], name) for i in shared],
        [getattr(by_model[second][i], name) for i in shared],
        [by_model[first][i].subject for i in shared],
    )


def _mean(records: Sequence[CaseRecord], name: str, digits: int) -> str:
    if not records:
        return _DASH
    return bracket(bootstrap_mean([getattr(r, name) for r in records], [r.subject for r in records]), digits)


def _icc(records: Sequence[CaseRecord] | Sequence[SegmentRecord], name: str) -> str:
    pairs = np.array([[getattr(r, name), getattr(r, f"{name}_true")] for r in records]).reshape(-1, 2)
    statistic: Callable[[Any], float] = lambda chosen: icc(pairs[chosen])  # noqa: E731
    return bracket(bootstrap_interval(statistic, [r.subject for r in records], repetitions=300), 2)


def _limits(records: Sequence[CaseRecord] | Sequence[SegmentRecord], name: str) -> str:
    found = bland_altman([getattr(r, name) for r in records], [getattr(r, f"{name}_true") for r in records])
    return _DASH if math.isnan(found.bias) else f"{_signed(found.bias)} ± {1.96 * found.sd:.3f}"


def bracket(interval: Interval, digits: int) -> str:
    """Format an estimate and its interval, if there is one, in brackets."""
    if math.isnan(interval.value):
        return _DASH
    if math.isnan(interval.lower):
        return _signless(interval.value, digits)
    low, high = (_signless(v, digits) for v in (interval.lower, interval.upper))
    return f"{_signless(interval.value, digits)} [{low}, {high}]"


def _signless(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _finite(values: list[float]) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return value


def _markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
