"""Every command refuses a folder that LaMoD did not write, and keeps what is in it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from annuli_dataset import write_annuli

from LaMoDCore.cli import main
from LaMoDCore.io.dataset.collection import add_case, collect
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case, write_dataset_case, write_dataset_index
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.growing_folder import GrowingFolder
from LaMoDCore.runtime.output.manifest import MARKER, read_manifest

#: Command with an output folder OUT -> a file of the user's that has one of its names.
COMMANDS = {
    ("predict", "MASKS", "--out", "OUT"): "report.pdf",
    ("demo", "--out", "OUT"): "strain.json",
    ("contour", "MASKS", "--out", "OUT"): "contours.csv",
    ("check", "MASKS", "--out", "OUT"): "findings.csv",
    ("evaluate", "--data", "DATA", "--out", "OUT"): "results.md",
    ("evaluate", "--data", "DATA", "--out", "NEW", "--cache", "OUT"): "0123456789abcdef0123456789abcdef.npz",
    ("predict-cohort", "DATA", "--out", "OUT"): "summary.csv",
    ("phantom", "--out", "OUT", "--count", "1", "--resume"): "statistics.md",
    ("dense", "DENSE", "--out", "OUT"): "dataset.json",
    ("dense", "DENSE", "--out", "OUT", "--overwrite"): "cases/s1/masks.seq.nrrd",
    ("train", "--data", "DATA", "--out", "OUT", "--preset", "smoke"): "config.json",
    ("train", "--data", "DATA", "--out", "NEW", "--cache", "OUT", "--preset", "smoke"): "occupancy.npy",
    ("train-posterior", "--model", "lamod-phantom-v1", "--data", "DATA", "--out", "OUT"): "MODEL_CARD.md",
    ("train-posterior", "--model", "lamod-phantom-v1", "--data", "DATA", "--out", "NEW", "--run", "OUT"): "log.jsonl",
    ("dataset", "collect", "DATA", "--into", "OUT"): "dataset.json",
    ("collect", "DATA", "--into", "OUT"): "cases/s1-dense/case.json",
}
_TRAINING = ("train", "train-posterior")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "annuli"
    write_annuli(folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_folder_without_marker_is_refused_and_kept(
    words: tuple[str, ...], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if words[0] in _TRAINING:
        pytest.importorskip("lightning_fabric")
    out = tmp_path / "out"
    mine = out / COMMANDS[words]
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    places = {"OUT": out, "NEW": tmp_path / "new", "DATA": data, "MASKS": tmp_path / "m.nii", "DENSE": tmp_path / "d"}
    assert main([str(places.get(word, word)) for word in words]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "name a new folder" in error and mine.relative_to(out).parts[0] in error
    assert contents(out) == {COMMANDS[words]: b"years of work"}


def test_a_report_that_the_user_put_into_a_result_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from contracting_heart import contracting_heart, short_axis_grid

    from LaMoDCore.prediction.writer import write_result

    out = tmp_path / "out"
    write_result(contracting_heart(frames=3, grids=[short_axis_grid((44, 46), (2.0, 2.0))]), out, report=False)
    (out / "report.pdf").write_text("mine")
    assert main(["predict", str(tmp_path / "m.nii"), "--out", str(out), "--progress", "none"]) == 1
    assert "report.pdf" in capsys.readouterr().err
    assert (out / "report.pdf").read_text() == "mine" and (out / "motion.npz").exists()


def test_every_dataset_folder_is_listed(data: Path) -> None:
    manifest = read_manifest(data)
    assert manifest is not None and set(manifest.files) == {"dataset.json"}
    case = read_manifest(data / "cases" / "s1-dense")
    assert case is not None and set(case.files) == {"case.json", "displacement.npz", "masks.seq.nrrd"}


def test_cases_are_added_to_a_dataset_and_its_other_contents_are_kept(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "all"
    shutil.copytree(data, target)
    (target / "notes.docx").write_text("mine")
    (target / "cases" / "mine").mkdir()
    index = json.loads((target / "dataset.json").read_text())
    index["consent"] = "yes"
    index["cases"][0]["age"] = 61
    (target / "dataset.json").write_text(json.dumps(index))
    collect([data], target)
    entry = DatasetIndex.load(data).entries[0]
    added = add_case(target, read_dataset_case(data, entry.id), entry)
    assert added.id == f"{entry.id}-3"
    index = json.loads((target / "dataset.json").read_text())
    assert index["consent"] == "yes" and index["cases"][0]["age"] == 61
    assert len(index["cases"]) == 2 * 6 + 1
    assert (target / "notes.docx").read_text() == "mine" and (target / "cases" / "mine").is_dir()
    assert main(["dataset", "split", str(target), "--shares", "0.4,0.3,0.3"]) == 0
    split = json.loads((target / "dataset.json").read_text())
    assert split["consent"] == "yes" and split["cases"][0]["age"] == 61
    assert {case["split"] for case in split["cases"]} == {"train", "val", "test"}
    assert main(["dataset", "split", str(target)]) == 0  # the marker follows LaMoD's own changes


def test_a_case_that_was_changed_or_is_anothers_is_not_replaced(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "all"
    shutil.copytree(data, target)
    case = read_dataset_case(target, "s1-dense")
    write_dataset_case(target, case)  # LaMoD's own, unchanged
    notes = target / "cases" / "s1-dense" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(LaMoDInputError, match=r"notes\.txt"):
        write_dataset_case(target, case)
    notes.unlink()
    (target / "cases" / "s1-dense" / "case.json").write_text('{"level": "mid"}')
    with pytest.raises(LaMoDInputError, match="changed"):
        write_dataset_case(target, case)
    (target / "dataset.json").write_text("{}")
    with pytest.raises(LaMoDInputError, match="changed"):
        write_dataset_index(target, DatasetIndex.load(data).entries)


def test_split_works_on_a_dataset_of_another_program(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    shutil.copytree(data, target, ignore=shutil.ignore_patterns(".lamod*"))
    assert main(["dataset", "split", str(target)]) == 0
    assert not (target / MARKER).exists()
    with pytest.raises(LaMoDInputError, match="name a new folder"):
        collect([data], target)


def test_a_growing_folder_keeps_files_of_others(tmp_path: Path) -> None:
    folder = GrowingFolder(tmp_path / "out", "a test", "test")
    folder.open()
    (tmp_path / "out" / "theirs.txt").write_text("mine")
    with pytest.raises(LaMoDInputError, match="not written by LaMoD"):
        folder.write_text("theirs.txt", "new")
    with pytest.raises(LaMoDInputError, match="not written by LaMoD"):
        folder.claim("theirs.txt")
    folder.write_text("own.txt", "1")
    marker = (tmp_path / "out" / MARKER).read_bytes()
    folder.write_text("own.txt", "1")
    assert (tmp_path / "out" / MARKER).read_bytes() == marker  # the same output gives the same bytes
    folder.write_text("own.txt", "2")
    (tmp_path / "out" / "own.txt").write_text("corrected by hand")
    with pytest.raises(LaMoDInputError, match="changed"):
        folder.write_text("own.txt", "3")
    assert not folder.remove("own.txt") and not folder.remove("theirs.txt")
    assert (tmp_path / "out" / "own.txt").read_text() == "corrected by hand"
    with pytest.raises(LaMoDInputError, match="the folder holds a test, not a game"):
        GrowingFolder(tmp_path / "out", "a game", "test").open()


def test_a_growing_folder_survives_a_kill_between_file_and_marker(tmp_path: Path) -> None:
    folder = GrowingFolder(tmp_path / "out", "a test", "test")
    folder.open()
    folder.write_text("own.txt", "1")
    marker = tmp_path / "out" / MARKER
    with folder.replaced_file("own.txt") as temporary:
        temporary.write_text("2")
    after = marker.read_bytes()
    for state in ("1", "2"):  # the marker lists the old and the new contents until the file is replaced
        about = json.loads(after)
        old = json.loads(after)["files"]["own.txt"]
        about["files"]["own.txt"] = f"{hashlib.sha256(b'1').hexdigest()} {old}"
        marker.write_text(json.dumps(about))
        (tmp_path / "out" / "own.txt").write_text(state)
        folder.refuse_changed("own.txt")


def test_exports_and_removals_keep_files_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAMOD_MODELS", str(tmp_path / "models"))
    from LaMoDCore.models.registry import shipped_folder

    source = min(shipped_folder().glob("*/weights.safetensors"), key=lambda file: file.stat().st_size).parent
    assert main(["models", "add", str(source), "mine"]) == 0
    (tmp_path / "mine.zip").write_text("holiday pictures")
    assert main(["models", "export", "mine", str(tmp_path / "mine.zip")]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine.zip").read_text() == "holiday pictures"
    (tmp_path / "models" / "mine" / "licence.txt").write_text("terms")
    assert main(["models", "remove", "mine"]) == 1
    assert "licence.txt" in capsys.readouterr().err
    (tmp_path / "models" / "mine" / "licence.txt").unlink()
    assert main(["models", "rename", "mine", "ours"]) == 0
    assert main(["models", "remove", "ours"]) == 0
    assert list((tmp_path / "models").iterdir()) == []
