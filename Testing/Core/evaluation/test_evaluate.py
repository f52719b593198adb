"""Evaluation of a dataset with truth and errors in closed form."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
from annuli_dataset import scaled_truth

from LaMoDCore.cli import main
from LaMoDCore.evaluation.figures import draw_box_plots, draw_ecc_over_cycle, draw_paired_over_cycle, own_cohort
from LaMoDCore.evaluation.predictors import Predictor, make_predictors, zero_motion
from LaMoDCore.evaluation.run import evaluate, examples_of, load_truths, paired_examples_of, write_evaluation
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case, write_dataset_case
from LaMoDCore.runtime.errors import LaMoDInputError

ZERO = Predictor("zero", zero_motion)


@pytest.fixture(scope="module")
def methods():
    return [ZERO, scaled_truth("nine tenths", 0.9), scaled_truth("exact", 1.0, spread=0.1, samples=5)]


@pytest.fixture(scope="module")
def found(index, methods):
    return evaluate(index, methods)


def _records(found, model, truth="own"):
    return {r.subject: r for r in found.cases if r.model == model and r.truth == truth}


def test_every_case_is_compared_with_its_own_or_paired_truth(found):
    assert len(found.cases) == 3 * 6
    assert {(r.cohort, r.truth) for r in found.cases} == {("dense", "own"), ("cine", "paired")}
    assert found.unreadable == []


def test_the_error_of_zero_motion_is_the_motion(found, index):
    record = _records(found, "zero")["s2"]
    _, truths = load_truths(index, next(e for e in index if e.id == "s2-dense"))
    truth = truths[0][1]
    motion = np.hypot(*truth.motions[0].displacement_mm[1:, :, truth.valid[0][0]].transpose(1, 0, 2))
    assert record.epe_mm == pytest.approx(motion.mean(), rel=1e-5)
    assert record.epe_es_mm == pytest.approx(record.motion_es_mm)
    assert record.ecc_error == pytest.approx(abs(record.gcs_true), abs=0.01)
    assert record.gcs == pytest.approx(0.0, abs=1e-6)


def test_the_exact_method_has_no_error(found):
    for record in _records(found, "exact").values():
        assert record.epe_mm < 1e-3
        assert record.ecc_error < 1e-4
        assert record.ecc_pixel_error < 1e-4
        assert record.gcs == pytest.approx(record.gcs_true, abs=1e-3)
        assert record.missing == 0.0
        assert record.folded == 0.0


def test_ten_percent_less_motion_has_an_error_of_ten_percent(found):
    for subject, record in _records(found, "nine tenths").items():
        assert record.epe_es_mm == pytest.approx(0.1 * record.motion_es_mm, rel=1e-3)
        assert record.epe_mm == pytest.approx(0.1 * _records(found, "zero")[subject].epe_mm, rel=1e-3)
        assert 0.05 < record.ecc_error / abs(record.gcs_true) < 0.15


def test_frames_that_were_not_acquired_are_ignored(found, index):
    _, truths = load_truths(index, next(e for e in index if e.id == "s3-dense"))
    assert not truths[0][1].valid[0][6:].any()
    assert _records(found, "exact")["s3"].epe_mm < 1e-3


def test_a_paired_scan_is_compared_by_segment_only(found):
    for record in _records(found, "exact", "paired").values():
        assert np.isnan(record.epe_mm)
        assert record.ecc_error < 0.01  # the same heart on another grid
        assert record.es_shift == pytest.approx(0.0, abs=1e-9)
    assert all(r.ecc_error > 0.05 for r in _records(found, "zero", "paired").values())


def test_samples_are_scored_and_single_predictions_are_not(found):
    record = _records(found, "exact")["s1"]
    assert record.ecc_coverage == 1.0
    assert record.ecc_coverage_due == pytest.approx(4 / 6)
    assert 0 <= record.ecc_crps < 0.02
    assert np.isnan(_records(found, "zero")["s1"].ecc_crps)


def test_a_method_that_fails_counts_as_no_motion(index):
    def refuse(case):
        raise LaMoDInputError(case.slices[0].name, "it is too hard", "try another")

    result = evaluate(index, [ZERO, Predictor("shy", refuse)], limit=2)
    for record in (r for r in result.cases if r.model == "shy"):
        assert "too hard" in record.failed
        twin = next(r for r in result.cases if r.model == "zero" and r.id == record.id and r.truth == record.truth)
        assert record.ecc_error == twin.ecc_error


def test_a_damaged_case_is_reported_and_left_out(index, tmp_path):
    shutil.copytree(index.folder, tmp_path / "data")
    (tmp_path / "data" / "cases" / "s2-dense" / "displacement.npz").write_bytes(b"PK")
    result = evaluate(DatasetIndex.load(tmp_path / "data"), [ZERO])
    assert sorted(case_id for case_id, _ in result.unreadable) == ["s2-cine", "s2-dense"]
    assert len(result.cases) == 4


def _spoiled(index, folder, spoil):
    """A copy of the dataset with damaged displacement of s2's DENSE case, and its remaining valid pixels."""
    shutil.copytree(index.folder, folder)
    data = read_dataset_case(folder, "s2-dense")
    motion, valid = data.displacement_mm.copy(), data.valid.copy()
    spoil(motion, valid)
    write_dataset_case(folder, dataclasses.replace(data, displacement_mm=motion, valid=valid))
    return DatasetIndex.load(folder), valid[:, 0] & np.isfinite(motion[:, 0]).all(axis=-1)


