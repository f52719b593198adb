"""Values of a method next to those of a reference, for plots whose points lead to their cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from LaMoDCore.heart.geometry import Array


@dataclass(frozen=True, eq=False)
class Comparison:
    """One quantity of many cases by a method and by a reference.

    Attributes:
        quantity: what is compared, such as "segmental Ecc at ES".
        unit: unit of both.
        method, reference: their names.
        cases: the case of each value.
        places: where in the heart each value belongs; "" for the whole heart.
        values, reference_values: [n], in the unit; NaN where unknown.
        bias, lower, upper: mean difference, method minus reference, and limits of agreement; NaN where unknown.
        summary: the agreement in one sentence.
    """

    quantity: str
    unit: str
    method: str
    reference: str
    cases: Sequence[str]
    places: Sequence[str]
    values: Array
    reference_values: Array
    bias: float
    lower: float
    upper: float
    summary: str

    def plotted(self, number: Mapping[str, int]) -> dict[str, Any]:
        """For the page's script: the complete pairs of the listed cases.

        Args:
            number: place of each listed case in the page's data.
        """
        known = np.isfinite(self.values) & np.isfinite(self.reference_values)
        kept = [k for k in np.flatnonzero(known).tolist() if self.cases[k] in number]
        places = list(dict.fromkeys(self.places[k] for k in kept))
        index = {place: n for n, place in enumerate(places)}
        return {
            "quantity": self.quantity,
            "unit": self.unit,
            "method": self.method,
            "reference": self.reference,
            "places": places,
            "case": [number[self.cases[k]] for k in kept],
            "place": [index[self.places[k]] for k in kept],
            "x": [_rounded(self.reference_values[k]) for k in kept],
            "y": [_rounded(self.values[k]) for k in kept],
            **{name: _known(getattr(self, name)) for name in ("bias", "lower", "upper")},
            "summary": self.summary,
        }


def agreement_sentence(bias: float, lower: float, upper: float, unit: str, *, count: str, digits: int = 1) -> str:
    """Bias and limits of agreement in words.

    Args:
        bias, lower, upper: as in `Comparison`.
        unit: their unit.
        count: number of values and cases, in words.
        digits: decimals.
    """
    if not np.isfinite(bias):
        return f"{count}; no agreement can be computed."
    text = f"Bias {_signed(bias, digits)} {unit}"
    if np.isfinite(lower) and np.isfinite(upper):
        text += f", limits of agreement {_signed(lower, digits)} to {_signed(upper, digits)} {unit}"
    return f"{text}; {count}."


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−") if float(text) else text[1:]  # zero has no sign


def _rounded(value: float) -> float:
    return round(float(value), 4) + 0.0


def _known(value: float) -> float | None:
    return _rounded(value) if np.isfinite(value) else None
