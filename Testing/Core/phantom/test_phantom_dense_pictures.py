"""DENSE pictures of a paired scan: `lamod dense` recovers the motion of the subject of `lamod phantom`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.dense import read_dense
from LaMoDCore.io.dataset.folder import read_dataset_case, write_dataset_case
from LaMoDCore.phantom.cohort.build import plane_cases
from LaMoDCore.phantom.cohort.pairing import dense_scan, site_settings
from LaMoDCore.phantom.cohort.recipe import CohortRecipe


@pytest.mark.slow
def test_the_motion_is_recovered_from_a_subjects_dense_pictures(tmp_path: Path) -> None:
    recipe = CohortRecipe(count=1, seed=63, scans="paired", diseases=(("healthy", 1.0),), annotated=False)
    case_ids = ["s00000-mid-1-dense", "s00000-mid-1-cine"]
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": recipe.to_json(), "subsets": {"one": case_ids}}))
    pictured = tmp_path / "pictured"
    words = ["--recipe", str(tmp_path / "recipe.json"), "--subset", "one", "--workers", "1", "--progress", "none"]
    assert main(["phantom", "--out", str(pictured), *words, "--no-report", "--cine", "--dense-pictures"]) == 0

    plane = recipe.subject(0).slices()[1]
    plain, _ = plane_cases(recipe, 0, 1, plane, "s00000-mid-1")
    masks = "masks.seq.nrrd"
    assert (write_dataset_case(tmp_path / "plain", plain) / masks).read_bytes() == (
        pictured / "cases" / case_ids[0] / masks
    ).read_bytes()
    dense, cine = (read_dataset_case(pictured, case_id, pictures=True) for case_id in case_ids)
    assert dense.cine is not None
    assert cine.cine is not None

    home = pictured / "cases/s00000-mid-1-dense/dense"
    (images,) = read_dense(home)
    assert images.frames == dense.masks.shape[0] - 1
    assert np.allclose(images.frame_times_ms, dense.frame_times_ms[1:])
    assert 0.08 <= images.ke[0] <= 0.1
    scan = dense_scan(plane, site_settings(recipe.site_number(0), recipe.seed), (recipe.seed, 0, 1))
    tissue = scan.plane.masks(scan.phases[1:], scan.grid, material=True)
    assert np.array_equal(images.myocardium, tissue)
    assert not np.array_equal(dense.masks[1:, 0], tissue), "a subject without slice-following shows the difference"
    assert images.phase.min() >= -np.pi
    assert images.phase.max() <= np.pi

    assert main(["dense", str(home), "--out", str(tmp_path / "analysed"), "--progress", "none"]) == 0
    found = read_dataset_case(tmp_path / "analysed", "dense-s00000-mid-1-dense")
    wall = dense.valid[0, 0] & found.valid[0, 0]
    assert wall.sum() > 0.9 * dense.valid[0, 0].sum()
    error = (found.displacement_mm - dense.displacement_mm)[:, 0, wall]  # type: ignore[operator]
    moved = dense.displacement_mm[:, 0, wall]  # type: ignore[index]
    assert np.sqrt((moved**2).sum(-1).mean()) > 2.0
    assert np.sqrt((error**2).sum(-1).mean()) < 0.3
