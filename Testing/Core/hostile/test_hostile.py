"""A representative set of the malicious inputs of `make hostile`, on every command that reads files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = Path(__file__).resolve().parents[2] / "hostile"
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="trials need Linux")

#: Runs a trial that is expected to be faulty: a wrong exit code and a file where none may be.
JUDGED = """
import sys, tempfile
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from runner import run
from trial import Trial
trial = Trial("test", "judge", ("models", "export", "lamod-phantom-v1", "new.zip"), lambda *_: None, codes=(1,))
for each in (trial, replace(trial, codes=(0,)), replace(trial, codes=(0,), outputs=("new.zip",))):
    print(" | ".join(run(each, Path(".")).faults) or "no fault")
"""


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: a trial is a fork, which must not copy the threads of pytest."""
    environment = {**os.environ, "PYTHONPATH": str(HOSTILE.parents[1]), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, encoding="utf-8", env=environment, timeout=900, check=False
    )


def test_representative_inputs():
    done = python(str(HOSTILE), "--quick", "--workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 faults" in done.stdout


def test_the_suite_is_large_and_its_seeds_are_unique(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(HOSTILE), *sys.path])
    from trials import every_trial
    from valid_files import write_valid_files

    write_valid_files(tmp_path)
    trials = list(every_trial(tmp_path))
    assert len({trial.seed for trial in trials}) == len(trials) >= 1000
    assert {trial.words[0] for trial in trials if trial.words} >= {
        "predict", "check", "info", "contour", "dense", "dataset", "train", "train-posterior", "evaluate",
        "predict-cohort", "models", "settings", "phantom",
    }  # fmt: skip


def test_misbehaviour_is_found():
    done = python("-c", JUDGED, str(HOSTILE))
    wrong_code, left_behind, allowed = done.stdout.splitlines()
    assert "exit code 0, not 1" in wrong_code and "created: new.zip" in wrong_code
    assert left_behind == "created: new.zip"
    assert allowed == "no fault"
