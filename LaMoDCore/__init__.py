"""LaMoD: myocardial motion and strain from the masks of ordinary cine cardiac MRI."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Case": "LaMoDCore.heart.case",
    "CineSlice": "LaMoDCore.heart.case",
    "Motion": "LaMoDCore.heart.case",
    "StrainResult": "LaMoDCore.heart.case",
    "LaMoDError": "LaMoDCore.runtime.errors",
    "LaMoDInputError": "LaMoDCore.runtime.errors",
    "load_case": "LaMoDCore.io",
    "write_result": "LaMoDCore.io",
    "load_model": "LaMoDCore.models.folder",
    "predict_strain": "LaMoDCore.prediction.predict",
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
