"""What `lamod predict` leaves on the disk: one folder a heart, whole or not at all."""

from __future__ import annotations

from LaMoDCore.io.results.writer import check_output, is_result_file, write_result

__all__ = ["check_output", "is_result_file", "write_result"]
