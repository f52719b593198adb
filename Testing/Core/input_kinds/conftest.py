"""The heart of the reader tests, and a plain export of it to compare with."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))

import plain_export


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """The plain export: masks, cine folder, and the case read from both."""
    return plain_export.PlainExport(tmp_path_factory.mktemp("plain"))
