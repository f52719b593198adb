"""The one-page report: maps, curves, bullseye and numbers."""

from __future__ import annotations

from LaMoDCore.report.page import write_report

__all__ = ["write_report"]
