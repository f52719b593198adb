"""The limits of the colour scale of each quantity: the same on the wall, in bullseye, matrix and report.

The Display section sets them; LaMoDCore has the defaults.
"""

from typing import Any

import slicer

_PARAMETERS = {
    "ecc": "strainRange",
    "e2": "strainRange",
    "err": "radialRange",
    "e1": "radialRange",
    "displacement": "displacementRange",
    "uncertainty": "uncertaintyRange",
}
_FROM_ZERO = ("displacement", "uncertainty")
#: Number of labelled values of a legend: both limits, the middle and the values half-way.
TICKS = 5


def default(quantity: str) -> float:
    """The upper limit of a quantity unless the user sets another one; see `limits`."""
    from LaMoDCore.heart.colour_ranges import COLOUR_RANGES

    return COLOUR_RANGES[quantity]


def limits(quantity: str) -> tuple[float, float]:
    """The limits of a quantity: strain in per cent, displacement in mm, others in percentage points.

    Args:
        quantity: "ecc", "err", "e1", "e2", "displacement", "uncertainty" or "difference".
    """
    node = slicer.mrmlScene.GetSingletonNode("LaMoDSlicer", "vtkMRMLScriptedModuleNode")
    stored = _stored(node, _PARAMETERS.get(quantity, ""))
    upper = default(quantity) if stored is None else stored
    return (0.0 if quantity in _FROM_ZERO else -upper), upper


def _stored(node: Any, name: str) -> float | None:
    """A number of the module's parameter node; None if it has none."""
    text = node.GetParameter(name) if node is not None and name else ""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
