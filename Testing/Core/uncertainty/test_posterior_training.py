"""The posterior learned: a mean where it can be told, a spread where it cannot, and a model folder at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from annuli_dataset import SHORTENING, _case
from turning_ring import SAMPLING

from LaMoDCore import load_model, predict_strain
from LaMoDCore.cli import main
from LaMoDCore.evaluation.truth import drawn_case
from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import TERMS
from LaMoDCore.io.dataset.folder import (
    DatasetEntry,
    DatasetIndex,
    read_dataset_case,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.diffusion import NoiseSchedule
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.networks.motion_latent import MotionLatent, MotionLatentConfig, RingView
from LaMoDCore.networks.slice_spread import SliceSpread
from LaMoDCore.runtime.progress import SILENT
from LaMoDCore.training.posterior import train as posterior
from LaMoDCore.training.posterior.generative_stage import GenerativeConfig, train_motion_latent
from LaMoDCore.training.posterior.residuals import ResidualBank
from LaMoDCore.training.run.settings import PRESETS

TOLD = 2 * TERMS * 10 + 16


def bank(count: int, seed: int) -> ResidualBank:
    """Turns of the ring: 0.1 rad times a number that is told, plus 0.05 rad that is not, a stretch of 0.02 likewise."""
    rng = np.random.default_rng(seed)
    amount = np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
    told, hidden, stretch = rng.standard_normal((3, count))
    relative = np.zeros((count, FRAMES, TERMS), dtype=np.complex64)
    relative[:, :, 0] = (0.1j * told + 0.05j * hidden + 0.02 * stretch)[:, None] * amount
    relative += 1e-4 * rng.standard_normal(relative.shape).astype(np.float32)
    motion = 1e-4 * rng.standard_normal((count, TOLD)).astype(np.float32)
    motion[:, 3] += told
    ring = 1e-4 * rng.standard_normal((count, 4, 20, 16)).astype(np.float16)
    contours = np.zeros_like(relative)
    return ResidualBank(ring, motion, contours, relative, np.zeros((count, 2), np.float32), np.arange(count))


def strange(usual: ResidualBank) -> ResidualBank:
    """The same slices of hearts that turn by 0.3 rad more or less, which a descriptor tells of, but not which way."""
    more = 0.3j * np.random.default_rng(9).standard_normal(len(usual.index))
    relative = usual.relative.copy()
    relative[:, :, 0] += more[:, None] * np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
    return replace(usual, relative=relative, descriptors=usual.descriptors + 1)


def test_mean_is_told_and_spread_is_not() -> None:
    torch.manual_seed(0)
    latent = MotionLatent(MotionLatentConfig(modes=2, condition=16, width=48, blocks=1, dropout=0.0), 4)
    schedule = NoiseSchedule()
    config = GenerativeConfig(epochs=40)
    report = train_motion_latent(latent, SliceSpread(2, 2), schedule, bank(200, 0), bank(50, 1), config)
    assert report.energy_held > 0.95 and report.explained > 0.5
    found = bank(40, 2)
    views = found.views()
    turn = latent.decode(latent.expected(views))[:, 20, 0].imag
    assert np.corrcoef(turn, found.motion[:, 3])[0, 1] > 0.97 and 0.06 < turn.std() / found.motion[:, 3].std() < 0.11
    view = RingView(views.ring[0], views.motion[0])
    codes = latent.sample(view, 400, schedule, torch.Generator().manual_seed(0))
    samples = latent.decode(codes)[:, 20, 0]
    assert samples.imag.std() == pytest.approx(0.05, rel=0.25)
    assert samples.real.std() == pytest.approx(0.02, rel=0.25)
    assert samples.imag.mean() == pytest.approx(turn[0], abs=0.02)
    around = latent.around_the_answer(codes[:6])
    assert np.abs(around.mean(axis=0)).max() < 1e-6


def test_wider_hearts_widen_the_spread_and_leave_the_mean() -> None:
    config = GenerativeConfig(epochs=5, batch_size=32)
    fitted = []
    for wider in (None, (strange(bank(60, 2)), strange(bank(20, 3)))):
        torch.manual_seed(0)
        latent, spread = MotionLatent(MotionLatentConfig(modes=2, condition=8, width=8, blocks=1), 4), SliceSpread(2, 2)
        train_motion_latent(latent, spread, NoiseSchedule(), bank(200, 0), bank(50, 1), config, wider=wider)
        views = bank(40, 4)
        mean = latent.decode(latent.expected(views.views()))
        wide = spread.factors(strange(views).descriptors) * latent.scatter.numpy()
        fitted.append((mean, (wide * latent.modes.square().sum(dim=1).sqrt().numpy()).mean()))
    assert np.abs(fitted[1][0] - fitted[0][0]).mean() < 0.3 * np.abs(fitted[0][0]).mean()
    assert fitted[1][1] > 1.5 * fitted[0][1]


def test_fewer_slices_than_modes_tell_nothing_of_the_modes_that_they_lack() -> None:
    latent = MotionLatent(MotionLatentConfig(modes=8, condition=8, width=8, blocks=1), 4)
    latent.fit_modes(bank(4, 0).relative)
    assert (latent.modes.abs().sum(dim=1) > 0).sum() == 3
    assert latent.encode(bank(20, 1).relative).abs().max() < 1e4


def test_one_command_makes_a_model_that_doubts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior.ContourTraining, "steps", lambda _self, _slices: 40)
    monkeypatch.setattr(posterior, "_HELD_OUT_SHARE", 0.2)
    entries = []
    for subject, split in zip(SHORTENING, ("train", "train", "val"), strict=True):
        for name in "ab":
            data = replace(_case(subject, "dense"), id=f"{subject}-{name}", paired_with=None)
            write_dataset_case(tmp_path / "data", data)
            entries.append(DatasetEntry(data.id, subject, "A", split, "dense", "dcm", "mid"))
    write_dataset_index(tmp_path / "data", entries, {})
    torch.manual_seed(1)
    base = LaMoDModel(PRESETS["smoke"].model)
    save_model(base, tmp_path / "base", "base", training={"minutes": 3})
    words = ["train-posterior", "--model", tmp_path / "base", "--data", tmp_path / "data", "--out", tmp_path / "new"]
    words += ["--epochs", "1", "--samples", "3", "--progress", "none", "--phantoms", "20", "--randomised", "20"]
    assert main([str(word) for word in words]) == 0
    model = load_model(tmp_path / "new")
    assert model.network.config.inference.space == "motion" and model.description["training"]["minutes"] == 3
    assert model.description["uncertainty"]["samples"] == 3
    # 16 of the 20 subjects of each law; the dataset's own four slices
    assert model.description["training"]["contours"]["slices"] == 2 * 16 * 4 + 4
    doubts = model.description["training"]["posterior"]
    assert (doubts["slices"], doubts["validation_slices"]) == (4, 2)
    assert doubts["randomised_slices"] == [3 * 4, 4]  # of the four randomised subjects that were held out
    assert "12 slices of randomised hearts" in (tmp_path / "new" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for key, value in base.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[key], value, atol=0, rtol=0)
    index = DatasetIndex.load(tmp_path / "data")
    result = predict_strain(drawn_case(read_dataset_case(index.folder, "s3-a")), model)
    assert result.summary["uncertainty"]["calibrated"] and "unlike_training" in result.summary["slices"][0]


def test_without_randomised_hearts_the_dataset_alone_says_what_is_left_open() -> None:
    network = LaMoDModel(PRESETS["smoke"].model)
    for randomised in (0, 19):  # none, and fewer than leave one aside
        assert posterior._wider(network, posterior.PosteriorConfig(randomised=randomised), SILENT) is None


def test_a_model_without_posterior_keeps_its_old_shape() -> None:
    plain = LaMoDModel(PRESETS["smoke"].model)
    assert plain.motion_latent is None and plain.familiarity is None and plain.slice_spread is None
    further = ("motion_latent", "familiarity", "slice_spread")
    assert not [key for key in plain.state_dict() if key.startswith(further)]
    assert ModelConfig.from_dict(SAMPLING.to_dict()) == SAMPLING
