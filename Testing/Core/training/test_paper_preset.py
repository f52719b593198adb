"""The paper's own networks, losses and training, and prediction as Algorithm 1 is printed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ring_dataset import write_rings
from torch.nn import functional

from LaMoDCore import load_case
from LaMoDCore.cli import main
from LaMoDCore.evaluation.predictors import make_predictors
from LaMoDCore.io.dataset.folder import DatasetIndex, write_dataset_index
from LaMoDCore.lddmm import FluidMetric
from LaMoDCore.models.folder import load_model
from LaMoDCore.networks.diffusion import NoiseSchedule
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.networks.paper.video_unet import CycleConv3d
from LaMoDCore.prediction.options import ALGORITHM_1, resolve_options
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.data.cache import TrainingCache, open_cache
from LaMoDCore.training.data.draws import Draws
from LaMoDCore.training.data.loading import load_batch
from LaMoDCore.training.loop import fit as fit_module
from LaMoDCore.training.loop.engine import make_fabric
from LaMoDCore.training.loop.paper_losses import motion_energy, registration_energy
from LaMoDCore.training.loop.paper_stages import PaperMotionStage
from LaMoDCore.training.loop.slice_stage import slice_stages
from LaMoDCore.training.networks.stage_plan import stages_of
from LaMoDCore.training.networks.train import train
from LaMoDCore.training.run.settings import PRESETS, TrainingConfig

STEPS = 3
NETWORKS = replace(
    PRESETS["paper"].model, latent_channels=2, encoder_width=1, motion_width=1, denoiser_width=8, denoiser_blocks=1,
    shooting_steps=2, velocity_stride=2, schedule=NoiseSchedule(steps=STEPS),
    inference=replace(PRESETS["paper"].model.inference, start=STEPS, steps=STEPS),
)  # fmt: skip
TINY = replace(
    PRESETS["paper"], model=NETWORKS, batch_size=2, learning_rate=1e-3, registration_epochs=1, diffusion_epochs=1,
    motion_epochs=1, shot_frames=1, patience=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(cache: TrainingCache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("paper") / "run"
    train(cache, run, TINY)
    return run


def test_a_convolution_is_a_three_dimensional_one_that_is_periodic_in_time() -> None:
    torch.manual_seed(0)
    layer, video = CycleConv3d(2, 3), torch.randn(2, 2, 5, 6, 7)
    found = layer(video.transpose(1, 2).flatten(0, 1), 2).view(2, 5, 3, 6, 7).transpose(1, 2)
    weight = layer.convolution.weight.view(3, 3, 2, 3, 3).transpose(1, 2)  # [out, in, time, y, x]
    padded = torch.cat([video[:, :, -1:], video, video[:, :, :1]], dim=2)
    expected = functional.conv3d(padded, weight, layer.convolution.bias, padding=(0, 1, 1))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_latent_holds_every_pair_and_nothing_but_what_the_encoder_learned() -> None:
    model = LaMoDModel(NETWORKS).eval()
    masks = torch.rand(1, 1, 40, 128, 128)
    with torch.no_grad():
        latent = model.encode(masks, torch.tensor([1]))
        assert latent.shape == (1, NETWORKS.latent_channels, 40, 16, 16)
        torch.testing.assert_close(latent, model.encode(masks, torch.tensor([3])))  # no level
        moved = model.decode(latent)
        assert moved.shape == (1, 2, 40, 128, 128) and not moved[:, :, 0].any()
        assert model.initial_velocity(masks).shape == (1, 2, 40, 64, 64)
        full = LaMoDModel(replace(NETWORKS, velocity_stride=1))
        assert full.initial_velocity(masks).shape == (1, 2, 40, 128, 128)


def test_equation_10_is_a_sum_of_squares_over_the_measured_blocks() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.normal(size=(2, 2, 3, 128, 128)).astype(np.float32)
    truth = rng.normal(size=(2, 2, 3, 64, 64)).astype(np.float32)
    weight = (rng.random((2, 1, 3, 64, 64)) > 0.7).astype(np.float32)
    blocks = predicted.reshape(2, 2, 3, 64, 2, 64, 2).mean(axis=(4, 6))
    expected = (((blocks - truth) ** 2).sum(axis=1, keepdims=True) * weight).sum() / 2
    found, endpoint = motion_energy(*map(torch.from_numpy, (predicted, truth, weight)))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    distance = np.linalg.norm(blocks - truth, axis=1)[:, None]
    assert float(endpoint) == pytest.approx((distance * weight).sum() / weight.sum(), rel=1e-5)


def test_equation_1_of_equal_masks_is_zero_at_rest_and_counts_the_energy_of_the_velocity() -> None:
    ring = torch.zeros(1, 1, 40, 128, 128)
    ring[..., 40:80, 40:80] = 1
    metric, frames = FluidMetric(alpha=2.0, gamma=1.0, power=2), torch.tensor([1, 5])
    velocity = torch.zeros(1, 2, 2, 64, 64)
    options = {"steps": 2, "integrator": "euler", "sigma": 0.1}
    loss, distance = registration_energy(velocity, ring, frames, metric, regularity=1.0, **options)  # type: ignore[arg-type]
    assert float(loss) == pytest.approx(0, abs=1e-9) and float(distance) == pytest.approx(0, abs=1e-9)
    velocity[:, 0] = 0.5  # a constant velocity: L v = γ² v
    energies = [
        float(registration_energy(velocity, ring, frames, metric, regularity=r, **options)[0])  # type: ignore[arg-type]
        for r in (0.0, 1.0)
    ]
    assert energies[1] - energies[0] == pytest.approx(0.5 * 0.5**2, rel=1e-4)


def test_the_preset_trains_as_the_paper_states() -> None:
    paper = PRESETS["paper"]
    assert (paper.optimiser, paper.learning_rate, paper.learning_rate_schedule) == ("adam", 1e-4, "constant")
    assert (paper.batch_size, paper.lambda_motion, paper.lambda_noise) == (32, 1e-4, 1e-4)
    assert paper.augmentation.changes_nothing and not paper.adapt_encoder and paper.ema_decay == 0
    assert (paper.model.architecture, paper.model.schedule.steps, paper.shot_frames) == ("paper", 500, 39)
    assert TrainingConfig.from_dict(json.loads(json.dumps(paper.to_dict()))) == paper
    with pytest.raises(ValueError, match="joint_epochs"):
        replace(paper, joint_epochs=1)
    with pytest.raises(ValueError, match="architecture must be one of"):
        ModelConfig(architecture="other")


def test_adam_keeps_its_rate_and_the_decoder_is_chosen_by_its_own_loss(
    cache: TrainingCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[tuple[str, float]] = []
    step = torch.optim.Adam.step

    def recorded(self: torch.optim.Adam, *args: object, **options: object) -> object:
        rates.append((type(self).__name__, self.param_groups[0]["lr"]))
        return step(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fit_module.torch.optim.Adam, "step", recorded)
    train(cache, tmp_path / "run", replace(TINY, registration_epochs=0, diffusion_epochs=0, motion_epochs=2))
    assert set(rates) == {("Adam", TINY.learning_rate)} and len(rates) >= 2
    assert PaperMotionStage(TINY).score({"loss": 3.0, "noise_error": 1e9}) == 3.0


def test_cine_with_known_motion_takes_part_in_registration_only(rings: Path, tmp_path: Path) -> None:
    """As in the paper, where only DENSE measures motion; synthetic cines have it, too."""
    shutil.copytree(rings, tmp_path / "rings")
    index = DatasetIndex.load(tmp_path / "rings")
    write_dataset_index(index.folder, [replace(e, cohort="cine" if e.subject == "s1" else "dense") for e in index])
    mixed = open_cache(index.folder, tmp_path / "cache")
    fabric = make_fabric(torch.device("cpu"), bf16=False)
    model = LaMoDModel(NETWORKS)
    stages = slice_stages(model, stages_of(TINY), mixed, TINY, fabric)
    numbers = {stage.name: sorted(int(n) for step in stage._order(0) for n in step) for stage in stages}
    assert numbers["registration"] == [0, 1, 2, 3]
    for name in ("diffusion", "motion"):  # three slices in batches of two
        assert len(numbers[name]) == 2 and 1 not in numbers[name]


def test_the_decoder_learns_from_the_latents_of_algorithm_1(cache: TrainingCache, trained: Path) -> None:
    model = load_model(trained).network
    assert isinstance(model, LaMoDModel)
    stage = PaperMotionStage(replace(TINY, latent_draws=2))
    batch = load_batch(cache, cache.indices("train")[:2], torch.device("cpu"))

    def latents(key: str) -> torch.Tensor:
        return stage._latents(model, batch, Draws.of((key,), [0, 1]))

    with torch.no_grad():
        clean = model.normalise(model.encode(batch.masks))
        found = [latents(str(key)) for key in range(6)]
    assert all(one.shape == clean.shape and not torch.allclose(one, clean) for one in found)
    assert len({one[0].sum().item() for one in found}) == 2  # two draws per slice, kept
    again = PaperMotionStage(replace(TINY, latent_draws=2))
    torch.testing.assert_close(found[0], again._latents(model, batch, Draws.of(("0",), [0, 1])))
    alone = load_batch(cache, cache.indices("train")[:1], torch.device("cpu"))
    one = PaperMotionStage(replace(TINY, latent_draws=2))._latents(model, alone, Draws.of(("0",), [0]))
    torch.testing.assert_close(found[0][:1], one, rtol=1e-3, atol=1e-4)  # whatever the batch


def test_a_run_is_trained_and_predicts_as_algorithm_1_is_printed(trained: Path, rings: Path) -> None:
    measured = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))["validation"]
    assert list(measured) == ["registration", "diffusion", "motion"]
    model = load_model(trained)
    options = resolve_options(model)
    assert (options.space, options.sampler, options.start, options.steps) == ("registration", "ddpm", STEPS, STEPS)
    assert resolve_options(model, space="registration", sampler="ddpm", start="last") == options
    case = load_case(rings / "cases" / "s0-mid" / "masks.seq.nrrd")
    result = predict_strain(case, model)
    plain = predict_strain(case, model, diffusion=False)
    assert np.isfinite(result.slices[0].displacement_mm).all()
    assert not np.array_equal(result.slices[0].displacement_mm, plain.slices[0].displacement_mm)
    assert result.summary["provenance"]["sampler"] == "ddpm"


def test_the_command_predicts_with_the_preset(
    trained: Path, rings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "predict",
        str(rings / "cases" / "s0-mid" / "masks.seq.nrrd"),
        "--model",
        str(trained),
        "--no-report",
        "--progress",
        "none",
    ]
    assert main([*words, "--out", str(tmp_path / "paper"), "--preset", "paper"]) == 0
    provenance = json.loads((tmp_path / "paper" / "strain.json").read_text(encoding="utf-8"))["provenance"]
    assert (provenance["space"], provenance["sampler"], provenance["start"]) == ("registration", "ddpm", STEPS)
    for option in (["--steps", "2"], ["--no-diffusion"]):
        assert main([*words, "--out", str(tmp_path / "none"), "--preset", "paper", *option]) == 1
        assert option[0] in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_methods_are_compared_with_sampling_options(trained: Path, tmp_path: Path) -> None:
    data = write_rings(tmp_path / "rings", train=1, val=1)
    words = ["evaluate", "--data", str(data), "--split", "val", "--no-figures", "--progress", "none"]
    words += ["--models", f"zero,{trained}", "--out", str(tmp_path / "out")]
    assert main([*words, "--space", "registration", "--start", "1", "--sampler", "ddpm"]) == 0
    assert "start 1" in (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    (printed,) = make_predictors(
        [str(trained)], device="cpu", samples=None, seed=0, sampling={**ALGORITHM_1, "steps": None}
    )
    assert printed.name.endswith(", Algorithm 1")  # short enough for the figures


@pytest.mark.parametrize("name", ["lamod-phantom-v1", "lamod-phantom-v2"])
def test_a_shipped_model_refuses_the_preset(name: str) -> None:
    with pytest.raises(LaMoDInputError, match="denoiser was not trained"):
        resolve_options(load_model(name), diffusion=True, space="registration", start="last")
