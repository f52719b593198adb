"""Two sets of results of the same cases, by different models, readers or contours, compared number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from LaMoDCore.evaluation.pages.compared_values import compared_values
from LaMoDCore.report.html.comparison import Comparison
from LaMoDCore.report.numbers import number

#: Quantity -> part of strain.json and its key; fractions.
_WHOLE = {
    "GCS, peak": ("global", "gcs_peak"),
    "GCS at ES": ("global", "gcs_es"),
    "GRS, peak": ("global", "grs_peak"),
    "EF": ("function", "ef"),
}
_SEGMENTAL = {"segmental Ecc at ES": "ecc_es", "segmental peak Ecc": "ecc_peak"}
Summaries = Mapping[str, Mapping[str, Any]]


def compared_cohorts(own: Summaries, other: Summaries) -> list[Comparison]:
    """Compare the results of the cases that both have.

    Args:
        own, other: contents of strain.json by case.
    """
    both = [case for case in own if case in other]
    names = _names([own[case] for case in both], [other[case] for case in both])
    found = []
    for quantity, (part, key) in _WHOLE.items():
        pair = [[100 * number((each[case].get(part) or {}).get(key)) for case in both] for each in (own, other)]
        found.append(compared_values(quantity, "%", names, both, *pair))
    for quantity, key in _SEGMENTAL.items():
        rows = [(case, row) for case in both for row in _segments(own[case], other[case], key)]
        cases, places = [case for case, _ in rows], [place for _, (place, _, _) in rows]
        values, others = [value for _, (_, value, _) in rows], [value for _, (_, _, value) in rows]
        found.append(compared_values(quantity, "%", names, cases, values, others, places=places))
    return [each for each in found if not _is_empty(each)]


def _is_empty(found: Comparison) -> bool:
    return not found.plotted({case: n for n, case in enumerate(found.cases)})["case"]


def _segments(own: Mapping[str, Any], other: Mapping[str, Any], key: str) -> list[tuple[str, float, float]]:
    """Place and values in per cent of the segments that both results have in a slice of the same number."""
    rows = []
    for z, (part, partner) in enumerate(zip(own.get("slices", []), other.get("slices", []), strict=False), start=1):
        values = {row["name"]: number(row.get(key)) for row in partner.get("segments", [])}
        for row in part.get("segments", []):
            if row["name"] in values:
                rows.append((f"slice {z}, {row['name']}", 100 * number(row.get(key)), 100 * values[row["name"]]))
    return rows


def _names(own: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Models, if each set has one and they differ, else words."""
    models = [{str(each.get("provenance", {}).get("model") or "") for each in of} for of in (own, other)]
    if models[0] != models[1] and all(len(of) == 1 and "" not in of for of in models):
        return models[0].pop(), models[1].pop()
    return "these results", "compared results"
