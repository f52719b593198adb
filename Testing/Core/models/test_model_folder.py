"""Model folders are saved and loaded, and refused if they do not match their description."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from LaMoDCore.models.folder import known_models, load_model, save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.run.settings import PRESETS

SMALL = PRESETS["smoke"].model


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    return save_model(LaMoDModel(SMALL), tmp_path / "small", "small", training={"minutes": 1}, card="# small\n")


def test_a_saved_model_is_loaded_unchanged(folder: Path) -> None:
    torch.manual_seed(3)
    original = LaMoDModel(SMALL).eval()
    loaded = load_model(folder)
    assert loaded.name == "small" and loaded.network.config == SMALL
    masks = torch.rand(1, 1, 40, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(loaded.network.encode(masks), original.encode(masks), atol=0, rtol=0)
    assert sorted(p.name for p in folder.iterdir()) == [
        ".lamod.json",
        "MODEL_CARD.md",
        "model.json",
        "weights.safetensors",
    ]


def test_matrices_exact_in_half_precision_are_stored_so_without_loss(folder: Path) -> None:
    network = LaMoDModel(SMALL)
    network.load_state_dict(load_model(folder).network.state_dict())
    name, matrix = max(
        ((key, value) for key, value in network.named_parameters() if value.ndim == 2 and value.any()),
        key=lambda pair: pair[1].numel(),
    )
    before = (folder / "weights.safetensors").stat().st_size
    matrix.data.copy_(matrix.data.half())
    save_model(network, folder, "rounded")
    assert before - (folder / "weights.safetensors").stat().st_size == pytest.approx(2 * matrix.numel(), abs=64)
    loaded = load_model(folder).network.state_dict()
    for key, value in network.state_dict().items():
        assert loaded[key].dtype == value.dtype and torch.equal(loaded[key], value), key
    assert loaded[name].dtype == torch.float32


def test_saving_again_replaces_the_model_and_leaves_no_other_files(folder: Path) -> None:
    save_model(LaMoDModel(SMALL), folder, "again")
    assert load_model(folder).name == "again"
    assert [p.name for p in folder.parent.iterdir()] == ["small"]


def change_json(folder: Path, **changes: object) -> None:
    file = folder / "model.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content.update(changes)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"weights_sha256": "0" * 64}, "not the ones described in model.json"),
        ({"format": "other/9"}, "its format is not"),
        ({"config": {"latent_chanels": 8}}, "no setting 'latent_chanels'"),
        ({"config": {"latent_channels": "8"}}, "must be of type int"),
        ({"config": {}}, "do not match the networks"),
        ({"canonical": {"frames": 20, "size": 128, "spacing_mm": 1.0}}, "the model needs the grid"),
    ],
)
def test_a_wrong_description_is_refused(folder: Path, changes: dict[str, object], sentence: str) -> None:
    change_json(folder, **changes)
    with pytest.raises(LaMoDInputError, match=sentence):
        load_model(folder)


def test_changed_weights_are_refused(folder: Path) -> None:
    file = folder / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(LaMoDInputError, match="not the ones described"):
        load_model(folder)


def test_a_model_of_another_version_is_reported_as_such(folder: Path) -> None:
    change_json(folder, config={**SMALL.to_dict(), "motion_width": 24})
    with pytest.raises(LaMoDInputError, match=r"\d+ parameters, the model has \d+\): another version made"):
        load_model(folder)


@pytest.mark.parametrize("name", ["weights.pt", "extra.pkl", "data.CKPT"])
def test_a_pickle_in_the_folder_is_refused_unopened(folder: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(LaMoDInputError, match="could run code"):
        load_model(folder)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    with pytest.raises(LaMoDInputError, match=r"weights\.safetensors is missing"):
        load_model(folder)
    (folder / "model.json").unlink()
    with pytest.raises(LaMoDInputError, match=r"no model\.json"):
        load_model(folder)
    with pytest.raises(LaMoDInputError, match="no such model or folder"):
        load_model("never-heard-of")


def test_own_models_are_found_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMOD_MODELS", str(folder.parent))
    assert known_models()["small"] == folder
    assert load_model("small").name == "small"
