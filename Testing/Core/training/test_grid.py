"""A grid search trains every combination once and names the best."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ring_dataset import TINY

from LaMoDCore.cli import main
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.run.grid import read_grid


def test_every_combination_of_the_lists_is_made(tmp_path: Path) -> None:
    file = tmp_path / "grid.json"
    file.write_text('{"learning_rate": [1e-3, 1e-4], "model.latent_channels": [4, 8], "freeze": [["encoder"]]}')
    found = read_grid(file, TINY)
    assert [(c.config.learning_rate, c.config.model.latent_channels) for c in found] == [
        (1e-3, 4), (1e-3, 8), (1e-4, 4), (1e-4, 8),
    ]  # fmt: skip
    assert found[0].config.freeze == ("encoder",) and found[2].config.augmentation == TINY.augmentation


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"learning_rat": [1]}', "did you mean 'learning_rate'"),
        ('{"learning_rate": 1}', "object of lists"),
        ('{"seed.x": [1]}', "there is no setting"),
        ("nonsense", "not JSON"),
    ],
)
def test_a_wrong_grid_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "grid.json").write_text(text)
    with pytest.raises(LaMoDInputError, match=words):
        read_grid(tmp_path / "grid.json", TINY)


def test_a_search_names_the_best_and_trains_only_missing_runs(
    tmp_path: Path, rings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = replace(TINY, registration_epochs=1, motion_epochs=0, joint_epochs=0)
    (tmp_path / "base.json").write_text(json.dumps(base.to_dict()))
    (tmp_path / "grid.json").write_text('{"learning_rate": [0.0, 0.02], "batch_size": [4, 4096]}')
    run = tmp_path / "search"
    arguments = ["train", "--data", str(rings), "--out", str(run), "--config", str(tmp_path / "base.json")]
    arguments += ["--grid", str(tmp_path / "grid.json"), "--device", "cpu", "--progress", "none"]
    assert main(arguments) == 0
    summary = json.loads((run / "grid.json").read_text())
    assert summary["measure"] == "mask_distance"
    values = {entry["run"]: entry["value"] for entry in summary["runs"]}
    assert summary["best"] == min(("grid-001", "grid-003"), key=lambda name: values[name])
    assert values["grid-002"] is None and "batch_size" in (run / "grid.md").read_text()
    before = {name: (run / name / "log.jsonl").stat().st_mtime_ns for name in ("grid-001", "grid-003")}
    assert main([*arguments, "--resume"]) == 0
    assert before == {name: (run / name / "log.jsonl").stat().st_mtime_ns for name in before}
    assert summary["best"] in capsys.readouterr().out
