"""Commands import only what they need, so that they start at once."""

from __future__ import annotations

import io
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import standby
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from Testing.Core.io.heart_files import heart_labels, stack_affine

ROOT = Path(__file__).resolve().parents[3]
SLOW = {"numpy", "scipy", "torch", "pydicom", "SimpleITK", "matplotlib", "safetensors"}


def imported(*words: str) -> set[str]:
    """The slow libraries that a command imports."""
    code = (
        "import sys; from LaMoDCore.cli import main; code = main(sys.argv[1:]); "
        f"print(*({SLOW!r} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, run.stderr
    return set(run.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("predict", "--help"), ("benchmark", "--help")])
def test_help_imports_no_slow_library(words: tuple[str, ...]) -> None:
    assert imported(*words) == set()


def test_the_description_of_a_file_imports_neither_torch_nor_libraries_for_other_files(tmp_path: Path) -> None:
    affine = stack_affine((40, 44), (2.0, 2.0), slices=1)
    labels = heart_labels(affine, (40, 44), slices=1, frames=4)
    write_seq_nrrd(tmp_path / "masks.seq.nrrd", labels, affine, np.arange(4) * 200.0, rr_ms=800.0)
    assert imported("info", str(tmp_path / "masks.seq.nrrd")) <= {"numpy", "scipy"}


@pytest.mark.parametrize(("line", "printed"), [('["--version"]\n', "lamod "), ("", "")])
def test_a_waiting_process_runs_one_command_or_ends_with_its_input(
    line: str, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(standby, "MODULES", ("json", "a_module_that_is_not_installed"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    monkeypatch.setattr(sys, "argv", ["standby"])
    monkeypatch.setattr("LaMoDCore.cli.program.ignore_interrupts", lambda: None)
    assert standby.main() == 0
    assert capsys.readouterr().out.startswith(printed)


def test_a_waiting_process_imports_modules_that_exist() -> None:
    assert all(find_spec(name) for name in standby.MODULES)
