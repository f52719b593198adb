"""Agreement in people as text: `agreement.csv` and a section of the Markdown page."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from LaMoDCore.evaluation.bootstrap import Interval, bootstrap_mean
from LaMoDCore.evaluation.people.clustered import LEAST_PERSONS, Agreement
from LaMoDCore.evaluation.people.measures import QUANTITIES, SEGMENTAL_ECC, Pairs, paired_values
from LaMoDCore.evaluation.records import PAIRED, CaseRecord, SegmentRecord
from LaMoDCore.runtime.plain_text import counted, table_cell

CSV_FILE = "agreement.csv"
GROUPS = ("level", "disease", "segment")
_INTERVALS = ("bias", "sd", "lower", "upper", "icc", "cov")

DEFINITIONS = (
    "Differences are prediction minus DENSE; each scan at its own end-systole.",
    "Limits of agreement: bias ± 1.96 SD, with SD² the variance between persons plus that within a person.",
    "ICC(2,1): two-way random effects, absolute agreement, single measurement. CoV: SD / |mean of DENSE|.",
    "Brackets: 95 % intervals by bootstrap over persons, with all slices and segments of a person drawn together; "
    "percentiles expanded for few persons.",
    "Time to peak from end-diastole; segments that stretch more than they shorten have none.",
    "Coverage: share of 90 % intervals of the prediction that contain the DENSE value, which has an error of its own.",
)


@dataclass(frozen=True, eq=False)
class PeopleAgreement:
    """Agreement of every method with paired DENSE.

    Attributes:
        methods: names, in the order of the tables; the last one is shown in detail.
        pairs: values by (method, title of the quantity).
        failed: number of slices without a prediction, by method.
        contours: numbers of slices by origin and convention of the contours: of the cines, and of the DENSE scans.
    """

    methods: tuple[str, ...]
    pairs: dict[tuple[str, str], Pairs]
    failed: dict[str, int]
    contours: tuple[dict[str, int], dict[str, int]]

    @property
    def persons(self) -> int:
        """Number of persons with a pair."""
        return len({person for pairs in self.pairs.values() for person in pairs.persons})

    @property
    def slices(self) -> int:
        """Number of paired slices."""
        return len({part for pairs in self.pairs.values() if pairs.quantity.per_segment for part in pairs.slices})


def people_agreement(
    cases: Sequence[CaseRecord],
    segments: Sequence[SegmentRecord],
    contours: tuple[dict[str, int], dict[str, int]] = ({}, {}),
) -> PeopleAgreement | None:
    """Collect the values of every method and quantity; None without paired cases."""
    paired = [r for r in cases if r.truth == PAIRED]
    if not paired:
        return None
    methods = tuple(dict.fromkeys(r.model for r in paired))
    pairs = {(m, q.title): paired_values(q, m, cases, segments) for m in methods for q in QUANTITIES}
    failed = {m: sum(1 for r in paired if r.model == m and r.failed) for m in methods}
    return PeopleAgreement(methods, pairs, failed, contours)


def write_agreement_csv(path: Path, found: PeopleAgreement) -> None:
    """Write one row per method, quantity and group; strains in %, times in ms."""
    names = [f"{name}{end}" for name in _INTERVALS for end in ("", "_low", "_high")]
    header = ["method", "quantity", "unit", "group", "value", "persons", "slices", "values", *names]
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow([*header, "intervals", "coverage"])
        for pairs, group, value, agreement in _rows(found):
            numbers = [
                _number(bound)
                for name in _INTERVALS
                for interval in (getattr(agreement, name),)
                for bound in (interval.value, interval.lower, interval.upper)
            ]
            coverage = pairs.coverage() if not group else None
            last = ["", ""] if coverage is None else [str(coverage[0]), _number(coverage[1])]
            about = [pairs.method, pairs.quantity.title, pairs.quantity.unit, group, value]
            counts = [agreement.persons, agreement.slices, agreement.values]
            writer.writerow([table_cell(cell) for cell in (*about, *counts, *numbers, *last)])


def _rows(found: PeopleAgreement) -> Iterator[tuple[Pairs, str, str, Agreement]]:
    for pairs in found.pairs.values():
        yield pairs, "", "", pairs.agreement()
        for group in GROUPS if pairs.quantity.per_segment else GROUPS[:2]:
            for value, agreement in pairs.by(group).items():
                yield pairs, group, value, agreement


def people_section(found: PeopleAgreement) -> str:
    """The Markdown section: every method by quantity, and the last method by level, disease and segment."""
    last = found.methods[-1]
    lines = [
        f"## Agreement with paired DENSE: {counted(found.slices, 'slice')} of {counted(found.persons, 'person')}",
        "\n".join(f"- {each}" for each in DEFINITIONS),
    ]
    lines += [text for text in (contour_text(found), failure_text(found)) if text]
    for quantity in QUANTITIES:
        rows = [agreement_row(m, found.pairs[m, quantity.title].agreement(), quantity.unit) for m in found.methods]
        lines.append(f"### {quantity.title[0].upper()}{quantity.title[1:]}\n\n{_markdown('method', rows)}")
    main = found.pairs[last, SEGMENTAL_ECC.title]
    for group in GROUPS:
        rows = [agreement_row(value, each, SEGMENTAL_ECC.unit) for value, each in main.by(group).items()]
        lines.append(f"### {last}, segmental Ecc by {group}\n\n{_markdown(group, rows)}")
    covered = [coverage_text(found.pairs[m, SEGMENTAL_ECC.title]) for m in found.methods]
    if any(covered):
        lines.append("### Coverage of the 90 % intervals\n\n" + "\n".join(f"- {text}" for text in covered if text))
    return "\n\n".join(lines) + "\n"


def contour_text(found: PeopleAgreement) -> str:
    """Origin and convention of the contours, as a sentence; "" if it is not recorded."""
    parts = [
        f"{scan} {', '.join(f'{count} {kind}' for kind, count in counts.items())}"
        for scan, counts in zip(("cine", "DENSE"), found.contours, strict=True)
        if counts
    ]
    return f"Contours of slices: {'; '.join(parts)}." if parts else ""


def failure_text(found: PeopleAgreement) -> str:
    """How many slices the methods could not predict, as a sentence; "" if they predicted all."""
    parts = [f"{method} {counted(count, 'slice')}" for method, count in found.failed.items() if count]
    return f"Without a prediction, and left out here: {', '.join(parts)}." if parts else ""


def coverage_text(pairs: Pairs) -> str:
    """Coverage of a method's 90 % intervals with the number of persons, as a clause; "" without intervals."""
    coverage = pairs.coverage()
    if coverage is None:
        return ""
    interval = bootstrap_mean(pairs.covered(), pairs.persons)
    persons = len({p for p, one in zip(pairs.persons, pairs.covered(), strict=True) if math.isfinite(one)})
    share = f"{coverage[1]:.0%}"
    bounds = (
        ""
        if persons < LEAST_PERSONS or math.isnan(interval.lower)
        else f" [{interval.lower:.0%}, {interval.upper:.0%}]"
    )
    segments = f"{coverage[0]} segments of {counted(persons, 'person')}"
    return f"{pairs.method}: the 90 % intervals of segmental Ecc contain {share}{bounds} of {segments}"


