"""Fixtures: the extension configured with the stand-in for Slicer's CMake macros, and installed once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def cmake() -> Path:
    """CMake of the test requirements: Slicer's extension template needs a recent version."""
    program = Path(sysconfig.get_path("scripts")) / "cmake"
    if not program.exists():
        pytest.skip("the package cmake is not installed")
    return program


@pytest.fixture(scope="session")
def build(cmake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build folder, configured."""
    missing = [tool for tool in ("c++", "make") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")
    folder = tmp_path_factory.mktemp("build")
    command = [cmake, "-S", ROOT, "-B", folder, f"-DSlicer_DIR={ROOT / 'Testing' / 'SlicerBuild'}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def modules(cmake: Path, build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripted modules in the installed tree."""
    prefix = tmp_path_factory.mktemp("installed")
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, capture_output=True)
    return prefix / "lib" / "Slicer-5.12" / "qt-scripted-modules"


@pytest.fixture(scope="session")
def run_hidden() -> Callable[[Path, str, Path], str]:
    """A function that runs a program which can import only the packages and one folder, and returns its output.

    The option -S disables the path file of the editable installation, which hides the repository.
    """

    def run(folder: Path, program: str, cwd: Path) -> str:
        paths = f"sys.path[:0] = [{str(folder)!r}]; sys.path.append({sysconfig.get_paths()['purelib']!r})"
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"import sys; {paths}; {program}"],
            capture_output=True,
            encoding="utf-8",
            cwd=cwd,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
