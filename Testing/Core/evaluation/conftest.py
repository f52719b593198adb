"""The dataset of annuli, written once per session."""

from __future__ import annotations

import pytest
from annuli_dataset import write_annuli

from LaMoDCore.io.dataset.folder import DatasetIndex


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("annuli")
    write_annuli(folder)
    return folder


@pytest.fixture(scope="session")
def index(dataset):
    return DatasetIndex.load(dataset)