def test_pixels_without_a_number_are_not_part_of_the_true_wall(index, tmp_path):
    def some_pixels(motion, valid):
        rows, columns = np.nonzero(valid[0, 0])
        motion[3, 0, rows[:20], columns[:20]] = np.nan

    spoilt, known = _spoiled(index, tmp_path / "data", some_pixels)
    result = evaluate(spoilt, [ZERO, scaled_truth("exact", 1.0)])
    assert result.unreadable == [] and _records(result, "exact")["s2"].epe_mm < 1e-3
    _, truths = load_truths(spoilt, next(e for e in spoilt if e.id == "s2-dense"))
    assert np.array_equal(truths[0][1].valid[0], known & known.all(axis=0))
    assert all(np.isfinite(u.displacement_mm).all() for u in truths[0][1].motions)


@pytest.mark.parametrize("marked_valid", [True, False])
def test_a_frame_without_a_number_was_not_acquired(index, tmp_path, marked_valid):
    def one_frame(motion, valid):
        motion[4], valid[4] = np.nan, valid[4] & marked_valid

    spoilt, _ = _spoiled(index, tmp_path / "data", one_frame)
    result = evaluate(spoilt, [ZERO, scaled_truth("exact", 1.0)])
    assert result.unreadable == [] and _records(result, "exact")["s2"].epe_mm < 1e-3
    _, truths = load_truths(spoilt, next(e for e in spoilt if e.id == "s2-dense"))
    assert not truths[0][1].case.slices[0].valid_frames[4] and truths[0][1].case.slices[0].valid_frames[3]


@pytest.mark.parametrize("marked_valid", [True, False])
def test_a_case_without_any_number_is_reported_and_left_out(index, tmp_path, marked_valid):
    def everything(motion, valid):
        motion[:], valid[:] = np.nan, valid & marked_valid

    spoilt, _ = _spoiled(index, tmp_path / "data", everything)
    result = evaluate(spoilt, [ZERO])
    reasons = dict(result.unreadable)
    assert sorted(reasons) == ["s2-cine", "s2-dense"]  # the case that is paired with it has no truth either
    assert all("s2-dense" in text and "not known anywhere" in text and "\n" not in text for text in reasons.values())


def test_an_empty_split_is_refused(index):
    with pytest.raises(LaMoDInputError, match=r"no case in the split 'val'.*test"):
        evaluate(index, [ZERO], split="val")


