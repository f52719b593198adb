"""Cohorts: the same bytes for any number of workers, splits by subject, the frozen test cohort."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.phantom import DISEASES
from LaMoDCore.phantom.cohort.build import write_cohort
from LaMoDCore.phantom.cohort.fingerprint import fingerprint
from LaMoDCore.phantom.cohort.recipe import CohortRecipe
from LaMoDCore.runtime.errors import LaMoDInputError

RECIPES = Path(__file__).resolve().parents[3] / "experiments" / "data"


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "one"
    write_cohort(folder, CohortRecipe(count=2, seed=5), workers=1)
    return folder


def test_the_same_bytes_for_two_workers_and_after_an_interruption(small: Path, tmp_path: Path) -> None:
    write_cohort(tmp_path / "two", CohortRecipe(count=2, seed=5), workers=2)
    assert digests(tmp_path / "two") == digests(small)
    for name in ("displacement.npz", "masks.seq.nrrd", "case.json"):
        (tmp_path / "two/cases/s00001-mid-2" / name).unlink()
    (tmp_path / "two/dataset.json").unlink()
    write_cohort(tmp_path / "two", CohortRecipe(count=2, seed=5), workers=1, resume=True)
    assert digests(tmp_path / "two") == digests(small)


def test_contents_of_a_case(small: Path) -> None:
    index = DatasetIndex.load(small)
    assert len(index) == 8
    assert {entry.level for entry in index} == {"base", "mid", "apex"}
    case = read_dataset_case(small, "s00000-mid-1")
    assert case.masks.shape == (40, 1, 128, 128)
    assert case.grid.spacing_mm == pytest.approx((1.0, 1.0))
    assert case.displacement_mm is not None
    assert case.masks_true is not None
    wall = case.masks_true[0]
    assert np.isfinite(case.displacement_mm[:, wall]).all()
    assert np.isnan(case.displacement_mm[:, ~wall]).all()
    assert np.abs(case.displacement_mm[0, wall]).max() == 0
    assert case.frame_times_ms[-1] == pytest.approx(case.rr_ms * 39 / 40)
    plane = CohortRecipe(count=2, seed=5).subject(0).slices()[1]
    truth = plane.displacement_on([14 / 40], plane.grid)[0]
    stored = case.grid.vectors_from_lps(case.displacement_mm[14, 0])
    assert np.abs(np.moveaxis(truth, 0, -1)[wall[0]] - stored[wall[0]]).max() < 2e-4
    disagreement = (case.masks != case.masks_true).sum() / case.masks_true.sum()
    assert 0.03 < disagreement < 0.6


def test_a_cohort_can_grow_but_not_change_otherwise(small: Path, tmp_path: Path) -> None:
    with pytest.raises(LaMoDInputError, match="not empty"):
        write_cohort(small, CohortRecipe(count=3, seed=5))
    with pytest.raises(LaMoDInputError, match="seed = 5"):
        write_cohort(small, CohortRecipe(count=2, seed=6), resume=True)
    few, many = CohortRecipe(count=2, seed=9), CohortRecipe(count=500, seed=9)
    assert [few.entries(k) for k in range(2)] == [many.entries(k) for k in range(2)]


def test_splits_are_by_subject_and_balanced_by_site() -> None:
    recipe = CohortRecipe(count=400, seed=1)
    where = Counter((recipe.site_number(k), recipe.split_of(k)) for k in range(400))
    for site in range(4):
        assert abs(where[site, "train"] - 72) <= 2
        assert abs(where[site, "val"] - 14) <= 2
        assert abs(where[site, "test"] - 14) <= 2
    assert len({entry.split for entry in recipe.entries(7)}) == 1


@pytest.mark.parametrize("name", ["phantom-test-v1", "phantom-test-v1-paired"])
def test_the_frozen_cohort_is_unchanged(name: str) -> None:
    content = json.loads((RECIPES / f"{name}.json").read_text(encoding="utf-8"))
    recipe = CohortRecipe.from_json(content["recipe"])
    for key, values in fingerprint(recipe).items():
        assert values == pytest.approx(content["fingerprint"][key], rel=1e-4, abs=2e-3)


def test_the_frozen_cohort_has_sixty_subjects_of_each_disease() -> None:
    content = json.loads((RECIPES / "phantom-test-v1.json").read_text(encoding="utf-8"))
    recipe = CohortRecipe.from_json(content["recipe"])
    assert Counter(recipe.disease(k) for k in range(recipe.count)) == dict.fromkeys(DISEASES, 60)
    sites = Counter((recipe.disease(k), recipe.site_number(k)) for k in range(recipe.count))
    assert min(sites.values()) == max(sites.values()) == 15
    subset = content["subsets"]["single-100"]
    assert len(set(subset)) == 100
    assert all(int(case_id[1:6]) < recipe.count for case_id in subset)


def test_the_command_writes_a_subset_and_refuses_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = {"recipe": CohortRecipe(count=3, seed=8).to_json(), "subsets": {"one": ["s00001-apex"]}}
    (tmp_path / "r.json").write_text(json.dumps(recipe))
    words = ["phantom", "--out", str(tmp_path / "out"), "--recipe", str(tmp_path / "r.json"), "--workers", "1"]
    assert main([*words, "--subset", "one", "--progress", "none"]) == 0
    assert (tmp_path / "out/statistics.md").read_text(encoding="utf-8").startswith("| group |")
    assert (tmp_path / "out/contact-sheet.png").stat().st_size > 5000
    assert [entry.id for entry in DatasetIndex.load(tmp_path / "out")] == ["s00001-apex"]
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    for bad in (
        ["phantom", "--out", str(tmp_path / "x"), "--count", "0"],
        ["phantom", "--out", str(tmp_path / "x"), "--count", "1", "--diseases", "flu"],
        ["phantom", "--out", str(tmp_path / "x"), "--count", "1", "--split", "0.5,0.6,0.1"],
        ["phantom", "--out", str(tmp_path / "x")],
        [*words, "--subset", "two"],
        [*words, "--count", "4"],
        ["phantom", "--out", str(tmp_path / "r.json"), "--count", "1"],
        ["phantom", "--out", str(locked / "x"), "--count", "1"],
        ["phantom", "--out", str(tmp_path / "x"), "--count", "1", "--dense-pictures"],
        ["phantom", "--out", str(tmp_path / "x"), "--count", "1", "--trabeculae", "9"],
    ):
        capsys.readouterr()
        assert main(bad) == 1
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert message.startswith("lamod: ")
    assert not (tmp_path / "x").exists()
