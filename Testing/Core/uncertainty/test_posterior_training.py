"""Training of the posterior: mean, spread, interruption, and the model folder that the command writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from annuli_dataset import SHORTENING, _case
from stage_training import train_stage
from turning_ring import SAMPLING

from LaMoDCore import load_model, predict_strain
from LaMoDCore.cli import main
from LaMoDCore.evaluation.truth import drawn_case
from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.case import Case, StrainResult
from LaMoDCore.heart.ring.motion_basis import TERMS
from LaMoDCore.io.dataset.folder import (
    DatasetEntry,
    DatasetIndex,
    read_dataset_case,
    write_dataset_case,
    write_dataset_index,
)
from LaMoDCore.models.folder import LoadedModel, save_model
from LaMoDCore.networks.contour_motion import ContourMotion, ContourMotionConfig
from LaMoDCore.networks.diffusion import NoiseSchedule
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.networks.motion_latent import MotionLatent, MotionLatentConfig, RingView
from LaMoDCore.networks.slice_spread import SliceSpread
from LaMoDCore.runtime.progress import Progress
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.fit import fit
from LaMoDCore.training.loop.loop_stage import LoopStage
from LaMoDCore.training.posterior import train as posterior
from LaMoDCore.training.posterior.bank_store import BankStore
from LaMoDCore.training.posterior.contour_bank import ContourBank
from LaMoDCore.training.posterior.contour_stage import ContourStage, ContourTraining
from LaMoDCore.training.posterior.motion_latent_stage import (
    GenerativeConfig,
    LatentBanks,
    MotionLatentStage,
)
from LaMoDCore.training.posterior.residuals import ResidualBank
from LaMoDCore.training.run.folder import RunFolder, unrecorded
from LaMoDCore.training.run.settings import PRESETS
from LaMoDCore.training.run.stopping import StopRequest, TrainingStopped
from LaMoDCore.training.run.watch import read_run

INPUTS = 2 * TERMS * 10 + 16


def bank(count: int, seed: int) -> ResidualBank:
    """Rotations of the ring: 0.1 rad times a known number, plus unknown ones of 0.05 rad, and stretches of 0.02."""
    rng = np.random.default_rng(seed)
    amount = np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
    known, hidden, stretch = rng.standard_normal((3, count))
    relative = np.zeros((count, FRAMES, TERMS), dtype=np.complex64)
    relative[:, :, 0] = (0.1j * known + 0.05j * hidden + 0.02 * stretch)[:, None] * amount
    relative += 1e-4 * rng.standard_normal(relative.shape).astype(np.float32)
    motion = 1e-4 * rng.standard_normal((count, INPUTS)).astype(np.float32)
    motion[:, 3] += known
    ring = 1e-4 * rng.standard_normal((count, 4, 20, 16)).astype(np.float16)
    contours = np.zeros_like(relative)
    return ResidualBank(ring, motion, contours, relative, np.zeros((count, 2), np.float32), np.arange(count))


def wider_hearts(usual: ResidualBank) -> ResidualBank:
    """The same slices with further rotations of 0.3 rad; the descriptors show their size but not their sign."""
    more = 0.3j * np.random.default_rng(9).standard_normal(len(usual.index))
    relative = usual.relative.copy()
    relative[:, :, 0] += more[:, None] * np.sin(np.pi * np.arange(FRAMES) / FRAMES) ** 2
    return replace(usual, relative=relative, descriptors=usual.descriptors + 1)


def test_the_mean_is_predicted_and_the_rest_is_sampled() -> None:
    torch.manual_seed(0)
    latent = MotionLatent(MotionLatentConfig(modes=2, condition=16, width=48, blocks=1, dropout=0.0), 4)
    schedule = NoiseSchedule()
    config = GenerativeConfig(epochs=40)
    stage = MotionLatentStage(200, lambda _: LatentBanks(bank(200, 0), bank(50, 1)), schedule, config)
    report = stage.report(train_stage({"motion_latent": latent, "slice_spread": SliceSpread(2, 2)}, stage))
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
    around = latent.centred_samples(codes[:6])
    assert np.abs(around.mean(axis=0)).max() < 1e-6
    spread = latent.decode(codes[:6]).std(axis=0, ddof=1)
    assert around.std(axis=0, ddof=1) == pytest.approx(spread, rel=1e-3, abs=1e-6)  # whatever the number of samples


def test_a_wider_distribution_widens_the_spread_and_keeps_the_mean() -> None:
    config = GenerativeConfig(epochs=5, batch_size=32)
    fitted = []
    for wider in (None, (wider_hearts(bank(60, 2)), wider_hearts(bank(20, 3)))):
        torch.manual_seed(0)
        latent, spread = MotionLatent(MotionLatentConfig(modes=2, condition=8, width=8, blocks=1), 4), SliceSpread(2, 2)
        banks = LatentBanks(bank(200, 0), bank(50, 1), wider)
        slices = 200 if wider is None else 260
        stage = MotionLatentStage(slices, lambda _, banks=banks: banks, NoiseSchedule(), config)
        train_stage({"motion_latent": latent, "slice_spread": spread}, stage)
        views = bank(40, 4)
        mean = latent.decode(latent.expected(views.views()))
        wide = spread.factors(wider_hearts(views).descriptors) * latent.scatter.numpy()
        fitted.append((mean, (wide * latent.modes.square().sum(dim=1).sqrt().numpy()).mean()))
    assert np.abs(fitted[1][0] - fitted[0][0]).mean() < 0.3 * np.abs(fitted[0][0]).mean()
    assert fitted[1][1] > 1.5 * fitted[0][1]


def test_slices_that_were_left_out_do_not_shorten_the_batches() -> None:
    latent = MotionLatent(MotionLatentConfig(modes=2, condition=8, width=8, blocks=1), 4)
    model = torch.nn.ModuleDict({"motion_latent": latent, "slice_spread": SliceSpread(2, 2)})
    config = GenerativeConfig(epochs=1, batch_size=8)
    stage = MotionLatentStage(24, lambda _: LatentBanks(bank(21, 0), bank(10, 1)), NoiseSchedule(), config)
    stage.open(model, resumed=False)
    batches = [batch[0] for batch in stage.batches(0, 0)]
    assert stage.epoch_lengths() == [3] and [len(batch) for batch in batches] == [8, 8, 8]
    assert len(torch.cat(batches).unique(dim=0)) == 21


def test_fewer_slices_than_modes_leave_the_other_modes_zero() -> None:
    latent = MotionLatent(MotionLatentConfig(modes=8, condition=8, width=8, blocks=1), 4)
    latent.fit_modes(bank(4, 0).relative)
    assert (latent.modes.abs().sum(dim=1) > 0).sum() == 3
    assert latent.encode(bank(20, 1).relative).abs().max() < 1e4


class StopsAt(Progress):
    """Asks a training to stop at the n-th update of a stage."""

    def __init__(self, stop: StopRequest, updates: int) -> None:
        super().__init__("none")
        self.stop, self.left = stop, updates

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        self.left -= 1
        if self.left == 0:
            self.stop.ask()


def latent_training() -> tuple[torch.nn.Module, MotionLatentStage]:
    """Twelve epochs of three steps, validated every five."""
    torch.manual_seed(0)
    latent = MotionLatent(MotionLatentConfig(modes=2, condition=8, width=8, blocks=1, dropout=0.2), 4)
    model = torch.nn.ModuleDict({"motion_latent": latent, "slice_spread": SliceSpread(2, 2)})
    banks = LatentBanks(bank(100, 0), bank(20, 1))
    return model, MotionLatentStage(100, lambda _: banks, NoiseSchedule(), GenerativeConfig(epochs=12, batch_size=32))


def contour_training() -> tuple[torch.nn.Module, ContourStage]:
    """Thirteen steps in five epochs, the last one shorter."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)

    banks = [
        ContourBank(
            20 + drawn(n, FRAMES, 19),
            0.1 * drawn(n, FRAMES, TERMS),
            np.full(n, 25, np.float32),
            np.arange(n) % 4,
            np.arange(n) % 3,
            np.where(np.arange(n) % 2, np.nan, 1.0).astype(np.float32),
        )
        for n in (9, 7, 6)
    ]
    torch.manual_seed(0)
    network = ContourMotion(ContourMotionConfig(components=3, modes=2, width=8, blocks=1, conventions=True))
    config = ContourTraining(least_steps=13, most_steps=13, validations=4, batch_size=8)
    return torch.nn.ModuleDict({"contour_motion": network}), ContourStage(banks[:2], banks[2], config)


