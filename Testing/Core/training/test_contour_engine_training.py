"""A contour engine trained on synthetic scenes: its pictures, its ONNX file, the run and the command."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning_fabric", reason="training needs lightning-fabric")
pytest.importorskip("onnx", reason="writing an engine needs onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")

from LaMoDCore.cli import main
from LaMoDCore.contours.automatic.engine import read_engine
from LaMoDCore.contours.automatic.network import ContourNetwork
from LaMoDCore.contours.automatic.registry import find_engine
from LaMoDCore.networks.contour_unet import ContourUNet
from LaMoDCore.phantom.imaging.scene import Tissue
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.contours import train
from LaMoDCore.training.contours.export import write_engine
from LaMoDCore.training.contours.pictures import PictureSize, draw_pictures
from LaMoDCore.training.contours.scenes import CAVITY, CODES, MAPS_PER_SUBJECT, PIXEL_MM, RIGHT, WALL, subject_maps
from LaMoDCore.training.contours.stage import ContourEngineStage, ContourEngineTraining, SceneData
from LaMoDCore.training.run.stopping import StopRequest, TrainingStopped

SIZE = PictureSize(side=32, pixel_mm=6.4)
TRAINING = ContourEngineTraining(pictures=24, batch_size=4, validations=3)
CONFIG = train.ContourEngineConfig(
    widths=(4, 8), size=SIZE, training=TRAINING, subjects=1, validation_subjects=1, bf16=False
)


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    return subject_maps(0, seed=0)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engine") / "own"
    train.train_contours(folder, CONFIG, run=folder.with_name("run"))
    return folder


# --- scenes and pictures -------------------------------------------------------------------------------------------


def test_maps_label_the_ventricle_only_where_there_is_one(maps):
    label, tissue = maps % CODES, maps // CODES
    assert len(maps) == MAPS_PER_SUBJECT
    assert tissue.max() < len(Tissue)
    ventricles, apical, atrial, outflow = label[:-3], label[-3], label[-2], label[-1]
    assert all((each == structure).any() for each in (*ventricles, outflow) for structure in (WALL, CAVITY))
    assert not apical.any()
    assert not atrial.any()
    assert (label[0] == RIGHT).sum() > 500
    np.testing.assert_array_equal(maps, subject_maps(0, seed=0))
    assert (maps != subject_maps(1, seed=0)).any()


def test_an_outflow_tract_opens_the_wall(maps):
    filled = _holes(maps[0] % CODES == WALL)
    assert filled.sum() > 300
    assert _holes(maps[-1] % CODES == WALL).sum() == 0


def _holes(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return ndimage.binary_fill_holes(mask) & ~mask


def test_labels_follow_the_picture(maps):
    """Every pixel's shares sum to 1, and the ring and the blood within it have the contrast of bSSFP."""
    generator = torch.Generator().manual_seed(0)
    middle = torch.from_numpy(np.repeat(maps[2:3], 40, axis=0))
    pictures, shares = draw_pictures(middle, PIXEL_MM, PictureSize(), generator)
    assert pictures.shape == (40, 1, 128, 128)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(40, 128, 128))
    wall, cavity = (shares[:, k] > 0.99 for k in (WALL, CAVITY))
    seen = [k for k in range(40) if wall[k].sum() > 50 and cavity[k].sum() > 50]
    brighter = [pictures[k, 0][cavity[k]].mean() > pictures[k, 0][wall[k]].mean() for k in seen]
    assert len(seen) > 30
    assert 0.75 < np.mean(brighter) <= 1
    region, true = shares[:, WALL:].sum(dim=(1, 3, 2)) * 1.6**2, (maps[2] % CODES >= WALL).sum() * PIXEL_MM**2
    assert float(np.median(region[seen])) == pytest.approx(true, rel=0.2)
    # In half of the pictures the cavity is narrower or wider than in the map, within about the same epicardium.
    cavity_share = (shares[:, CAVITY].sum(dim=(1, 2)) / shares[:, WALL:].sum(dim=(1, 2, 3)))[seen]
    changed = abs(cavity_share / ((maps[2] % CODES == CAVITY).sum() / (maps[2] % CODES >= WALL).sum()) - 1) > 0.1
    assert 0.15 < float(changed.float().mean()) < 0.75
    assert float(cavity_share.min()) < 0.5 * float(cavity_share.max())


def test_a_step_draws_the_same_pictures_wherever_a_run_is_resumed(maps):
    data = SceneData(torch.from_numpy(maps), torch.empty(0), torch.empty(0))
    stage = ContourEngineStage(SIZE, TRAINING, lambda: data)
    whole, rest = list(stage.batches(1, 0)), list(stage.batches(1, 1))
    assert len(whole) == 2
    torch.testing.assert_close(whole[1], rest[0], rtol=0, atol=0)
    other = list(ContourEngineStage(SIZE, replace(TRAINING, seed=1), lambda: data).batches(1, 0))
    assert (other[0][0] != whole[0][0]).any()


