"""Models are exported, added from a .zip, renamed and removed; unusable models are refused with the reason."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch

from LaMoDCore.cli import main
from LaMoDCore.models.card import model_card
from LaMoDCore.models.folder import load_model, save_model
from LaMoDCore.models.registry import registered_models, user_folder
from LaMoDCore.models.store import add_model, export_model, remove_model, rename_model
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.run.settings import PRESETS

SMALL = ModelConfig(encoder_width=24, motion_width=16, motion_blocks=1, denoiser_width=16, denoiser_blocks=1)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One model, created and added."""
    monkeypatch.setenv("LAMOD_MODELS", str(tmp_path / "mine"))
    torch.manual_seed(0)
    made = save_model(LaMoDModel(SMALL), tmp_path / "made", "first", card="# first\n")
    return add_model(made)


def test_a_model_is_exported_and_added_as_a_zip(mine: Path, tmp_path: Path) -> None:
    archive = export_model("first", tmp_path / "first.zip")
    again = export_model("first", tmp_path / "again.zip")
    assert archive.read_bytes() == again.read_bytes()
    added = add_model(archive, "second")
    assert added == user_folder() / "second" and load_model("second").name == "second"
    assert load_model("second").weights_sha256 == load_model("first").weights_sha256
    own = {model.name: model for model in registered_models() if not model.shipped}
    assert set(own) == {"first", "second"} and own["first"].bytes > 10_000 and not own["first"].fault


def test_a_model_is_renamed_and_removed(mine: Path) -> None:
    assert rename_model("first", "third").name == "third" and load_model("third").name == "third"
    for name in ("third", "../away", "", "a/b", ".hidden"):
        with pytest.raises(LaMoDInputError):
            rename_model("third", name)
    remove_model("third")
    assert not list(user_folder().iterdir())
    with pytest.raises(LaMoDInputError, match="no such model"):
        remove_model("third")


def test_a_shipped_model_cannot_be_changed(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    save_model(LaMoDModel(SMALL), tmp_path / "shipped" / "given", "given")
    monkeypatch.setattr("LaMoDCore.models.registry.shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setattr("LaMoDCore.models.store.shipped_folder", lambda: tmp_path / "shipped")
    with pytest.raises(LaMoDInputError, match="is part of LaMoD and cannot be removed"):
        remove_model("given")
    with pytest.raises(LaMoDInputError, match="cannot be renamed"):
        rename_model("given", "mine")
    assert export_model("given", tmp_path / "given.zip").is_file()


def test_other_files_are_refused_and_leave_no_model(mine: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("../../model.txt", "x")
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04 and no more")
    for name, reason in (("empty.zip", "no model.json"), ("torn.zip", "not a readable"), ("nowhere", "no such folder")):
        with pytest.raises(LaMoDInputError, match=reason):
            add_model(tmp_path / name)
    assert [folder.name for folder in user_folder().iterdir()] == ["first"]


def test_a_model_for_another_grid_is_listed_with_its_fault(
    mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    description = json.loads((mine / "model.json").read_text())
    description["canonical"] = {"frames": 25, "size": 128, "spacing_mm": 1.0}
    (mine / "model.json").write_text(json.dumps(description))
    fault = next(model.fault for model in registered_models() if model.name == "first")
    assert "'frames': 25" in fault and "LaMoD uses" in fault
    assert main(["models", "list"]) == 0
    assert "'frames': 25" in capsys.readouterr().out


def test_the_command_renames_and_exports(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "rename", "first", "mine"]) == 0
    assert main(["models", "export", "mine", str(tmp_path / "mine.zip")]) == 0
    assert main(["models", "add", str(tmp_path / "mine.zip")]) == 1
    assert "exists already" in capsys.readouterr().err
    assert main(["models", "add", str(tmp_path / "mine.zip"), "other"]) == 0
    assert main(["models", "rename", "mine"]) == 1


def test_the_card_names_the_training_data(mine: Path, tmp_path: Path) -> None:
    description = dict(load_model("first").description)
    assert "synthetic hearts only" in model_card(description) and "40 frames of 128 × 128" in model_card(description)
    facts = {
        "name": "our hospital",
        "synthetic": False,
        "subjects": {"train": 12, "val": 3, "test": 3},
        "cases": {"train": 36, "val": 9, "test": 9},
        "sites": ["A", "B"],
        "diseases": {"dcm": 20, "not known": 34},
        "levels": {"mid": 54},
    }
    card = model_card({**description, "training": {"dataset": facts, "init": "/x/lamod-phantom-v1"}})
    assert "synthetic" not in card and "our hospital" in card and "train 12 (36 cases)" in card
    assert "Sites: A, B." in card and "started from the weights of lamod-phantom-v1" in card


@pytest.mark.parametrize(("preset", "optimiser"), [("laptop", "AdamW 0.001"), ("paper", "Adam 0.0001")])
def test_the_card_names_the_optimiser(mine: Path, preset: str, optimiser: str) -> None:
    description = {**load_model("first").description, "training": {"config": PRESETS[preset].to_dict()}}
    assert f", {optimiser}, seed 0" in model_card(description)
