"""A form can be made from the settings: every one has words, a kind and a range that holds its default."""

from __future__ import annotations

from LaMoDCore.training.form import form
from LaMoDCore.training.settings import PRESETS


def test_every_setting_is_explained_and_its_defaults_are_in_range() -> None:
    settings = {setting.path: setting for setting in form()}
    assert settings["batch_size"].least == 1 and settings["batch_size"].kind is int
    assert settings["augmentation.jitter_mm"].most == 5
    assert settings["model.latent_channels"].help.startswith("of z")
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