@pytest.mark.parametrize(("training", "updates"), [(latent_training, (2, 3, 17, 36)), (contour_training, (3, 12))])
def test_an_interrupted_stage_resumes_to_the_same_weights(
    tmp_path: Path, training: Callable[[], tuple[torch.nn.Module, LoopStage]], updates: tuple[int, ...]
) -> None:
    """Interrupted within an epoch, at the last step of an epoch, and at the last step of the stage."""
    fabric = make_fabric(torch.device("cpu"), bf16=False)
    model, stage = training()
    whole, best = fit(model, [stage], unrecorded(), fabric, identity={})
    for at in updates:
        run, stop = RunFolder(tmp_path / str(at)), StopRequest()
        model, stage = training()
        with pytest.raises(TrainingStopped), run.opened():
            fit(model, [stage], run, fabric, identity={}, stop=stop, progress=StopsAt(stop, at))
        model, stage = training()
        with run.opened():
            resumed, best_resumed = fit(model, [stage], run, fabric, identity={}, resume=True)
        assert best_resumed == best
        for key, value in whole.state_dict().items():
            assert torch.equal(resumed.state_dict()[key], value), (at, key)


def test_stored_banks_belong_to_one_run(tmp_path: Path) -> None:
    run, calls = RunFolder(tmp_path), []

    def make() -> ResidualBank:
        calls.append(1)
        return bank(3, 0)

    for identity, resume, made in (({"seed": 0}, False, 1), ({"seed": 0}, True, 1), ({"seed": 1}, True, 2)):
        found = BankStore(run, identity, resume=resume).get("residuals", ResidualBank, make)
        assert len(calls) == made and np.array_equal(found.relative, bank(3, 0).relative)
    BankStore(run, {"seed": 0}, resume=False).get("residuals", ResidualBank, make)
    assert len(calls) == 3


