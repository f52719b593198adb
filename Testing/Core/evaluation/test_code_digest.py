"""The identity of a prediction changes with code, weights and settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from LaMoDCore.evaluation import predictors
from LaMoDCore.evaluation.code_digest import code_digest, digest_of
from LaMoDCore.evaluation.predictors import make_predictors
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel, ModelConfig

SMALL = ModelConfig(
    latent_channels=2, encoder_width=4, encoder_blocks=1, decoder_width=4, motion_width=8, motion_blocks=1,
    denoiser_width=4, denoiser_blocks=1, shooting_steps=1,
)  # fmt: skip
FILES = {
    "method.py": '"""A method."""\nfrom LaMoDCore.parts import step\n\n\ndef run(x):\n    return step(x) + 1\n',
    "parts/__init__.py": "from LaMoDCore.parts.steps import step\n",
    "parts/steps.py": "import numpy\n\nSTEPS = 3\n\n\ndef step(x):\n    return x * STEPS\n",
    "other.py": "VALUE = 1\n",
}


@pytest.fixture()
def package(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def changed(package, name, old, new):
    before = digest_of(package, ("LaMoDCore.method",))
    text = FILES[name]
    assert old in text
    (package / name).write_text(text.replace(old, new))
    return digest_of(package, ("LaMoDCore.method",)) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("method.py", "+ 1", "+ 2"),
        ("parts/steps.py", "STEPS = 3", "STEPS = 4"),
        ("parts/__init__.py", "parts.steps import step", "other import VALUE as step"),
    ],
)
def test_code_used_directly_or_indirectly_changes_the_digest(package, name, old, new):
    assert changed(package, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("method.py", "A method.", "The method."),
        ("method.py", "    return", "    # why\n    return"),
        ("other.py", "1", "2"),
    ],
)
def test_comments_and_other_code_do_not_change_the_digest(package, name, old, new):
    assert not changed(package, name, old, new)


def test_a_missing_module_is_an_error(package):
    with pytest.raises(FileNotFoundError, match="module LaMoDCore"):
        digest_of(package, ("LaMoDCore.methid",))


def identity(name, samples=None, seed=0):
    return make_predictors([str(name)], device="cpu", samples=samples, seed=seed)[0].identity


@pytest.mark.parametrize(
    ("name", "module"), [("itk-demons", "demons_tracking"), ("lddmm", "lddmm_tracking"), ("lddmm", "canonical")]
)
def test_a_method_without_training_is_identified_by_its_code(monkeypatch, name, module):
    before = identity(name)
    asked = []
    monkeypatch.setattr(predictors, "code_digest", lambda *modules: asked.extend(modules) or "another")
    assert identity(name) != before
    assert any(each.endswith(f".{module}") for each in asked)


def test_a_model_is_identified_by_code_weights_and_settings(monkeypatch, tmp_path):
    network = LaMoDModel(SMALL).eval()
    folder = save_model(network, tmp_path / "model", "mine")
    drawn = LaMoDModel(replace(SMALL, inference=InferenceDefaults(start=20))).eval()
    drawn.load_state_dict(network.state_dict())
    other = save_model(drawn, tmp_path / "other", "mine")
    found = [
        identity(folder),
        identity(folder, samples=3),
        identity(folder, seed=1),
        identity(f"{folder}:no-diffusion"),
        identity(f"{folder}:registration"),
        identity(other),
    ]
    assert identity(folder) == found[0]
    # without diffusion the number of samples has no effect; the default is the model's own setting
    assert identity(f"{folder}:no-diffusion", samples=3) == found[3]
    assert identity(f"{folder}:diffusion") == found[0]
    with monkeypatch.context() as patched:
        patched.setattr(predictors, "code_digest", lambda *modules: "another")
        found += [identity(folder), identity(f"{folder}:registration")]
    assert len(set(found)) == len(found)


def test_the_networks_count_as_code_of_a_prediction():
    assert code_digest("LaMoDCore.prediction.slice_motion") != code_digest("LaMoDCore.networks.motion_decoder")
    assert code_digest("LaMoDCore.prediction.slice_motion") == code_digest(
        "LaMoDCore.prediction.slice_motion", "LaMoDCore.heart.ring.motion_basis"
    )
