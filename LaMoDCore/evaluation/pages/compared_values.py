"""Values of a method and a reference for the plots of an index page, with their agreement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from LaMoDCore.evaluation.people.clustered import clustered_agreement
from LaMoDCore.report.html.comparison import Comparison, agreement_sentence
from LaMoDCore.runtime.plain_text import counted


def compared_values(
    quantity: str,
    unit: str,
    names: tuple[str, str],
    cases: Sequence[str],
    values: npt.ArrayLike,
    reference_values: npt.ArrayLike,
    *,
    places: Sequence[str] = (),
    persons: Sequence[str] = (),
) -> Comparison:
    """Compare a method with a reference.

    Limits of agreement are bias ± 1.96 SD, with the variances between and within persons as in
    `LaMoDCore.evaluation.people.clustered`.

    Args:
        quantity, unit: what the values are.
        names: the method and the reference.
        cases: [n] case of each value.
        values, reference_values: [n], in the unit; NaN where unknown.
        places: [n] segment of each value; empty for values of the whole heart.
        persons: [n] person of each value; by default each case is another person.
    """
    method, reference = np.asarray(values, dtype=np.float64), np.asarray(reference_values, dtype=np.float64)
    found = clustered_agreement(method, reference, persons or cases, cases, repetitions=1)
    limits = found.bias.value, found.lower.value, found.upper.value
    known = np.isfinite(method) & np.isfinite(reference)
    number = counted(len({cases[k] for k in np.flatnonzero(known).tolist()}), "case")
    count = f"{counted(found.values, 'segment')} of {number}" if places else number
    return Comparison(
        quantity=quantity,
        unit=unit,
        method=names[0],
        reference=names[1],
        cases=cases,
        places=places or [""] * len(cases),
        values=method,
        reference_values=reference,
        bias=limits[0],
        lower=limits[1],
        upper=limits[2],
        summary=agreement_sentence(*limits, unit, count=count, digits=0 if unit == "ms" else 1),
    )
