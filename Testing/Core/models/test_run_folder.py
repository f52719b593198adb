"""The models in the folder of a training run, finished or not, also of version 1."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from LaMoDCore.models.folder import load_model, save_model
from LaMoDCore.models.run_folder import CURRENT, FINISHED
from LaMoDCore.networks.lamod import LaMoDModel, ModelConfig
from LaMoDCore.runtime.errors import LaMoDInputError

SMALL = ModelConfig(encoder_width=24, motion_width=16, motion_blocks=1, denoiser_width=16, denoiser_blocks=1)


def network(seed: int) -> LaMoDModel:
    torch.manual_seed(seed)
    return LaMoDModel(SMALL)


def write_version_1_checkpoint(run: Path, average: LaMoDModel) -> None:
    """The checkpoint of an unfinished run as version 1 wrote it."""
    run.mkdir(exist_ok=True)
    (run / "run.json").write_text('{"format": 2}')
    identity = {"config": {"seed": 0, "model": SMALL.to_dict()}, "data": "a", "start": ""}
    parts = {"model": network(1), "average": average}
    tensors = {f"{name}.{key}": value for name, part in parts.items() for key, value in part.state_dict().items()}
    save_file(
        {key: value.contiguous() for key, value in tensors.items()},
        run / "checkpoint.safetensors",
        {"about": json.dumps({"position": {"stage": 0}, "identity": identity, "groups": []})},
    )


def test_a_run_is_loaded_by_its_finished_model_then_by_its_current_one_then_by_its_checkpoint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_version_1_checkpoint(run, network(2))
    found = load_model(run)
    assert found.name == "run" and found.description["training"] == {"unfinished": True}
    for key, value in network(2).state_dict().items():
        assert torch.equal(found.network.state_dict()[key], value)
    save_model(network(3), run / CURRENT, "run", training={"unfinished": True})
    assert torch.equal(load_model(run).network.encoder.pairs.weight, network(3).encoder.pairs.weight)
    save_model(network(4), run / FINISHED, "run")
    assert torch.equal(load_model(run).network.encoder.pairs.weight, network(4).encoder.pairs.weight)


def test_a_run_without_a_readable_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(LaMoDInputError, match="no checkpoint yet"):
        load_model(tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"half")
    with pytest.raises(LaMoDInputError, match="cannot be read"):
        load_model(tmp_path)
    other = torch.nn.Linear(1, 1)
    write_version_1_checkpoint(tmp_path, other)  # type: ignore[arg-type]
    with pytest.raises(LaMoDInputError, match="a network other than"):
        load_model(tmp_path)


def test_loading_a_model_imports_no_training_code() -> None:
    code = "import sys, LaMoDCore.models.folder; sys.exit(any(n.startswith('LaMoDCore.training') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