COLUMNS = ("persons", "slices", "values", "bias", "limits of agreement", "ICC(2,1)", "CoV")


def agreement_row(name: str, found: Agreement, unit: str) -> list[str]:
    """A row: name, numbers of persons, slices and values, bias, limits, ICC and CoV, with intervals in brackets."""
    digits = 0 if unit == "ms" else 1
    limits = f"{_shown(found.lower.value, digits)} to {_shown(found.upper.value, digits)}"
    return [
        name,
        str(found.persons),
        str(found.slices),
        str(found.values),
        f"{_bracket(found.bias, digits)} {unit}",
        f"{limits} {unit}",
        _bracket(found.icc, 2, signed=False),
        "–" if math.isnan(found.cov.value) else f"{100 * found.cov.value:.0f} %",
    ]


def _markdown(first: str, rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {first} | {' | '.join(COLUMNS)} |", "|" + "---|" * (len(COLUMNS) + 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _bracket(interval: Interval, digits: int, *, signed: bool = True) -> str:
    if math.isnan(interval.value):
        return "–"
    value = _shown(interval.value, digits, signed=signed)
    if math.isnan(interval.lower):
        return value
    low, high = (_shown(bound, digits, signed=signed) for bound in (interval.lower, interval.upper))
    return f"{value} [{low}, {high}]"


def _shown(value: float, digits: int, *, signed: bool = True) -> str:
    if math.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0  # no negative zero
    return (f"{rounded:+.{digits}f}" if signed and rounded else f"{rounded:.{digits}f}").replace("-", "−")


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
