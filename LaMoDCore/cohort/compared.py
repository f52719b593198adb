"""Two sets of results of the same cases, by different models, readers or contours, compared number by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from LaMoDCore.evaluation.pages.compared_values import compared_values
from LaMoDCore.heart.geometry import Array
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
#: Largest distance between the planes of one slice in two results, mm, and least cosine between their normals.
_SAME_PLANE_MM, _SAME_NORMAL = 1.0, 0.999
Summaries = Mapping[str, Mapping[str, Any]]
Planes = Mapping[str, Array]


def compared_cohorts(
    own: Summaries, other: Summaries, planes: Planes | None = None, other_planes: Planes | None = None
) -> list[Comparison]:
    """Compare the results of the cases that have the same slices in both.

    Args:
        own, other: contents of strain.json by case.
        planes, other_planes: float [Z, 4, 4] (column, row, slice) to LPS mm of the slices by case, where known.
    """
    differ = set(cases_of_other_slices(own, other, planes, other_planes))
    both = [case for case in own if case in other and case not in differ]
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


def cases_of_other_slices(
    own: Summaries, other: Summaries, planes: Planes | None = None, other_planes: Planes | None = None
) -> list[str]:
    """The cases of both whose slices differ in number, level or, where it is known, position; see `compared_cohorts`.

    A reader or engine that leaves out a slice would otherwise have each slice compared with its neighbour.
    """
    found = []
    for case in own:
        if case not in other:
            continue
        levels = [[part.get("level") for part in each[case].get("slices", [])] for each in (own, other)]
        known = [(each or {}).get(case) for each in (planes, other_planes)]
        if levels[0] != levels[1] or not _are_same_planes(*known):
            found.append(case)
    return found


def _are_same_planes(own: Array | None, other: Array | None) -> bool:
    """Whether slices are in the same planes, whatever part of them their images show; True if a position is unknown."""
    if own is None or other is None:
        return True
    if own.shape != other.shape:
        return False
    for one, two in zip(own, other, strict=True):
        normals = [np.cross(each[:3, 0], each[:3, 1]) for each in (one, two)]
        normals = [normal / np.linalg.norm(normal) for normal in normals]
        distance = abs(float(normals[0] @ (two[:3, 3] - one[:3, 3])))
        if not (distance <= _SAME_PLANE_MM and abs(float(normals[0] @ normals[1])) >= _SAME_NORMAL):
            return False
    return True


def _is_empty(found: Comparison) -> bool:
    return not found.plotted({case: n for n, case in enumerate(found.cases)})["case"]


def _segments(own: Mapping[str, Any], other: Mapping[str, Any], key: str) -> list[tuple[str, float, float]]:
    """Place and values in per cent of the segments that both results, which have the same slices, have."""
    rows = []
    for z, (part, partner) in enumerate(zip(own.get("slices", []), other.get("slices", []), strict=True), start=1):
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
