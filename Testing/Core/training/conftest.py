"""A small dataset and its cache for all tests in this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from ring_dataset import write_rings

from LaMoDCore.training.data.cache import TrainingCache, open_cache


@pytest.fixture(scope="session")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rings(tmp_path_factory.mktemp("data") / "rings")


@pytest.fixture(scope="session")
def cache(rings: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainingCache:
    return open_cache(rings, tmp_path_factory.mktemp("cache") / "cache")
