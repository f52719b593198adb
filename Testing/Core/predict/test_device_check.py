"""Predictions on an accelerator: no unsupported type reaches it, and `auto` uses it only if it agrees with the CPU.

The accelerators are imitated: `mps_like` refuses what an Apple GPU refuses, and PyTorch's meta device mixed devices.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from experiments.paths import ROOT
from LaMoDCore import load_case
from LaMoDCore.benchmarks.whole_heart import HeartSize, write_heart
from LaMoDCore.heart.canonical import FRAMES
from LaMoDCore.heart.ring.motion_basis import TERMS
from LaMoDCore.lddmm import FluidMetric, shoot
from LaMoDCore.lddmm.matching import match
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.networks.motion_latent import MotionLatentConfig
from LaMoDCore.networks.spline import b_spline_upsample
from LaMoDCore.prediction import device_check, predict
from LaMoDCore.prediction.device_check import choose_device
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.runtime.threads import MOST_THREADS
from LaMoDCore.training.loop.losses import motion_loss, noise_loss, registration_loss
from Testing.Core.predict import mps_like
from Testing.Core.predict.conftest import SMALL, ring_frames

MOST = predict.MOST_AT_ONCE
METRIC = FluidMetric(alpha=36.0, gamma=1.0, power=2)


@pytest.fixture(scope="module", params=["lamod-phantom-v1", "lamod-phantom-v2"])
def shipped(request: pytest.FixtureRequest) -> LoadedModel:
    return load_model(request.param)


def test_an_apple_gpu_predicts_what_the_cpu_predicts(ring_file: Path, shipped: LoadedModel) -> None:
    case = load_case(ring_file)
    on_cpu = predict_strain(case, shipped, samples=8)
    on_device = load_model(shipped.name)
    mps_like.operations.clear()
    with mps_like.mps_like():
        mps_like.move(on_device.network)
        found = predict_strain(case, on_device, samples=8)
    np.testing.assert_allclose(
        found.motion.slices[0].displacement_mm, on_cpu.motion.slices[0].displacement_mm, atol=1e-4
    )
    assert found.summary["slices"][0]["unlike_training"] == on_cpu.summary["slices"][0]["unlike_training"]
    assert {name for name, _ in mps_like.operations} >= {"convolution", "addmm", "grid_sampler_2d"}
    assert not {dtype for _, dtypes in mps_like.operations for dtype in dtypes} & {"float64", "complex128"}
    # MPS computes some functions of complex numbers wrongly (pytorch #126643) and lacks others.
    of_complex = {name for name, dtypes in mps_like.operations if "complex64" in dtypes}
    assert of_complex <= {"_fft_c2c", "_to_copy", "select", "slice", "stack", "unsqueeze", "view_as_real"}


def test_the_documented_operations_have_types_that_every_device_supports() -> None:
    page = (ROOT / "docs" / "reference" / "device-operations.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| `")]
    assert {name.strip(" `") for name, _ in rows} >= {"convolution", "addmm", "grid_sampler_2d"}
    types = {each.strip() for _, cell in rows for each in cell.split(",")}
    assert types and not types & {"float64", "complex128"}


def test_slices_in_one_batch_have_the_numbers_of_single_slices(
    shipped: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_heart(tmp_path / "masks.seq.nrrd", HeartSize(3, frames=8, pixels=64))
    case = load_case(tmp_path / "masks.seq.nrrd", labels="myo=2,lv=3")
    alone = predict_strain(case, shipped, samples=3)
    monkeypatch.setattr(predict, "batches_of", lambda slices, _device: ([slices], 1))
    together = predict_strain(case, shipped, samples=3)
    for one, other in zip(alone.motion.slices, together.motion.slices, strict=True):
        np.testing.assert_allclose(other.displacement_mm, one.displacement_mm, atol=1e-4)
        np.testing.assert_allclose(np.asarray(other.samples_mm), np.asarray(one.samples_mm), atol=1e-4)
    flags = [[part["unlike_training"]["flagged"] for part in found.summary["slices"]] for found in (alone, together)]
    assert flags[0] == flags[1]


@pytest.mark.parametrize(
    ("device", "most"), [("cpu", 1), ("cuda", predict.MOST_AT_ONCE), ("mps", predict.MOST_AT_ONCE)]
)
def test_batches_are_bounded_and_keep_the_order(device: str, most: int) -> None:
    slices: Any = list(range(40))
    batches, threads = predict.batches_of(slices, torch.device(device))
    assert [each for batch in batches for each in batch] == slices
    assert max(map(len, batches)) <= most and (threads == 1 or device != "mps")
    assert len(batches) == 40 or device != "cpu"


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_batches_do_not_depend_on_the_number_of_cores(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slices: Any = list(range(12))
    found = []
    for cores in (1, 2, 32):
        monkeypatch.setattr(torch, "get_num_threads", lambda cores=cores: cores)
        batches, threads = predict.batches_of(slices, torch.device(device))
        found.append(batches)
        assert threads <= min(cores, MOST_THREADS, len(batches))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("operation", ["double", "mixed", "numpy"])
def test_the_imitated_apple_gpu_refuses_what_a_real_one_refuses(operation: str) -> None:
    with mps_like.mps_like():
        value = torch.ones(3).to("mps")
        with pytest.raises((TypeError, RuntimeError), match=r"MPS|mps"):
            if operation == "double":
                value.double()
            elif operation == "mixed":
                value + torch.ones(3)
            else:
                value.numpy()
        assert (value + 1).cpu().double().numpy().tolist() == [2.0, 2.0, 2.0]


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A computer with an Apple GPU; the list names the devices of the predictions of the self-check."""
    predicted: list[str] = []
    monkeypatch.setenv("LAMOD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)

    def displacement(device: torch.device) -> np.ndarray:
        predicted.append(device.type)
        return np.zeros((2, 3))

    monkeypatch.setattr(device_check, "_displacement", displacement)
    yield predicted


def test_auto_uses_an_accelerator_that_passes_and_checks_it_once(apple: list[str]) -> None:
    assert choose_device() == (torch.device("mps"), "MPS: Apple GPU")
    assert choose_device()[0] == torch.device("mps")
    assert apple == ["cpu", "mps"]


def test_the_check_is_repeated_for_another_default_model(apple: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within one version of LaMoD, as in a checkout that is updated."""
    for name in ("lamod-phantom-v1", "lamod-phantom-v2"):
        monkeypatch.setattr(device_check, "DEFAULT_MODEL", name)
        assert choose_device()[0] == choose_device()[0] == torch.device("mps")
    assert apple == ["cpu", "mps"] * 2


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (TypeError("Cannot convert a MPS Tensor to float64"), "Cannot convert a MPS Tensor to float64"),
        (np.full((2, 3), 0.2), "differs from the CPU's by 0.2 mm"),
        (np.full((2, 3), np.nan), "differs from the CPU's by nan mm"),
    ],
)
def test_auto_uses_the_cpu_if_the_accelerator_fails(
    apple: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, outcome: object, reason: str
) -> None:
    def displacement(device: torch.device) -> np.ndarray:
        if device.type == "cpu":
            return np.zeros((2, 3))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[return-value]

    monkeypatch.setattr(device_check, "_displacement", displacement)
    device, found = choose_device()
    assert device == torch.device("cpu")
    assert "Apple GPU" in found and reason in found
    [stored] = json.loads((tmp_path / "cache" / "device-checks.json").read_text()).values()
    assert reason in stored
    assert choose_device("mps")[0] == torch.device("mps"), "a device chosen by name is used"


def test_the_self_check_passes_on_the_cpu() -> None:
    assert device_check.fault_of(torch.device("cpu")) == ""


def _train_one_step(model: LaMoDModel, masks: Tensor, truth: Tensor) -> Tensor:
    """The losses of E_R, D_R, ε_θ and D_η on one slice, and their gradients; returns their sum."""
    latent = model.encode(masks, torch.tensor([1], device=masks.device))
    learned = latent[:, : model.config.latent_channels]
    frames = torch.tensor([3, 10], device=masks.device)
    velocity = model.registration_decoder(learned, frames)
    registration, _ = registration_loss(velocity, masks, frames, METRIC, steps=2, sigma=0.1, regularity=1e-3)
    control = model.motion_decoder.control_points(model.normalise(latent))
    weight = torch.ones_like(truth[:, :1])
    motion, _ = motion_loss(
        control, b_spline_upsample(control, 2), truth, weight, gradient_weight_mm=1.0, regularity=1e-3
    )
    step = torch.tensor([100], device=masks.device)
    smoothed = model.config.noise.smooth(torch.ones_like(learned.detach()))
    noise = noise_loss(model.denoiser(learned, step), smoothed)
    total = registration + motion + noise
    total.backward()  # type: ignore[no-untyped-call]
    return total


def _pictures() -> tuple[Tensor, Tensor]:
    frames = torch.from_numpy(ring_frames(40, (128, 128), 1.0) == 2).float()
    return frames[None, None], torch.ones(1, 2, 40, 64, 64)


def test_an_apple_gpu_trains_shoots_and_matches() -> None:
    torch.manual_seed(0)
    model, (masks, truth) = LaMoDModel(SMALL), _pictures()
    velocity = torch.randn(1, 2, 32, 32)
    on_cpu = float(_train_one_step(model, masks, truth).detach())
    shot_on_cpu = shoot(velocity, METRIC, (2.0, 2.0), 3).forward
    with mps_like.mps_like():
        mps_like.move(model)
        found = _train_one_step(model, masks.to("mps"), truth.to("mps")).detach().cpu()
        assert all(p.grad is not None for p in model.motion_decoder.parameters())
        shot = shoot(velocity.to("mps"), METRIC, (2.0, 2.0), 3).forward.cpu()
        small = masks[0, :, ::13, ::4, ::4].transpose(0, 1).to("mps")
        match(small[:1], small[1:2], (4.0, 4.0), METRIC, levels=(1.0,), iterations=2, steps=3)
    assert float(found) == pytest.approx(on_cpu, rel=1e-4)
    torch.testing.assert_close(torch.as_tensor(shot), shot_on_cpu, atol=1e-4, rtol=0)


def test_networks_and_shooting_mix_no_devices() -> None:
    """On the meta device, operations on tensors of different devices raise errors."""
    meta = torch.device("meta")
    model = LaMoDModel(replace(SMALL, motion_latent=MotionLatentConfig(modes=4))).to(meta)
    masks, truth = (part.to(meta) for part in _pictures())
    assert _train_one_step(model, masks, truth).device == meta
    latent = model.normalise(model.encode(masks))
    denoised = model.denoise(latent, torch.Generator().manual_seed(0), sampler="ddim", start=10, steps=2)
    assert model.decode(denoised).shape == (1, 2, 40, 128, 128)
    latent_of_motion = model.motion_latent
    assert latent_of_motion is not None
    assert latent_of_motion.encode(np.zeros((2, FRAMES, TERMS), dtype=complex)).device == meta
    assert shoot(torch.zeros(1, 2, 32, 32, device=meta), METRIC, (2.0, 2.0), 3).forward.device == meta
