"""`lamod models` adds, lists, shows and removes the user's own models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from LaMoDCore.cli import main
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig

SMALL = ModelConfig(encoder_width=24, motion_width=16, motion_blocks=1, denoiser_width=16, denoiser_blocks=1)


def test_a_model_is_added_listed_shown_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAMOD_MODELS", str(tmp_path / "mine"))
    torch.manual_seed(0)
    folder = save_model(LaMoDModel(SMALL), tmp_path / "made", "our-hospital", card="# our-hospital\nDENSE, 12 people\n")
    assert main(["models", "add", str(folder)]) == 0
    assert main(["models", "list"]) == 0
    assert "our-hospital\town" in capfd.readouterr().out
    assert main(["models", "show", "our-hospital"]) == 0
    assert "12 people" in capfd.readouterr().out
    assert main(["models", "add", str(folder)]) == 1
    assert "exists already" in capfd.readouterr().err
    assert main(["models", "remove", "our-hospital"]) == 0
    assert main(["models", "show", "our-hospital"]) == 1
    assert "no such model" in capfd.readouterr().err
    assert main(["models", "remove"]) == 1
