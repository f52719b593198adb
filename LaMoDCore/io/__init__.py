"""Files in, files out: what is read becomes a Case, what is written comes from a StrainResult."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from LaMoDCore.io.case.reader import load_case
    from LaMoDCore.prediction.writer import write_result

_LAZY = {"load_case": "LaMoDCore.io.case.reader", "write_result": "LaMoDCore.prediction.writer"}

__all__ = ["load_case", "write_result"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
