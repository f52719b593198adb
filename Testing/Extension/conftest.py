"""The extension configured against the stand-in for Slicer's CMake macros, and installed once for all tests."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder, configured."""
    missing = [tool for tool in ("cmake", "c++", "make") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    folder = tmp_path_factory.mktemp("build")
    command = ["cmake", "-S", ROOT, "-B", folder, f"-DSlicer_DIR={ROOT / 'Testing' / 'SlicerBuild'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def modules(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed folder of scripted modules, as Slicer would have it."""
    prefix = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, capture_output=True)
    return prefix / "lib" / "Slicer-5.12" / "qt-scripted-modules"
