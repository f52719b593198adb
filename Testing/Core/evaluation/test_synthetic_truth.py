"""Further truth of synthetic hearts: the location of scar, and the rotation that masks do not show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.evaluation import lesions
from LaMoDCore.evaluation import rotation_blind as rotation_blind_module
from LaMoDCore.evaluation.lesions import detection_auc, infarcted_segments
from LaMoDCore.evaluation.predictors import Predictor, zero_motion
from LaMoDCore.evaluation.rotation_blind import synthetic_reference
from LaMoDCore.evaluation.run import EvaluationRecords, detection_section, evaluate
from LaMoDCore.evaluation.truth import truth_of
from LaMoDCore.heart.case import Motion
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.phantom.cohort.build import write_cohort
from LaMoDCore.phantom.cohort.recipe import CohortRecipe


@pytest.fixture(scope="module")
def infarct(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom") / "data"
    write_cohort(folder, CohortRecipe(1, seed=77, diseases=(("infarct", 1.0),), split=(0.0, 0.0, 1.0)), workers=1)
    return DatasetIndex.load(folder)


@pytest.fixture(scope="module")
def found(infarct):
    def exact(case):
        data = read_dataset_case(infarct.folder, case.slices[0].name.split(",")[0])
        truth = truth_of(data)
        assert truth is not None
        return Motion(truth.motions)

    return evaluate(infarct, [Predictor("zero", zero_motion), Predictor("exact", exact)])


@pytest.fixture(scope="module")
def marked(infarct):
    """Whether a segment is infarcted, by case, slice and segment."""
    return infarcted_segments(infarct, [e.id for e in infarct])


def test_scar_is_where_the_wall_shortens_least(infarct, marked):
    assert 0 < sum(marked.values()) < len(marked) / 2
    for entry in infarct:
        strain = truth_of(read_dataset_case(infarct.folder, entry.id))
        ecc = strain.strains[0].segment_curves["ecc"][:, strain.es_frame]
        scar = np.array([marked[entry.id, 1, s + 1] for s in range(len(ecc))])
        if scar.any():
            assert ecc[scar].mean() > ecc[~scar].mean() + 0.04, entry.id


def test_true_strain_finds_the_scar_and_no_motion_does_not(infarct, found, marked):
    assert detection_auc(found.segments, "exact", marked).value > 0.9
    assert detection_auc(found.segments, "zero", marked).value == pytest.approx(0.5, abs=0.25)
    section = detection_section(infarct, found, ["zero", "exact"])
    assert "are more than 50 % scar" in section and "| true strain |" in section
    truth = [detection_auc(found.segments, "zero", marked, relative=r, truth=True).value for r in (False, True)]
    exact = [detection_auc(found.segments, "exact", marked, relative=r).value for r in (False, True)]
    assert truth == pytest.approx(exact, abs=0.02)


def test_scar_is_compared_with_healthy_hearts_by_the_same_definition(infarct, found, marked, monkeypatch):
    others = {key: False for key, scar in marked.items() if not scar}  # as if they were those of healthy hearts
    monkeypatch.setattr(lesions, "_segments_of", lambda *_: ((i, None, None, z, s, None) for i, z, s in others))
    judged = lesions.against_healthy(infarct, [e.id for e in infarct], marked)
    assert judged == marked
    monkeypatch.setattr(lesions, "_segments_of", lambda *_: iter(()))
    only_scar = lesions.against_healthy(infarct, [e.id for e in infarct], marked)
    assert only_scar == {key: True for key, scar in marked.items() if scar}
    fewer = dict(list(marked.items())[::2])  # remote myocardium is that of the whole slice
    kept = detection_auc(found.segments, "exact", fewer, relative=True)
    assert kept.value > 0.8


def test_subtracting_remote_myocardium_removes_differences_between_slices(found, marked):
    shifted = [
        replace(s, ecc=s.ecc + (0.3 if s.id.endswith("base") else 0.0)) for s in found.segments if s.model == "exact"
    ]
    areas = [
        [detection_auc(rows, "exact", marked, relative=relative).value for relative in (False, True)]
        for rows in (found.segments, shifted)
    ]
    assert areas[1][1] == pytest.approx(areas[0][1]) and areas[1][0] < areas[0][0] - 0.05


def test_the_rotation_blind_reference_is_below_the_error_of_no_motion(infarct, found, monkeypatch):
    monkeypatch.setattr(
        rotation_blind_module, "_REFERENCE_SUBJECTS", 40
    )  # enough for these bounds, in an eighth of the time
    reference = synthetic_reference(infarct, [e.id for e in infarct])
    still = np.mean([r.epe_mm for r in found.cases if r.model == "zero"])
    assert reference is not None
    assert reference.planes == 4
    assert 0.05 < reference.epe_mm < 0.5 * still


def test_other_datasets_have_neither_scar_nor_rotation_blind_reference(index):
    assert synthetic_reference(index, [e.id for e in index]) is None
    assert infarcted_segments(index, [e.id for e in index]) == {}
    assert detection_section(index, EvaluationRecords(), ["zero"]) == ""
