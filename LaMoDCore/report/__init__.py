"""One page that a person can read: maps, curves, bullseye and numbers."""

from __future__ import annotations

from LaMoDCore.report.page import write_report

__all__ = ["write_report"]
