"""docs/examples/arrays_to_dataset.py: pixels become LPS millimetres, and values that were not measured are excluded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from LaMoDCore.io.dataset.checks import check_dataset
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.report.maps import direction_letters

ROOT = Path(__file__).resolve().parents[3]


def write_slice(file: Path, **changes: object) -> np.ndarray:
    """A ring of 12 frames that shrinks about its centre; returns its displacement in pixels."""
    y, x = np.mgrid[:64, :64].astype(float) - 32
    radius = np.hypot(x, y)
    squeeze = 40 * np.sin(np.pi * np.arange(12) / 12) ** 2
    masks = np.stack([(np.sqrt(radius**2 + k) > 14) & (np.sqrt(radius**2 + k) < 20) for k in squeeze])
    shrunk = np.sqrt(np.maximum(radius**2 - squeeze[:, None, None], 1)) / np.maximum(radius, 1)
    displacement = np.stack([x * (shrunk - 1), y * (shrunk - 1)], axis=-1)
    displacement[7:] = np.nan  # the scan ended there
    values: dict[str, object] = {
        "masks": masks.astype(np.uint8),
        "displacement": displacement,
        "pixel_mm": np.array([1.5, 1.5]),
        "frame_ms": np.arange(12) * 70.0,
        "rr_ms": 850.0,
        "subject": "p01",
        "site": "A",
        "level": "mid",
        **changes,
    }
    np.savez(file, **{name: value for name, value in values.items() if value is not None})
    return displacement


def test_arrays_become_a_dataset_without_errors(tmp_path: Path) -> None:
    (tmp_path / "slices").mkdir()
    displacement = write_slice(tmp_path / "slices" / "p01-mid.npz")
    write_slice(tmp_path / "slices" / "p02-mid.npz", displacement=None, subject="p02", disease="dcm")
    script = ROOT / "docs" / "examples" / "arrays_to_dataset.py"
    words = [sys.executable, str(script), str(tmp_path / "slices"), str(tmp_path / "data")]
    done = subprocess.run(
        words, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0 and "2 cases" in done.stdout, done.stderr
    index, findings = check_dataset(tmp_path / "data")
    assert not [finding for finding in findings if finding.severity == "error"], findings
    assert [(e.subject, e.cohort, e.disease) for e in index] == [("p01", "dense", ""), ("p02", "cine", "dcm")]
    case = read_dataset_case(DatasetIndex.load(tmp_path / "data").folder, "p01-mid")
    assert case.displacement_mm is not None and case.valid is not None
    assert not case.valid[7:].any() and case.valid[3, 0, 32, 48]
    in_plane = case.grid.vectors_from_lps(case.displacement_mm[3, 0, 32, 48])
    np.testing.assert_allclose(in_plane, 1.5 * displacement[3, 32, 48], atol=1e-3)
    assert read_dataset_case(index.folder, "p02-mid").displacement_mm is None
    letters = [direction_letters(sign * case.grid.directions[:, axis]) for axis in (0, 1) for sign in (1, -1)]
    assert letters == ["LP", "RA", "PI", "AS"]  # right, left, bottom and top of the picture, as seen from the apex
    assert case.grid.view_sign == 1
    again = subprocess.run(
        words, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, encoding="utf-8", check=False
    )
    assert again.returncode == 1 and "exists already" in again.stderr
    assert len(list(DatasetIndex.load(tmp_path / "data"))) == 2
