"""A representative set of the malicious inputs of `make hostile`, on every command that reads files."""

import sys
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the trials fork and limit memory as Linux does", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "hostile"))

from runner import run, warm_up
from trials import every_trial
from valid_files import write_valid_files


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    folder = tmp_path_factory.mktemp("valid")
    write_valid_files(folder)
    warm_up()
    return folder


def test_the_suite_is_large_and_its_seeds_are_unique(valid):
    trials = list(every_trial(valid))
    assert len({trial.seed for trial in trials}) == len(trials) >= 500
    commands = {trial.words[0] for trial in trials if trial.words}
    assert commands >= {
        "predict", "check", "info", "contour", "dense", "dataset", "train", "train-posterior", "evaluate",
        "predict-cohort", "models", "settings", "phantom",
    }  # fmt: skip


def test_representative_inputs(valid):
    faults = []
    for trial in every_trial(valid):
        if trial.quick:
            verdict = run(trial, valid)
            faults += [f"{trial.seed}: {fault}" for fault in verdict.faults]
    assert not faults, "\n".join(faults)


def test_a_misbehaving_command_is_found(valid):
    """The judge itself: a wrong exit code and a deleted file are faults."""
    from dataclasses import replace

    trial = next(trial for trial in every_trial(valid) if trial.quick and trial.codes == (1,))
    assert "exit code 1, not 0" in str(run(replace(trial, codes=(0,)), valid).faults)

    def prepared(folder, files, rng):
        trial.prepare(folder, files, rng)

    words = ("models", "export", "lamod-phantom-v1", "new.zip")
    verdict = run(replace(trial, words=words, prepare=prepared, codes=(0,), outputs=()), valid)
    assert "created: new.zip" in str(verdict.faults)
