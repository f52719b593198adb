"""A wheel contains the weights and works without the repository."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_demo_from_a_wheel(tmp_path: Path, run_hidden):
    """The wheel is built without the network; -S hides the editable installation."""
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("lamod-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for name in ("lamod-phantom-v1", "lamod-phantom-v2"):
            assert f"LaMoDCore/shipped_models/{name}/weights.safetensors" in names
        assert not [n for n in names if n.startswith(("Testing", "LaMoDSlicer", "runs"))]
        archive.extractall(tmp_path / "unpacked")
    program = "from LaMoDCore.cli import main; sys.exit(main(['demo', '--samples', '1', '--out', 'result']))"
    run_hidden(tmp_path / "unpacked", program, tmp_path)
    assert (tmp_path / "result" / "report.png").is_file()