class _Perfect(torch.nn.Module):
    """Returns the logits of known labels, whatever the pictures."""

    def __init__(self, shares: torch.Tensor) -> None:
        super().__init__()
        self._logits = 20.0 * shares

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self._logits


def test_loss_and_validation_favour_the_right_labels(maps):
    middle = torch.from_numpy(maps[2:4])
    pictures, shares = draw_pictures(middle, PIXEL_MM, SIZE, torch.Generator().manual_seed(0))
    labels = shares.argmax(dim=1)
    shares = torch.nn.functional.one_hot(labels, CODES).movedim(-1, 1).float()
    stage = ContourEngineStage(SIZE, TRAINING, lambda: SceneData(middle, pictures, labels))
    right, wrong = _Perfect(shares), _Perfect(shares.roll(1, dims=1))
    assert float(stage.loss(right, (pictures, shares))[0]) < 0.01
    assert float(stage.loss(wrong, (pictures, shares))[0]) > 5.0
    assert stage.validate(right)["wall"] == 1.0
    assert stage.validate(right)["loss"] == 0.0
    assert stage.validate(wrong)["loss"] > 0.9


# --- the engine folder ---------------------------------------------------------------------------------------------


def test_the_onnx_file_computes_what_the_network_does(tmp_path):
    torch.manual_seed(0)
    network = ContourUNet((4, 6, 8))
    with torch.no_grad():
        for _ in range(20):  # means and variances of the batch normalisation
            network(torch.rand(4, 1, 32, 32) * 3 - 1)
    (tmp_path / "own").mkdir()
    write_engine(tmp_path / "own", network, SIZE, "own", "a test")
    pictures = torch.rand(3, 1, 32, 32)
    with torch.no_grad():
        wanted = network.eval()(pictures).softmax(dim=1).numpy()
    loaded = ContourNetwork(find_engine(tmp_path / "own"), threads=1)
    found, _ = loaded.probabilities(pictures[:, 0].numpy(), [[(0, False)]] * 3)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.ptp(wanted) > 0.1


def test_a_short_training_writes_an_engine_that_is_accepted(engine):
    network = ContourNetwork(read_engine(engine / "engine.json"), threads=1)
    description = network.description
    assert description.name == "own"
    assert description.licence.weights == "Apache-2.0"
    assert "synthetic" in description.licence.training_data_name
    assert description.size_bytes == (engine / "network.onnx").stat().st_size
    frames = np.random.default_rng(0).random((2, 32, 32))
    found, _ = network.probabilities(network.normalise(frames), [[(0, False)]] * 2)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)


def test_the_same_seed_gives_the_same_weights_also_after_a_stop(engine, tmp_path):
    class StopsSoon(StopRequest):
        checks = 0

        def __bool__(self) -> bool:
            self.checks += 1
            return self.checks == 5

    with pytest.raises(TrainingStopped):
        train.train_contours(tmp_path / "own", CONFIG, run=tmp_path / "run", stop=StopsSoon())
    assert not (tmp_path / "own").exists()
    train.train_contours(tmp_path / "own", CONFIG, run=tmp_path / "run", resume=True)
    assert read_engine(tmp_path / "own/engine.json").sha256 == read_engine(engine / "engine.json").sha256


def test_another_seed_gives_other_weights(engine, tmp_path):
    config = replace(CONFIG, training=replace(TRAINING, seed=1))
    other = train.train_contours(tmp_path / "own", config, run=tmp_path / "run")
    assert other.sha256 != read_engine(engine / "engine.json").sha256


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_trains(tmp_path, monkeypatch, capsys):
    tiny = partial(train.ContourEngineConfig, widths=(4, 8), size=SIZE, validation_subjects=1)
    monkeypatch.setattr(train, "ContourEngineConfig", tiny)
    words = ["train-contours", "--out", str(tmp_path / "own"), "--pictures", "16", "--subjects", "1", "--workers", "1"]
    assert main([*words, "--progress", "none"]) == 0
    assert read_engine(tmp_path / "own/engine.json").name == "own"
    assert main([*words, "--progress", "none"]) == 1
    assert "already contains a run" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--pictures", "3"], ["--subjects", "0"], ["--seed", "-1"], ["--threads", "0"]])
def test_numbers_that_are_too_small_are_refused(words, tmp_path, capsys):
    assert main(["train-contours", "--out", str(tmp_path / "own"), *words]) == 1
    assert "too small" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_of_somebody_else_is_not_overwritten(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/thesis.txt").write_text("mine")
    with pytest.raises(LaMoDInputError):
        train.train_contours(tmp_path / "own", CONFIG, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