def test_one_command_adds_uncertainty_to_a_model_also_when_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(posterior.ContourTraining, "steps", lambda _self, _slices: 10)
    monkeypatch.setattr(posterior, "_HELD_OUT_SHARE", 0.6)
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
    words += ["--epochs", "1", "--samples", "3", "--progress", "none", "--phantoms", "3", "--randomised", "7"]
    words += ["--conventions", "--roughness", "--engine-share", "0.5"]
    assert main([*(str(word) for word in words), "--weak-segments", "4"]) == 1
    assert "none of the 7 randomised subjects is left" in capsys.readouterr().err
    monkeypatch.setattr(posterior, "weak_segment_subjects", lambda config: [0] * (config.weak_segment_slices > 0))
    run = tmp_path / "new-run"

    fractions: list[float] = []

    def ask_to_stop(_: Progress, stage: str, fraction: float, message: str = "") -> None:
        fractions.append(fraction)
        if stage == "contours-2":
            (run / "stop").touch()

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "update", ask_to_stop)
        assert main([str(word) for word in words]) == 130
    assert "stopped in stage contours-2" in capsys.readouterr().err and not (tmp_path / "new").exists()
    assert read_run(run).state == "stopped" and read_run(run).resumable
    assert main([str(word) for word in words]) == 1 and "--resume" in capsys.readouterr().err
    assert len(set(fractions)) > 20 and fractions == sorted(fractions)
    words += ["--weak-segments", "4", "--resume", "--progress", "json"]  # the calibration may differ from before
    assert main([str(word) for word in words]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    resumed = [json.loads(line)["fraction"] for line in lines]
    assert resumed == sorted(resumed) and resumed[-1] == 1.0
    assert read_run(run).state == "finished" and not (run / "prepared").exists()
    model = load_model(tmp_path / "new")
    assert model.network.takes_convention and model.network.config.contour_motion.roughness
    assert model.network.config.inference.space == "motion" and model.description["training"]["minutes"] == 3
    assert model.description["uncertainty"]["samples"] == 3
    assert "gcs_peak" in model.description["uncertainty"]["global_numbers"]
    assert model.description["uncertainty"]["weak_segments"].get("segment_ecc", 0.0) > 0
    # 2 of the 3 phantoms, 3 of the 7 randomised subjects, and the four slices of the dataset
    assert model.description["training"]["contours"]["slices"] == (2 + 3) * 4 + 4
    described = model.description["training"]["posterior"]
    assert (described["slices"], described["validation_slices"], described["calibration_slices"]) == (4, 2, 2)
    assert described["randomised_slices"] == [3 * 4, 4]  # of the four randomised subjects that were held out
    for words in ("12 slices of randomised hearts", "calibrated on 2 validation slices"):
        assert words in (tmp_path / "new" / "MODEL_CARD.md").read_text(encoding="utf-8")
    for key, value in base.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[key], value, atol=0, rtol=0)
    index = DatasetIndex.load(tmp_path / "data")
    result = _predicted_with_both_conventions(model, drawn_case(read_dataset_case(index.folder, "s3-a")))
    assert result.summary["uncertainty"]["calibrated"] and "unlike_training" in result.summary["slices"][0]


def _predicted_with_both_conventions(model: LoadedModel, case: Case) -> StrainResult:
    """The result with the convention left to the model, which differs from that of tissue contours."""
    result = predict_strain(case, model)
    given = replace(case, slices=tuple(replace(each, contour_convention="tissue") for each in case.slices))
    tissue = predict_strain(given, model)
    described = [each.summary["slices"][0]["contour_convention"] for each in (result, tissue)]
    assert [each["given"] for each in described] == ["auto", "tissue"]
    assert described[0]["left_out_layer_mm"] == described[1]["left_out_layer_mm"] is not None
    assert not np.array_equal(result.slices[0].displacement_mm, tissue.slices[0].displacement_mm)
    return result


def test_too_few_randomised_hearts_are_not_used() -> None:
    for randomised in (0, 19):  # none, and too few to hold one out
        assert posterior.wider_subjects(posterior.PosteriorConfig(randomised=randomised)) is None


def test_a_model_without_posterior_has_no_further_parts() -> None:
    plain = LaMoDModel(PRESETS["smoke"].model)
    assert plain.motion_latent is None and plain.familiarity is None and plain.slice_spread is None
    further = ("motion_latent", "familiarity", "slice_spread")
    assert not [key for key in plain.state_dict() if key.startswith(further)]
    assert ModelConfig.from_dict(SAMPLING.to_dict()) == SAMPLING