def test_a_subject_in_two_splits_is_refused(dataset, tmp_path, capsys):
    shutil.copytree(dataset, tmp_path / "data")
    content = json.loads((tmp_path / "data" / "dataset.json").read_text())
    content["cases"][0]["split"] = "train"
    (tmp_path / "data" / "dataset.json").write_text(json.dumps(content))
    words = ["evaluate", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--models", "zero"]
    assert main([*words, "--progress", "none"]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and "s1 is in test and train" in line
    assert not (tmp_path / "out").exists()


def test_a_dataset_without_any_truth_is_refused(index):
    cine = dataclasses.replace(index, entries=tuple(e for e in index if e.cohort == "cine"))
    for entry in cine.entries:
        assert entry.cohort == "cine"
    lonely = dataclasses.replace(cine, entries=(dataclasses.replace(cine.entries[0], cohort="dense"),))
    with pytest.raises(LaMoDInputError, match="compared with a truth"):
        evaluate(lonely, [ZERO])


def test_a_model_named_twice_is_refused():
    with pytest.raises(LaMoDInputError, match="twice"):
        make_predictors(["zero", "zero"], device="cpu", samples=None, seed=0)


def test_examples_are_the_median_cases(index, methods, found):
    examples = examples_of(index, methods, found)
    assert [e.title for e in examples] == ["dcm, mid", "healthy, mid"]
    assert list(examples[0].strains) == ["zero", "nine tenths", "exact"]


def test_rows_of_figures_have_titles_that_are_drawn(index, methods, found):
    shown = {}
    for name, figure in (
        ("own", draw_ecc_over_cycle(examples_of(index, methods[::2], found)[0])),
        ("paired", draw_paired_over_cycle(paired_examples_of(index, methods[::2], found)[0])),
    ):
        texts = [text for ax in figure.axes for text in ax.texts if text.get_visible() and text.get_rotation() == 90]
        shown[name] = [text.get_text() for text in texts]
    assert shown == {"own": ["truth", "zero", "exact"], "paired": ["zero", "exact", "paired DENSE"]}


def test_files_of_an_evaluation(index, methods, found, tmp_path):
    files = write_evaluation(tmp_path / "out", index, methods[::2], found, split="test", settings={"seed": 0})
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted([".lamod.json", *(p.name for p in files)])
    with (tmp_path / "out" / "cases.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == len(found.cases)
    row = next(r for r in rows if r["model"] == "exact" and r["id"] == "s1-dense")
    assert float(row["epe_mm"]) == pytest.approx(_records(found, "exact")["s1"].epe_mm, rel=1e-4)
    page = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert "Synthetic" in page
    assert "ICC(2,1)" in page
    assert "exact − zero" in page
    assert re.search(r"\| zero \| \d\.\d\d \[", page)
    assert "nan" not in page.lower().replace("nanmean", "")
    names = ["figure2_displacement", "figure2_ecc", "figure3_cine_and_dense", "figure4_errors"]
    for name in [*names, "figure5_ecc_over_cycle", "figure5_cine_and_dense", "agreement", "agreement_paired"]:
        assert (tmp_path / "out" / f"{name}.png").stat().st_size > 5000
        assert f"{name}.png" in page
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))["synthetic"] is True
    assert (tmp_path / "out" / "agreement.pdf").read_bytes().startswith(b"%PDF")
    assert "## Agreement with paired DENSE: 3 slices of 3 persons" in page


def test_the_page_states_the_contour_conventions_of_paired_slices(index, found, tmp_path):
    shutil.copytree(index.folder, tmp_path / "data")
    for name, convention in (("s1-cine", "blood-pool"), ("s1-dense", "tissue"), ("s2-cine", None)):
        file = tmp_path / "data" / "cases" / name / "case.json"
        details = {**json.loads(file.read_text(encoding="utf-8")), "contours": "given"}
        stated = {} if convention is None else {"contour_convention": convention}
        file.write_text(json.dumps({**details, **stated}), encoding="utf-8")
    copied = DatasetIndex.load(tmp_path / "data")
    write_evaluation(tmp_path / "out", copied, [ZERO], found, split="test", settings={}, figures=False)
    page = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    cine = "cine 1 given (blood pool), 1 given (convention not stated)"
    assert f"Contours of slices: {cine}; DENSE 1 given (tissue)." in page


def test_the_command_writes_tables_and_refuses_faulty_input(dataset, tmp_path, capsys):
    words = ["evaluate", "--data", str(dataset), "--models", "zero", "--no-figures", "--progress", "none"]
    assert main([*words, "--out", str(tmp_path / "out"), "--limit", "3"]) == 0
    assert (tmp_path / "out" / "results.md").exists()
    assert not (tmp_path / "out" / "figure4_errors.png").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    capsys.readouterr()
    assert main([*words, "--out", str(tmp_path / "mine")]) == 1
    assert "diary.txt" in capsys.readouterr().err
    missing = ["evaluate", "--data", str(tmp_path), "--models", "zero", "--out", str(tmp_path / "none")]
    assert main(missing) == 1
    assert not (tmp_path / "none").exists()


def test_box_plots_do_not_pool_kinds_of_scans(found):
    figure = draw_box_plots(found.cases)
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes]
    assert len(titles) == 3 and "cine and paired DENSE" in titles[2] and all("DENSE contours" in t for t in titles[:2])
    assert {r.cohort for r in own_cohort(found.cases)} == {"dense"}
