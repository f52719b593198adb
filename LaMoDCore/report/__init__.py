"""The report: a page of maps, curves, bullseye and numbers, and one of long-axis views."""

from __future__ import annotations

from LaMoDCore.report.report_files import write_report

__all__ = ["write_report"]
