"""Prediction of a cohort: with broken cases, resumed after an interruption, shared between processes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from annuli_dataset import _case
from cohort_rings import write_ring

from LaMoDCore.cli import main
from LaMoDCore.cohort.ledger import Ledger
from LaMoDCore.cohort.shards import Shard, shard_from_environment
from LaMoDCore.cohort.work_list import CohortCase
from LaMoDCore.heart.contour_convention import ConventionUsed, LeftOutLayer
from LaMoDCore.heart.notes import note
from LaMoDCore.io.dataset.folder import DatasetEntry, write_dataset_case, write_dataset_index
from LaMoDCore.runtime.errors import LaMoDInputError

WHOLE = 3
BROKEN = ("empty", "torn", "words")


@pytest.fixture()
def hearts(tmp_path: Path) -> Path:
    """Two hearts only."""
    return write_hearts(tmp_path / "masks", 2)


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    home = write_hearts(tmp_path / "masks", WHOLE)
    (home / "empty.nii.gz").write_bytes(b"")
    (home / "torn.seq.nrrd").write_bytes((home / "heart0.seq.nrrd").read_bytes()[:400])
    (home / "words").mkdir()
    (home / "words" / "letter.txt").write_text("dear")
    (home / "notes.txt").write_text("not a case")
    return home


def write_hearts(home: Path, count: int) -> Path:
    home.mkdir()
    for number in range(count):
        write_ring(home / f"heart{number}.seq.nrrd", 20.0 + number)
    return home


def predict(folder: Path, out: Path, model: Path, *words: str) -> int:
    return main(["predict-cohort", str(folder), "--out", str(out), "--model", str(model), "--progress", "none", *words])


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_broken_cases_are_reported_and_do_not_stop_others(folder, tmp_path, model, capsys):
    out = tmp_path / "out"
    assert predict(folder, out, model) == 0
    assert [row["id"] for row in rows(out / "summary.csv")] == [f"heart{n}" for n in range(WHOLE)]
    assert [row["id"] for row in rows(out / "failures.csv")] == list(BROKEN)
    output = capsys.readouterr().out
    assert f"6 cases: {WHOLE} predicted, 0 already present, 3 failed" in output
    for name in BROKEN:
        line = next(line for line in output.splitlines() if line.startswith(f"  failed {name}: "))
        assert "; " in line and "Traceback" not in line and "unexpected" not in line
    assert float(rows(out / "summary.csv")[0]["gcs_es"]) == pytest.approx(
        json.loads((out / "cases" / "heart0" / "strain.json").read_text(encoding="utf-8"))["global"]["gcs_es"], rel=1e-5
    )
    assert len(rows(out / "segments.csv")) == 6 * WHOLE
    assert (out / "cases" / "heart2" / "motion.npz").exists()


def test_a_row_of_the_table_counts_notes_and_left_out_slices(tmp_path):
    """Flags are repeated in the table, because its readers may not open the folders of the cases."""
    ledger = Ledger(tmp_path)
    ledger.open()
    ledger.folder("heart").mkdir()
    slices = [{"rr_ms": 850.0, "unlike_training": {"flagged": flagged}} for flagged in (True, False)]
    notes = [note("slice_left_out", "A slice was left out: no ring.").to_dict(), note("rr_assumed", "Else.").to_dict()]
    summary = {"schema_version": 2, "slices": slices, "reference_frame": 7, "notes": notes}
    (ledger.folder("heart") / "strain.json").write_text(json.dumps(summary), encoding="utf-8")
    ledger.write_tables([CohortCase("heart", tmp_path / "a.nii")])
    (row,) = rows(tmp_path / "summary.csv")
    flags = (row["unlike_training"], row["left_out"], row["reference_frame"], row["rr_ms"])
    assert flags == ("1", "1", "7", "850")


def test_a_row_of_the_table_states_the_contour_conventions_that_were_used(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.open()
    layer = LeftOutLayer(2.0, 0.1)
    used = {
        "inputs": [ConventionUsed("tissue", layer, is_input=True), ConventionUsed("auto", layer, is_input=True)],
        "none": [ConventionUsed("tissue")],
        "old": [],
    }
    for name, conventions in used.items():
        ledger.folder(name).mkdir()
        slices = [{"contour_convention": each.to_dict()} for each in conventions] or [{}]
        (ledger.folder(name) / "strain.json").write_text(json.dumps({"slices": slices}), encoding="utf-8")
    ledger.write_tables([CohortCase(name, tmp_path / name) for name in used])
    stated = [row["contour_convention"] for row in rows(tmp_path / "summary.csv")]
    assert stated == ["tissue blood-pool", "", ""]


def test_a_rerun_predicts_only_missing_cases(folder, tmp_path, model, capsys):
    out = tmp_path / "out"
    predict(folder, out, model)
    before = {p: p.stat().st_mtime_ns for p in out.glob("cases/*/strain.json")}
    shutil.rmtree(out / "cases" / "heart1")
    kept = out / "cases" / ".heart1.tmp-0badf00d"
    kept.mkdir()  # it has no marker of a writer
    write_ring(folder / "torn.seq.nrrd", 25.0)  # repaired
    write_ring(folder / "heart2.seq.nrrd", 26.0)  # drawn again
    capsys.readouterr()
    assert predict(folder, out, model) == 0
    assert "3 predicted, 1 already present, 2 failed" in capsys.readouterr().out
    after = {p: p.stat().st_mtime_ns for p in out.glob("cases/*/strain.json")}
    unchanged = {p.parent.name for p, t in before.items() if after.get(p) == t}
    assert unchanged == {"heart0"}
    assert [row["id"] for row in rows(out / "failures.csv")] == ["empty", "words"]
    assert list(out.rglob("*.tmp-*")) == [kept]
    assert predict(folder, out, model, "--seed", "3") == 0
    assert "4 predicted, 0 already present" in capsys.readouterr().out


def test_chosen_parts_are_written_and_another_choice_predicts_again(hearts, tmp_path, model, capsys):
    out = tmp_path / "out"
    (hearts / "heart1.seq.nrrd").unlink()
    assert predict(hearts, out, model, "--outputs", "strain") == 0
    assert sorted(p.name for p in (out / "cases" / "heart0").iterdir()) == [".lamod.json", "strain.json"]
    assert predict(hearts, out, model, "--outputs", "strain") == 0
    assert "0 predicted" in capsys.readouterr().out
    assert predict(hearts, out, model, "--outputs", "motion") == 0
    assert "0 already present" in capsys.readouterr().out
    assert (out / "cases" / "heart0" / "motion.npz").exists()


def test_the_result_of_masks_that_became_unreadable_is_removed(hearts, tmp_path, model):
    out = tmp_path / "out"
    predict(hearts, out, model)
    (hearts / "heart0.seq.nrrd").write_bytes(b"NRRD")
    predict(hearts, out, model)
    assert [row["id"] for row in rows(out / "summary.csv")] == ["heart1"]
    assert [row["id"] for row in rows(out / "failures.csv")] == ["heart0"]


def test_the_number_of_processes_does_not_change_the_table(folder, tmp_path, model, monkeypatch):
    predict(folder, tmp_path / "one", model)
    assert predict(folder, tmp_path / "two", model, "--workers", "2") == 0
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert predict(folder, tmp_path / "ranks", model) == 0
    one = rows(tmp_path / "one" / "summary.csv")
    for other in ("two", "ranks"):
        found = rows(tmp_path / other / "summary.csv")
        assert [row["id"] for row in found] == [row["id"] for row in one]
        assert [float(row["gcs_es"]) for row in found] == pytest.approx([float(row["gcs_es"]) for row in one], abs=1e-6)
        assert len(rows(tmp_path / other / "failures.csv")) == len(BROKEN)


def test_a_dataset_is_a_cohort_with_its_subjects(tmp_path, model):
    data = tmp_path / "hearts"
    made = ["phantom", "--out", str(data), "--count", "1", "--seed", "5", "--split", "0,0,1", "--no-report"]
    assert main([*made, "--workers", "1", "--progress", "none"]) == 0
    (data / "cases" / "s00000-apex" / "masks.seq.nrrd").write_bytes(b"NRRD0004\n")
    assert predict(data, tmp_path / "out", model, "--split", "test") == 0
    found = rows(tmp_path / "out" / "summary.csv")
    assert len(found) == 3 and {row["subject"] for row in found} == {"s00000"}
    assert [row["id"] for row in rows(tmp_path / "out" / "failures.csv")] == ["s00000-apex"]


def test_cases_are_predicted_with_their_convention_or_the_given_one(tmp_path, model, capsys):
    data, out = tmp_path / "data", tmp_path / "out"
    for subject in ("s1", "s2"):
        write_dataset_case(data, _case(subject, "cine"))
    names = [f"{subject}-cine" for subject in ("s1", "s2")]
    write_dataset_index(data, [DatasetEntry(name, name[:2], "", "test", "cine", "", "mid") for name in names])
    described = data / "cases" / names[0] / "case.json"

    def given():
        stored = [json.loads((out / "cases" / name / "strain.json").read_text(encoding="utf-8")) for name in names]
        return [part["contour_convention"]["given"] for summary in stored for part in summary["slices"]]

    assert predict(data, out, model) == 0
    assert given() == ["auto", "auto"]
    described.write_text(
        json.dumps({**json.loads(described.read_text(encoding="utf-8")), "contour_convention": "tissue"}),
        encoding="utf-8",
    )
    capsys.readouterr()
    assert predict(data, out, model) == 0
    assert "1 predicted, 1 already present" in capsys.readouterr().out
    assert given() == ["tissue", "auto"]
    assert predict(data, out, model, "--contour-convention", "blood-pool") == 0
    assert "2 predicted, 0 already present" in capsys.readouterr().out
    assert given() == ["blood-pool", "blood-pool"]


def test_faulty_requests_are_refused(tmp_path, model, capsys):
    (tmp_path / "void").mkdir()
    assert predict(tmp_path / "void", tmp_path / "out", model) == 1
    assert "contains no case" in capsys.readouterr().err
    write_ring(tmp_path / "void" / "heart.seq.nrrd")
    assert predict(tmp_path / "void", tmp_path / "void", model) == 1
    assert predict(tmp_path / "void", tmp_path / "out", model, "--split", "test") == 1
    assert predict(tmp_path / "void", tmp_path / "out", tmp_path / "no-model") == 1
    assert not (tmp_path / "out" / "summary.csv").exists()


def test_shards_follow_the_launcher():
    assert shard_from_environment({}) == Shard(0, 1, 0)
    assert shard_from_environment({"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}) == Shard(2, 4, 1)
    assert shard_from_environment({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}) == Shard(1, 2, 0)
    with pytest.raises(LaMoDInputError, match="torchrun"):
        shard_from_environment({"RANK": "4", "WORLD_SIZE": "4"})
