"""Read cases and write results: files become a Case, a StrainResult becomes files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from LaMoDCore.runtime.lazy import lazy_exports

if TYPE_CHECKING:
    from LaMoDCore.io.case.reader import load_case
    from LaMoDCore.io.results.stored_result import read_result

__all__ = ["load_case", "read_result", "write_result"]

__getattr__ = lazy_exports(
    __name__,
    {
        "load_case": "LaMoDCore.io.case.reader",
        "read_result": "LaMoDCore.io.results.stored_result",
        # it also draws the report, so its module is in a package above this one
        "write_result": "LaMoDCore.prediction.writer",
    },
)
