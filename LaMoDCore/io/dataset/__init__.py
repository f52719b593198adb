"""Dataset folders: write, read, check, split and combine."""

from __future__ import annotations

from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case

__all__ = ["DatasetIndex", "read_dataset_case"]
