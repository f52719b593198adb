"""A small untrained model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from LaMoDCore.model import LaMoDModel
from LaMoDCore.models import save_model
from LaMoDCore.training.settings import PRESETS


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    return save_model(LaMoDModel(PRESETS["smoke"].model), tmp_path_factory.mktemp("models") / "small", "small")
