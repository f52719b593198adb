"""The report: a page of maps, curves, bullseye and numbers, and one of long-axis views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from LaMoDCore.runtime.lazy import lazy_exports

if TYPE_CHECKING:
    from LaMoDCore.report.report_files import write_report

__all__ = ["write_report"]
__getattr__ = lazy_exports(__name__, {"write_report": "LaMoDCore.report.report_files"})
