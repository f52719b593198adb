"""500 fixed mutants of valid files give a case or one error message in bounded time, never a traceback."""

import pickle
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fuzz"))

import pytest
from any_model import SMALL
from mutants import SEEDS, mutants, write_seeds
from outcome import outcome_of

from LaMoDCore.cli import main
from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.io import load_case
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError

COUNT = 500


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return write_seeds(tmp_path_factory.mktemp("seeds"))


def read(path, known):
    """The part of `lamod predict` before the networks, with its exit codes.

    Slices in `known` were resampled before: many mutations change nothing that is read.
    """
    try:
        for slice_ in load_case(path).slices:
            if (content := pickle.dumps(replace(slice_, name=""))) not in known:
                to_canonical(slice_)
                known.add(content)
    except LaMoDInputError as error:
        print(f"lamod: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def test_seeds_are_valid(seeds):
    for path in seeds.values():
        assert outcome_of(lambda path=path: read(path, set())).code == 0


def test_mutants(seeds, tmp_path):
    codes, known = dict.fromkeys((0, 1), 0), set()
    for mutant in mutants(seeds, tmp_path, count=COUNT):
        result = outcome_of(lambda path=mutant.path: read(path, known))
        assert not result.failure, f"mutant {mutant.number}, {mutant.seed_name}, {mutant.change}: {result.failure}"
        codes[result.code] += 1
    assert min(codes.values()) > COUNT / 10, f"mutants that test little: {codes}"


def test_mutants_through_the_command(seeds, tmp_path):
    """One mutant per format with the whole command: a complete result or none."""
    model = save_model(LaMoDModel(SMALL), tmp_path / "model", "any")
    (tmp_path / "m").mkdir()
    out = tmp_path / "out"
    for mutant in mutants(seeds, tmp_path / "m", seed=1, count=len(SEEDS)):
        words = ["predict", str(mutant.path), "--out", str(out), "--model", str(model), "--no-report", "--no-diffusion"]
        result = outcome_of(lambda words=words: main([*words, "--progress", "none"]), out)
        assert not result.failure, f"{mutant.seed_name}, {mutant.change}: {result.failure}"
        if out.exists():
            out.rename(tmp_path / f"done{mutant.number}")
