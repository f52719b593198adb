"""A small untrained model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.training.run.settings import PRESETS


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    return save_model(LaMoDModel(PRESETS["smoke"].model), tmp_path_factory.mktemp("models") / "small", "small")
