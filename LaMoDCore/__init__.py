"""LaMoD: myocardial motion and strain from the masks of ordinary cine cardiac MRI."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Case": "LaMoDCore.case",
    "CineSlice": "LaMoDCore.case",
    "Motion": "LaMoDCore.case",
    "StrainResult": "LaMoDCore.case",
    "LaMoDError": "LaMoDCore.errors",
    "LaMoDInputError": "LaMoDCore.errors",
    "load_case": "LaMoDCore.io",
    "write_result": "LaMoDCore.io",
    "load_model": "LaMoDCore.models",
    "predict_strain": "LaMoDCore.predict",
}
__all__ = [
    "Case",
    "CineSlice",
    "LaMoDError",
    "LaMoDInputError",
    "Motion",
    "StrainResult",
    "__version__",
    "load_case",
    "load_model",
    "predict_strain",
    "write_result",
]


def __getattr__(name: str) -> Any:
    """Public names are imported when first used, so that `import LaMoDCore` costs nothing (PEP 562)."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'LaMoDCore' has no attribute {name!r}")
