"""Baselines are trained, saved, loaded, predict and are evaluated; those without learning follow a ring."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from annuli_dataset import write_annuli

from LaMoDCore.baselines import (
    ARCHITECTURES,
    BaselineConfig,
    BaselineModel,
    available,
    baseline_config,
    parameter_count,
)
from LaMoDCore.baselines.demons_tracking import track_by_demons
from LaMoDCore.baselines.registration_alone import shot_displacement
from LaMoDCore.baselines.strainnet import StrainNetConfig
from LaMoDCore.baselines.transunet import TokenTransformer, TransUnetConfig
from LaMoDCore.baselines.unetr import UnetrConfig
from LaMoDCore.cli import main
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.evaluation.predictors import make_predictors
from LaMoDCore.heart.canonical import occupancy_from_distances
from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.lddmm import carry_mask
from LaMoDCore.models.folder import lamod_network, load_model, save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.data.cache import TrainingCache
from LaMoDCore.training.run.settings import PRESETS, AugmentationConfig

TINY = {
    "strainnet": StrainNetConfig(width=2),
    "unetr": UnetrConfig(side=64, width=2, hidden=24, mlp=24, heads=2),
    "transunet": TransUnetConfig(side=64, width=2, most=8, poolings=3, hidden=16, layers=2, heads=2),
}


def tiny(name: str) -> BaselineConfig:
    if name == "unetr":
        pytest.importorskip("monai", reason="UNETR is MONAI's: pip install 'lamod[baselines]'")
    return BaselineConfig(name, TINY[name], pixel_mm=2)


def contracting_ring(frames: int = 40) -> np.ndarray:
    """Occupancy [T, 128, 128] of a ring that contracts by 6 mm inside and 2 mm outside."""
    axis = np.arange(128) - 63.5
    radius = np.hypot(axis[None], axis[:, None])
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
    distances = [np.stack([radius - (33 - 2 * a), radius - (24 - 6 * a)]) for a in amount]
    return occupancy_from_distances(np.stack(distances))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_displacement_is_zero_in_frame_0(name):
    torch.manual_seed(1)
    model = BaselineModel(tiny(name)).eval()
    masks = torch.from_numpy(contracting_ring())[None, None]
    with torch.no_grad():
        moved, blocks = model.displacement(masks), model.blocks(masks)
    assert moved.shape == (1, 2, 40, 128, 128) and blocks.shape == (1, 2, 40, 64, 64)
    assert not moved[:, :, 0].any() and moved[:, :, 20].abs().max() > 0


class Ramp(torch.nn.Module):
    """u_x = x/10 and u_y = −t, in mm, on pixels of any size."""

    def forward(self, masks):
        n, _, frames, height, width = masks.shape
        x = (torch.arange(width) + 0.5) * (128 / width) / 10
        field = torch.zeros(n, 2, frames, height, width)
        field[:, 0] = torch.arange(frames)[:, None, None] * x
        field[:, 1] -= torch.arange(frames)[:, None, None]
        return field


@pytest.mark.parametrize("pixel_mm", [1, 2])
def test_pixels_of_the_network_align_with_the_image(pixel_mm):
    model = BaselineModel(BaselineConfig("strainnet", TINY["strainnet"], pixel_mm))
    model.network = Ramp()
    masks = torch.zeros(1, 1, 40, 128, 128)
    moved, blocks = model.displacement(masks), model.blocks(masks)
    inside = slice(2, -2)
    torch.testing.assert_close(moved[0, 0, 10, 5, inside], 10 * (torch.arange(128) + 0.5)[inside] / 10)
    torch.testing.assert_close(blocks[0, 0, 10, 5, inside], 10 * (2 * torch.arange(64) + 1.0)[inside] / 10)
    assert (moved[0, 1, 7] == -7).all() and (blocks[0, 1, 7] == -7).all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_baseline_is_saved_and_loaded_as_a_model_folder(name, tmp_path):
    torch.manual_seed(2)
    model = BaselineModel(tiny(name)).eval()
    folder = save_model(model, tmp_path / name, name)
    loaded = load_model(folder)
    assert isinstance(loaded.network, BaselineModel) and loaded.network.config == model.config
    masks = torch.from_numpy(contracting_ring())[None, None]
    with torch.no_grad():
        torch.testing.assert_close(loaded.network.displacement(masks), model.displacement(masks), atol=0, rtol=0)
    with pytest.raises(LaMoDInputError, match="not a LaMoD"):
        lamod_network(loaded)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"network": "resnet"}, "no baseline network 'resnet'; there are strainnet"),
        ({"settings": {"widht": 4}}, "no setting 'widht'"),
        ({"pixel_mm": 3}, "1 or 2"),
        ({"depth": 3}, "no setting 'depth'"),
    ],
)
def test_an_invalid_config_is_refused(change, sentence, tmp_path):
    folder = save_model(BaselineModel(tiny("strainnet")), tmp_path / "model", "model")
    file = folder / "model.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["config"].update(change)
    file.write_text(json.dumps(content))
    with pytest.raises(LaMoDInputError, match=sentence):
        load_model(folder)


def test_the_published_sizes_are_available():
    """StrainNet starts with 64 channels; UNETR and TransUNet have twelve layers of 768, over 85 million parameters."""
    assert baseline_config("strainnet", "full").settings == StrainNetConfig(width=64, poolings=3)
    assert 20e6 < parameter_count(baseline_config("strainnet", "full")) < 25e6
    assert 95e6 < parameter_count(baseline_config("transunet", "full")) < 110e6
    for name in ("strainnet", "transunet"):
        assert parameter_count(baseline_config(name, "reduced")) < 5e6
    pytest.importorskip("monai")
    assert 90e6 < parameter_count(baseline_config("unetr", "full")) < 95e6


def test_every_method_is_listed_once_with_its_source():
    names = [method.name for method in available()]
    assert names[0] == "zero" and names[-1] == "diffusion" and len(set(names)) == len(names)
    assert {method.name for method in available() if method.learned == "network"} == set(ARCHITECTURES)
    assert all(method.what and method.source for method in available())
    assert "substitute" in next(method.what for method in available() if method.name == "itk-demons")
    with pytest.raises(ValueError, match="baseline networks are"):
        baseline_config("zero")


def test_attention_connects_all_tokens():
    """The bottleneck is attention, not convolution: a change in one corner affects the opposite corner."""
    torch.manual_seed(3)
    transformer = TokenTransformer(4, (3, 4, 4), hidden=8, layers=1, heads=2).eval()
    features = torch.randn(1, 4, 3, 4, 4)
    changed = features.clone()
    changed[:, :, 0, 0, 0] += 1.0
    with torch.no_grad():
        difference = (transformer(changed) - transformer(features)).abs().amax(dim=1)[0]
    assert difference[2, 3, 3] > 1e-6


def test_demons_follow_the_contours():
    occupancy = contracting_ring()[[0, 10, 20]]
    found = track_by_demons(occupancy)
    wall = occupancy > 0.5
    carried = [carry_mask(wall[0], u) for u in found]
    assert dice(carried[0], wall[0]) == 1.0
    assert dice(carried[2], wall[2]) > 0.93 > dice(wall[0], wall[2]) + 0.1
    middle = found[2][:, 63, 64 + 28]
    assert -7 < middle[0] < -2 and abs(middle[1]) < 0.7  # inward on the right: towards smaller columns


def test_the_registration_network_alone_shoots_its_velocities():
    torch.manual_seed(4)
    model = LaMoDModel(PRESETS["smoke"].model).eval()
    masks = torch.from_numpy(contracting_ring())[None, None]
    with torch.no_grad():
        still = shot_displacement(model, masks)
        torch.nn.init.normal_(model.registration_decoder.to_velocity.weight, std=0.02)
        moved = shot_displacement(model, masks)
    assert moved.shape == (1, 2, 40, 128, 128)
    assert moved[:, :, 0].abs().max() < 1e-4
    assert moved[:, :, 20].abs().mean() > 5 * still[:, :, 20].abs().mean()


def test_a_shot_that_leaves_the_image_is_a_failure_of_the_method(tmp_path):
    torch.manual_seed(4)
    model = LaMoDModel(PRESETS["smoke"].model)
    with torch.no_grad():
        torch.nn.init.normal_(model.registration_decoder.to_velocity.weight, std=2e5)
    save_model(model, tmp_path / "wild", "wild")
    (method,) = make_predictors([f"{tmp_path / 'wild'}:registration"], device="cpu", samples=None, seed=0)
    grid = SliceGrid((128, 128), np.eye(4))
    ring = CineSlice("ring", grid, contracting_ring() > 0.5, np.arange(40) * 20.0, 800.0)
    with pytest.raises(LaMoDInputError, match="leaves the image"):
        method.predict(Case((ring,)))


def ring_cache(slices: int = 3) -> TrainingCache:
    """The contracting ring, training slices and one validation slice; motion is radial and linear in the radius."""
    occupancy = contracting_ring()
    axis = 2.0 * np.arange(64) - 63.0
    radius = np.hypot(axis[None], axis[:, None])
    amount = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(40) / 40)
    inward = -amount[:, None, None] * np.clip(6 - 4 * (radius - 24) / 9, 0, 8) / np.maximum(radius, 1)
    motion = np.stack([inward * axis[None, None], inward * axis[None, :, None]], axis=1)
    weight = np.broadcast_to(4 * ((radius > 24) & (radius < 33)), (40, 64, 64))
    arrays = {
        "occupancy": (255 * occupancy).astype(np.uint8),
        "clean": (255 * occupancy).astype(np.uint8),
        "displacement": motion.astype(np.float16),
        "weight": weight.astype(np.uint8),
    }
    many = {name: np.stack([values] * slices) for name, values in arrays.items()}
    splits = ("train",) * (slices - 1) + ("val",)
    return TrainingCache(many, splits, np.ones(slices, dtype=bool), np.zeros(slices, dtype=int), "ring")


CONFIG = replace(PRESETS["smoke"], bf16=False, batch_size=1, registration_epochs=0, motion_epochs=1, joint_epochs=0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Run folders of two steps each, by name."""
    pytest.importorskip("lightning_fabric", reason="training needs lightning-fabric: pip install 'lamod[train]'")
    from LaMoDCore.training.networks.baseline import train_baseline

    home = tmp_path_factory.mktemp("runs")
    for name in ARCHITECTURES:
        train_baseline(ring_cache(), home / name, CONFIG, tiny(name))
    return home


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_baseline_trains(trained, name):
    lines = [json.loads(line) for line in (trained / name / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    epoch = next(line for line in lines if line["kind"] == "epoch")
    assert epoch["global_step"] == 2
    assert np.isfinite(epoch["val"]["endpoint_mm"]) and np.isfinite(epoch["train"]["loss"])
    torch.manual_seed(CONFIG.seed)
    first, last = BaselineModel(tiny(name)).state_dict(), load_model(trained / name / "model").network.state_dict()
    assert all(not torch.equal(first[key], last[key]) for key in first if key.endswith("to_motion.weight"))
    assert (trained / name / "model" / "MODEL_CARD.md").read_text(encoding="utf-8").startswith(f"# {name}")


def test_the_error_falls_at_every_epoch_without_augmentation(tmp_path):
    """The same slice at every step, without random numbers."""
    pytest.importorskip("lightning_fabric")
    from LaMoDCore.training.networks.baseline import train_baseline

    unvaried = AugmentationConfig(
        full_turn_share=0,
        turn_degrees=0,
        shift_mm=0,
        jitter_mm=0,
        scale=0,
        thickening_share=0,
        clean_share=1,
        level_hidden_share=0,
    )
    config = replace(CONFIG, augmentation=unvaried, motion_epochs=4, learning_rate=2e-2, ema_decay=0.0)
    train_baseline(ring_cache(2), tmp_path / "run", config, BaselineConfig("strainnet", StrainNetConfig(4, 2), 2))
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    endpoint = [line["train"]["endpoint_mm"] for line in lines if line["kind"] == "epoch"]
    assert (np.diff(endpoint) < 0).all()
    assert endpoint[-1] < 0.8 * endpoint[0]


def test_an_unfinished_run_of_a_baseline_has_a_model(tmp_path):
    pytest.importorskip("lightning_fabric")
    from LaMoDCore.training.networks.baseline import train_baseline
    from LaMoDCore.training.run.stopping import StopRequest, TrainingStopped

    stop = StopRequest()
    stop.ask()
    with pytest.raises(TrainingStopped):
        train_baseline(ring_cache(), tmp_path / "run", CONFIG, tiny("strainnet"), stop=stop)
    unfinished = load_model(tmp_path / "run")
    assert isinstance(unfinished.network, BaselineModel) and unfinished.description["training"]["unfinished"]


def test_a_run_of_another_baseline_is_not_resumed(trained):
    from LaMoDCore.training.networks.baseline import train_baseline

    with pytest.raises(LaMoDInputError):
        train_baseline(ring_cache(), trained / "strainnet", CONFIG, tiny("transunet"), resume=True)


def test_baselines_predict_and_are_evaluated_with_the_other_methods(trained, tmp_path):
    data = tmp_path / "annuli"
    write_annuli(data)
    models = ["zero", "itk-demons", *(str(trained / name / "model") for name in ARCHITECTURES)]
    words = ["evaluate", "--data", str(data), "--limit", "1", "--models", ",".join(models), "--no-figures"]
    kept = ["--cache", str(tmp_path / "kept"), "--progress", "none"]
    assert main([*words, *kept, "--out", str(tmp_path / "evaluation")]) == 0
    page = (tmp_path / "evaluation" / "results.md").read_text(encoding="utf-8")
    for title in ("zero", "registration tracking (ITK demons)", *ARCHITECTURES):
        assert f"| {title} |" in page
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 4
    case = data / "cases" / "s1-dense" / "masks.seq.nrrd"
    asked = ["predict", str(case), "--model", str(trained / "strainnet" / "model"), "--no-report", "--progress", "none"]
    assert main([*asked, "--out", str(tmp_path / "result")]) == 0
    assert main([*asked, "--out", str(tmp_path / "more"), "--samples", "4"]) == 1


def test_methods_that_share_a_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        save_model(BaselineModel(tiny("strainnet")), tmp_path / folder, "same")
    with pytest.raises(LaMoDInputError, match="have the name 'same'"):
        make_predictors([str(tmp_path / "a"), str(tmp_path / "b")], device="cpu", samples=None, seed=0)
