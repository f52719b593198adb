"""Every setting has a description, a type and a range that includes its default."""

from __future__ import annotations

import json

import pytest

from LaMoDCore.cli import main
from LaMoDCore.training.run.form import form
from LaMoDCore.training.run.settings import PRESETS, TrainingConfig


def test_every_setting_is_explained_and_its_defaults_are_in_range() -> None:
    settings = {setting.path: setting for setting in form()}
    assert settings["batch_size"].least == 1 and settings["batch_size"].kind is int
    assert settings["augmentation.jitter_mm"].most == 5
    assert settings["model.latent_channels"].help.startswith("learned channels of z")
    assert settings["model.inference.sampler"].choices == ("ddim", "ddpm")
    assert settings["augmentation.thickening_most"].help == settings["augmentation.thickening_least"].help != ""
    missing = [path for path, setting in settings.items() if not setting.help]
    assert not missing
    for preset in PRESETS.values():
        for setting in form(preset):
            if setting.least is not None:
                assert setting.least <= setting.default
            if setting.most is not None:
                assert setting.default <= setting.most


def test_the_command_lists_the_settings_for_other_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--json"]) == 0
    settings = {setting["path"]: setting for setting in json.loads(capsys.readouterr().out)}
    assert settings["learning_rate"]["kind"] == "float" and settings["freeze"]["kind"] == "tuple"
    assert settings["batch_size"]["presets"] == {name: config.batch_size for name, config in PRESETS.items()}
    for name, config in PRESETS.items():  # all of a preset can be put together again
        values: dict[str, object] = {}
        for path, setting in settings.items():
            *parents, last = path.split(".")
            inner = values
            for parent in parents:
                inner = inner.setdefault(parent, {})  # type: ignore[assignment]
            inner[last] = setting["presets"][name]
        assert TrainingConfig.from_dict(values) == config
    assert main(["settings"]) == 0
    assert "learning_rate: float (0 to 1)" in capsys.readouterr().out
