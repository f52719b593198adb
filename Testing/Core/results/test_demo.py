"""`lamod demo`, from the synthetic heart to the report."""

from __future__ import annotations

import json

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import shipped_folder

pytestmark = pytest.mark.skipif(
    not (shipped_folder() / DEFAULT_MODEL / "model.json").exists(), reason="the shipped weights are not here"
)


@pytest.mark.slow
def test_the_demo_writes_the_contracts_files_and_names_the_report(tmp_path, capsys):
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out), "--no-diffusion", "--progress", "none"]) == 0
    printed = capsys.readouterr().out
    assert printed.strip().endswith(str(out / "report.png"))
    assert "synthetic" in printed
    for name in ("motion.npz", "segments.csv", "strain.json", "report.png", "report.pdf"):
        assert (out / name).stat().st_size > 0
    summary = json.loads((out / "strain.json").read_text(encoding="utf-8"))
    assert -0.30 < summary["global"]["gcs_peak"] < -0.08
    assert "intervals" not in summary["global"], "one prediction without samples"
    with np.load(out / "motion.npz") as motion:
        inside = motion["myocardium"]
        assert motion["displacement_mm"].shape[:2] == (25, 3)
        assert (motion["jacobian"][:, inside] > 0).mean() > 0.999


def test_the_demo_refuses_a_folder_of_something_else_before_it_works(tmp_path, capsys):
    (tmp_path / "letter.txt").write_text("dear")
    assert main(["demo", "--out", str(tmp_path), "--progress", "none"]) == 1
    assert "letter.txt" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]
