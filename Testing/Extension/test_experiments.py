"""The research scripts in experiments/ import, are listed in their README, and their mutations still apply."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from experiments.pages import cohort_of_pages
from experiments.paths import ROOT
from experiments.robustness.mutations import MUTATIONS, Mutation
from LaMoDCore.runtime.errors import LaMoDInputError

EXPERIMENTS = ROOT / "experiments"
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in EXPERIMENTS.rglob("*.py")
    if "__pycache__" not in file.parts
)
RESULTS = sorted((EXPERIMENTS / "results").rglob("*.md"))
#: Modules without a command line.
SHARED = {"paths", "phantoms.ellipsoid_heart", "phantoms.known_motion", "phantoms.mechanical_ring"}
SHARED |= {"people.scanner", "people.study"}
SHARED |= {"posterior.carried_contours", "posterior.unlike_training", "posterior.unusual_slices"}
SHARED |= {"posterior.predicted_hearts"}
SHARED |= {"posterior.mixture_data", "posterior.mixture_scores", "posterior.motion_densities"}
SHARED |= {"training.gaussian_denoiser"}
#: Tests for a checkout of version 1, whose fixtures they use.
OF_VERSION_1 = {"slicer.version_1_defects"}


@pytest.mark.parametrize("name", [name for name in MODULES if name.removeprefix("experiments.") not in OF_VERSION_1])
def test_every_script_imports(name: str) -> None:
    module = importlib.import_module(name)
    script = name.removeprefix("experiments.")
    assert hasattr(module, "main") != (script in SHARED)
    if script not in SHARED:
        assert f"python -m {name}" in (module.__doc__ or "")


@pytest.mark.parametrize("name", ["contours.contour_carrying", "slicer.module_speed"])
def test_a_script_uses_the_chosen_model(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--model", "no-such-model"])
    with pytest.raises(LaMoDInputError, match="no-such-model"):
        importlib.import_module(f"experiments.{name}").main()


def test_the_cohort_of_pages_is_of_the_chosen_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: dict[str, str] = {}
    for name in ("write_cohort", "compare_cohort", "compare_evaluation", "compare_checks"):
        monkeypatch.setattr(cohort_of_pages, name, lambda *_: None)
    monkeypatch.setattr(cohort_of_pages, "run", lambda name, *words: calls.update({name: " ".join(map(str, words))}))
    monkeypatch.setattr(cohort_of_pages, "measure", lambda _, model, *_rest, **_options: calls.update(measure=model))
    monkeypatch.setattr(sys, "argv", ["cohort_of_pages", "--out", str(tmp_path), "--model", "lamod-phantom-v1"])
    cohort_of_pages.main()
    assert "--model lamod-phantom-v1 --no-diffusion" in calls["predict-cohort"]
    assert "--models zero,lamod-phantom-v1:no-diffusion" in calls["evaluate"]
    assert calls["measure"] == "lamod-phantom-v1"


def test_the_readme_lists_every_script() -> None:
    text = (EXPERIMENTS / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_0-9.]+)", text, flags=re.MULTILINE))
    assert listed == {name.removeprefix("experiments.") for name in MODULES} - SHARED


def test_every_command_in_the_results_exists() -> None:
    for page in RESULTS:
        for name in re.findall(r"experiments\.[a-z_0-9]+\.[a-z_0-9]+", page.read_text(encoding="utf-8")):
            assert name in MODULES, f"{page.name}: {name}"


def test_the_index_lists_every_page() -> None:
    folder = EXPERIMENTS / "results"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert {page.relative_to(folder).as_posix() for page in RESULTS} - {"README.md"} == set(
        re.findall(r"^\| \[[^]]+\]\(([^)]+)\)", index, re.M)
    )


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_every_mutation_applies_to_the_current_code(mutation: Mutation) -> None:
    text = (ROOT / "LaMoDCore" / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.right) == 1
    file, test = mutation.test.split("::")
    assert f"def {test}(" in (ROOT / "Testing" / "Core" / file).read_text(encoding="utf-8")
