"""`lamod pair` from DICOM studies to a dataset of pairs under pseudonyms; bad input is refused in one line."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tiny_study
from tiny_study import BIRTH, DATE, DEPTHS_MM, FOLDER, OFFSET_MM, PATIENT, SHIFT_MM, moved, person, write_study

from LaMoDCore.cli import main
from LaMoDCore.dense.analysis import DenseOptions, analyse_dense
from LaMoDCore.evaluation.truth import drawn_case, truth_of
from LaMoDCore.io.dataset.checks import check_dataset
from LaMoDCore.io.dataset.collection import new_scans
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case, write_dataset_case
from LaMoDCore.io.dense.arrays import write_arrays
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
from LaMoDCore.pairing import person as person_module
from LaMoDCore.pairing.dense_side import DenseOptions as ReadingOptions
from LaMoDCore.pairing.persons import Person
from LaMoDCore.runtime.errors import LaMoDInputError

OTHER, OTHER_FOLDER = "ID_0815_X", "schmidt_karl"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A person with equal folder names, and one of equal PatientIDs without y images of the first plane."""
    root = tmp_path_factory.mktemp("study")
    write_study(root)
    cine, dense = write_study(root, OTHER_FOLDER, number=2, enhanced=True, patients=(OTHER, OTHER), without={0: "y"})
    dense.rename(dense.with_name("export_20240517"))
    return cine.parent, dense.parent


@pytest.fixture(scope="module")
def dataset(study: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "dataset"
    about = out.with_name("about.csv")
    point = " ".join(f"{v:.4f}" for v in person(1).rv_insertion_lps)
    about.write_text(f"person,disease,levels,rv_insertion\n{FOLDER},dcm,mid apex,{point}\n", encoding="utf-8")
    key = out.with_name("key.csv")
    words = ["pair", *map(str, study), "--out", str(out), "--about", str(about), "--key", str(key), "--site", "A"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("LaMoDCore.dense.picture.write_picture", lambda *arguments: None)
        assert main([*words, "--smoothing-mm", "3", "--progress", "none"]) == 0
    return out


def rows(dataset: Path) -> list[dict[str, str]]:
    with (dataset / "pairing.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_both_persons_are_paired_and_the_missing_plane_is_listed(dataset: Path) -> None:
    entries = {entry.id: entry for entry in DatasetIndex.load(dataset)}
    names = ["person01-1", "person01-2", "person02-1"]
    assert sorted(entries) == sorted(f"{name}-{kind}" for name in names for kind in ("cine", "dense"))
    assert {entry.disease for entry in entries.values() if entry.subject == "person01"} == {"dcm"}
    assert all(entry.site == "A" and entry.split == "test" for entry in entries.values())
    case = read_dataset_case(dataset, "person01-1-dense")
    assert case.paired_with == "person01-1-cine"
    assert case.level == read_dataset_case(dataset, "person01-1-cine").level == "mid"
    assert entries["person01-2-dense"].level == "apex", "from the table of persons"
    lost = [row for row in rows(dataset) if row["outcome"] == "unpaired"]
    assert [(row["subject"], row["side"], row["reason"]) for row in lost] == [
        ("person02", "DENSE", "the y phase images are missing"),
        ("person02", "cine", "no DENSE slice in its plane"),
    ]
    others = [row["reason"] for row in rows(dataset) if row["outcome"] == "not used"]
    assert others == 2 * ["3 × late enhancement", "3 × localiser", "1 × not a short-axis view"]
    assert [found for found in check_dataset(dataset)[1] if found.severity == "error"] == []


def test_geometry_and_shift_are_reported(dataset: Path) -> None:
    for row in rows(dataset):
        if row["outcome"] == "paired":
            assert float(row["distance_mm"]) == pytest.approx(OFFSET_MM, abs=0.05)
            assert float(row["angle_degrees"]) == pytest.approx(0.0, abs=0.05)
            assert float(row["shift_mm"]) == pytest.approx(np.hypot(*SHIFT_MM), abs=0.15)
            assert (row["cine_contours"], row["dense_contours"]) == ("given", "given")
            assert (row["cine_contour_convention"], row["dense_contour_convention"]) == ("auto", "tissue")


def test_the_rv_insertion_is_shared_and_moves_with_the_heart(dataset: Path) -> None:
    cine, dense = (read_dataset_case(dataset, f"person01-1-{kind}") for kind in ("cine", "dense"))
    assert abs(cine.grid.distance_mm(cine.rv_insertion_lps)) < 0.01
    assert abs(dense.grid.distance_mm(dense.rv_insertion_lps)) < 0.01
    moved_by = cine.grid.vectors_from_lps(dense.rv_insertion_lps - cine.rv_insertion_lps)
    assert moved_by == pytest.approx(SHIFT_MM, abs=0.15)
    assert read_dataset_case(dataset, "person02-1-dense").rv_insertion_lps is None


def test_pictures_contours_and_motion_are_those_of_the_scans(dataset: Path) -> None:
    plane = person(1).planes[0]
    cine = read_dataset_case(dataset, "person01-1-cine", pictures=True)
    assert np.array_equal(cine.cine, plane.cine.cine)
    assert np.array_equal(cine.masks, plane.cine.masks)
    assert cine.frame_times_ms == pytest.approx(plane.cine.frame_times_ms)
    motion = analyse_dense(plane.dense, DenseOptions(smoothing_mm=3.0))
    dense = read_dataset_case(dataset, "person01-1-dense")
    in_plane = dense.grid.vectors_from_lps(dense.displacement_mm[:, 0])
    wall = motion.myocardium[0]
    assert np.abs(np.moveaxis(in_plane, -1, 1) - motion.displacement_mm)[:, :, wall].max() < 2e-3
    assert json.loads((dataset / "cases/person01-1-dense/case.json").read_text())["ke_cycles_per_mm"] == [0.1, 0.08]


def conventions(dataset: Path) -> list[str]:
    """The contour conventions of the first pair, cine and DENSE, as predictions get them."""
    cases = [read_dataset_case(dataset, f"person01-1-{kind}") for kind in ("cine", "dense")]
    return [drawn_case(case).slices[0].contour_convention for case in cases]


def everything_written(folder: Path) -> str:
    """Names and contents of all files, unpacked."""
    text = []
    for file in sorted(folder.rglob("*")):
        text.append(file.name)
        if not file.is_file():
            continue
        data = file.read_bytes()
        if file.suffix == ".npz":
            with zipfile.ZipFile(file) as archive:
                data = b"".join(archive.read(name) for name in archive.namelist())
        head, _, body = data.partition(b"\n\n")
        text.append(head.decode("latin-1"))
        text.append((gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode("latin-1"))
    return "\n".join(text)


def test_no_patient_id_name_date_or_folder_name_is_written(dataset: Path, study: tuple[Path, Path]) -> None:
    text = everything_written(dataset)
    assert "person01" in text
    folders = {folder.name for side in study for folder in side.iterdir()}
    uids = re.findall(r"1\.2\.826\.0\.1\.3680043[.\d]+", text)
    for secret in (PATIENT, OTHER, "Mustermann", BIRTH, DATE, *folders, str(study[0].parent)):
        assert secret.casefold() not in text.casefold(), secret
    assert not uids
    key = dataset.with_name("key.csv").read_text(encoding="utf-8").splitlines()
    assert key[1:] == [f"person01,{FOLDER},{FOLDER}", f"person02,{OTHER_FOLDER},export_20240517"]


def run(*words: object) -> int:
    return main(["pair", *map(str, words), "--progress", "none"])


def error_of(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert run(*words) == 1
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert PATIENT not in text
    return text


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Analyse DENSE with a given smoothing, which saves the search for it, and draw no picture."""
    options = person_module.AnalysisOptions(smoothing_mm=3.0, background_order=None, temporal_order=4)
    monkeypatch.setattr("LaMoDCore.cli.pair.analysis_options", lambda args: options)
    monkeypatch.setattr("LaMoDCore.dense.picture.write_picture", lambda *arguments: None)


def test_existing_cases_are_replaced_on_request_only(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], small: None
) -> None:
    out = tmp_path / "dataset"
    shutil.copytree(dataset, out)
    cine, dense = write_study(tmp_path, scanned=person(1, planes=1))
    assert "contains the case 'person01-1-cine' already" in error_of(capsys, cine, dense, "--out", out)
    before = (out / "pairing.csv").read_text(encoding="utf-8")
    # person02 of the earlier pairing would remain under a number that may belong to somebody else
    assert "earlier pairing that would remain" in error_of(capsys, cine, dense, "--out", out, "--overwrite")
    assert (out / "pairing.csv").read_text(encoding="utf-8") == before
    assert run(cine, dense, "--out", out, "--prefix", "siteB-") == 0
    assert {entry.subject for entry in DatasetIndex.load(out)} == {"person01", "person02", "siteB-01"}
    assert [row["subject"] for row in rows(out) if row["outcome"] != "not used"].count("person02") == 3
    (out / "cases" / "siteB-01-1-cine" / "case.json").write_text("{}", encoding="utf-8")
    assert "siteB-01-1-cine" in error_of(capsys, cine, dense, "--out", out, "--prefix", "siteB-", "--overwrite")


def test_a_changed_table_is_refused_before_the_work_and_leaves_the_dataset_as_it_is(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "dataset"
    shutil.copytree(dataset, out)
    (out / "pairing.csv").write_text("changed", encoding="utf-8")
    before = sorted(out.rglob("*"))
    monkeypatch.setattr("LaMoDCore.pairing.pair_studies.match_persons", None)
    assert "'pairing.csv' was changed" in error_of(capsys, tmp_path, tmp_path / "x", "--out", out, "--prefix", "b")
    with pytest.raises(LaMoDInputError, match="was changed"), new_scans(out, "pair", overwrite=False) as new:
        case = read_dataset_case(dataset, "person01-1-cine")
        entry = replace(DatasetIndex.load(dataset).entries[0], id="b-1-cine", subject="b")
        write_dataset_case(new.folder, replace(case, id=new.entry(entry, keep_split=False).id))
        new.tables["pairing.csv"] = str.upper
    assert sorted(out.rglob("*")) == before


def test_an_unusable_key_is_refused_before_the_work(
    study: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("LaMoDCore.pairing.pair_studies.match_persons", None)
    home = tmp_path / "locked"
    home.mkdir()
    home.chmod(0o555)
    words = (*study, "--out", tmp_path / "out", "--key")
    assert "read-only" in error_of(capsys, *words, home / "key.csv")
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "not a folder" in error_of(capsys, *words, tmp_path / "file" / "key.csv")
    assert not (tmp_path / "out").exists()


def test_the_key_and_the_dataset_are_written_both_or_neither(
    tmp_path: Path, small: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cine, dense = write_study(tmp_path, scanned=person(1, planes=1))
    words = (cine, dense, "--out", tmp_path / "out", "--key", tmp_path / "key.csv")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("LaMoDCore.pairing.pair_studies.with_rows", full)
        assert "No space left" in error_of(capsys, *words)
    assert not (tmp_path / "key.csv").exists()
    monkeypatch.setattr("LaMoDCore.runtime.output.new_folder.replaced_file", full)
    assert "key.csv: it cannot be written" in error_of(capsys, *words)
    assert not (tmp_path / "out").exists()


def test_rows_of_the_table_that_belong_to_nobody_are_refused(
    study: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = tmp_path / "about.csv"
    about.write_text(f"person,disease\n{FOLDER},dcm\nmusterman,hcm\n", encoding="utf-8")
    words = (*study, "--out", tmp_path / "out", "--about", about)
    assert f"no person is called 'musterman'; use the names of the cine folders ('{FOLDER}'" in error_of(capsys, *words)


def test_a_dense_slice_of_another_frame_of_reference_is_not_paired(tmp_path: Path, small: None) -> None:
    cine, dense = write_study(tmp_path)
    files = [file for folder in dense.glob("dense2-*") for file in folder.glob("*.dcm")]
    for file in files:
        header = pydicom.dcmread(file)
        header.FrameOfReferenceUID = "1.2.3"
        header.save_as(file)
    out = tmp_path / "out"
    assert run(cine, dense, "--out", out) == 0
    found = [(row["outcome"], row["reason"]) for row in rows(out) if row["side"] == "DENSE"]
    assert found == [("unpaired", "it is in another frame of reference than the cine")]
    assert len([row for row in rows(out) if row["outcome"] == "paired"]) == 1


def test_options_of_the_table_are_used_or_refused_for_cases_of_a_dataset(
    dataset: Path, tmp_path: Path, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cine, dense = (dataset / "cases" / f"person02-1-{kind}" for kind in ("cine", "dense"))
    words = (cine, dense, "--out", tmp_path / "out")
    grid = read_dataset_case(dataset, cine.name).grid
    point = grid.pixel_to_lps([8.0, 9.0])
    assert run(*words, "--rv-insertion=" + ",".join(f"{v:.3f}" for v in point)) == 0
    assert read_dataset_case(tmp_path / "out", "person01-1-cine").rv_insertion_lps == pytest.approx(point, abs=0.01)
    about = tmp_path / "about.csv"
    about.write_text(f"person,levels\n{cine.name},apex\n", encoding="utf-8")
    words = (cine, dense, "--out", tmp_path / "other", "--about", about)
    assert "the levels in --about: cases of a dataset have their own" in error_of(capsys, *words)


def test_the_conventions_of_both_sides_are_stored(tmp_path: Path, small: None) -> None:
    cine, dense = write_study(tmp_path, scanned=person(1, planes=1))
    assert run(cine, dense, "--out", tmp_path / "plain") == 0
    assert conventions(tmp_path / "plain") == ["auto", "tissue"]
    words = ("--contour-convention", "tissue", "--dense-contour-convention", "blood-pool")
    assert run(cine, dense, "--out", tmp_path / "given", *words) == 0
    assert conventions(tmp_path / "given") == ["tissue", "blood-pool"]
    cases = [tmp_path / "given/cases" / f"person01-1-{kind}" for kind in ("cine", "dense")]
    assert run(*cases, "--out", tmp_path / "again") == 0
    assert conventions(tmp_path / "again") == ["tissue", "blood-pool"], "cases keep their own"


@pytest.mark.parametrize(
    ("details", "convention"),
    [
        ({"source": "cine DENSE", "covers_ms": [0.0, 800.0]}, "tissue"),  # LaMoD 1.x did not state it
        ({"source": "cine DENSE", "contour_convention": "auto"}, "auto"),
        ({"phantom_seed": 5, "plane": "mid"}, "auto"),
        (None, "auto"),
    ],
)
def test_only_contours_on_dense_images_follow_the_tissue_if_nothing_is_stated(
    details: dict[str, object] | None, convention: str
) -> None:
    case = replace(person(1, planes=1).planes[0].cine, details=details)
    assert ReadingOptions().convention_of(case) == convention
    assert ReadingOptions().convention_of() == "tissue"
    assert ReadingOptions(contour_convention="blood-pool").convention_of(case) == "blood-pool"


def test_wrong_levels_are_reported_as_those_of_the_table(
    tmp_path: Path, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cine, dense = write_study(tmp_path, scanned=person(1, planes=1))
    about = tmp_path / "about.csv"
    for levels, message in (("base mid", "2 level(s) for 1 slice"), ("top", "'top' is not a level")):
        about.write_text(f"person,levels\n{FOLDER},{levels}\n", encoding="utf-8")
        text = error_of(capsys, cine, dense, "--out", tmp_path / "out", "--about", about)
        assert f"the levels in --about: {message}" in text


def test_a_guessed_level_stays_a_guess_in_the_dataset_and_in_the_evaluation(
    dataset: Path, tmp_path: Path, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    given, guessed = ("person01-2", "person02-1")
    for kind in ("cine", "dense"):
        assert drawn_case(read_dataset_case(dataset, f"{given}-{kind}")).slices[0].level_known
        assert not drawn_case(read_dataset_case(dataset, f"{guessed}-{kind}")).slices[0].level_known
    truth = truth_of(read_dataset_case(dataset, f"{guessed}-dense"))
    assert truth is not None
    assert not truth.case.slices[0].level_known
    # also when its cases are paired again
    cine, dense = (dataset / "cases" / f"{guessed}-{kind}" for kind in ("cine", "dense"))
    assert run(cine, dense, "--out", tmp_path / "again") == 0
    assert "the levels are a guess" in capsys.readouterr().out
    for kind in ("cine", "dense"):
        assert not read_dataset_case(tmp_path / "again", f"person01-1-{kind}").level_known


def test_an_interruption_leaves_nothing(
    study: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("LaMoDCore.pairing.pair_studies.write_analysis", stop)
    out = tmp_path / "new" / "dataset"
    assert run(*(side / FOLDER for side in study), "--out", out, "--smoothing-mm", 3) == 130
    assert list(tmp_path.iterdir()) == []


def test_one_insertion_point_is_not_used_for_several_persons(
    study: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "applies to one person, not 2" in error_of(capsys, *study, "--out", tmp_path / "out", "--rv-insertion=1,2,3")


def test_an_unexpected_fault_of_one_person_does_not_stop_the_others(
    study: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: None
) -> None:
    real = person_module.pair_person

    def faulty(who: Person, *arguments: object) -> object:
        if who.name == FOLDER:
            raise ZeroDivisionError("of a library")
        return real(who, *arguments)

    monkeypatch.setattr("LaMoDCore.pairing.pair_studies.pair_person", faulty)
    out = tmp_path / "out"
    assert run(*study, "--out", out) == 0
    first = rows(out)[0]
    assert (first["subject"], first["reason"]) == ("person01", "the scans cannot be used")
    assert {entry.subject for entry in DatasetIndex.load(out)} == {"person02"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("planes", r"no cine slice within 2 mm and 5° \(the nearest: 6\.0 mm"),
        ("direction", "the y phase images are missing"),
        ("person", "the cine is of another person than the DENSE study"),
        ("contours", "no contours on the DENSE images"),
        ("far", "mm apart in the plane"),
        ("cine", "none of its|there are no DENSE images|is a DENSE image"),
        ("nothing", "there are no cine data in it"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    tmp_path: Path, change: str, message: str, capsys: pytest.CaptureFixture[str], small: None
) -> None:
    whole = person(1, planes=1)
    plane = whole.planes[0]
    by_mm = {"planes": (6.0 - OFFSET_MM, 0.0), "far": (0.0, 30.0)}.get(change)
    if by_mm is not None:
        grid = moved(plane.dense.grid, *by_mm)
        whole = replace(whole, planes=(replace(plane, dense=replace(plane.dense, grid=grid)),))
    patients = (PATIENT, "MRN-2" if change == "person" else PATIENT)
    without = {0: "y"} if change == "direction" else None
    cine, dense = write_study(tmp_path, patients=patients, without=without, scanned=whole)
    if change == "contours":
        next(dense.glob("*contours*")).unlink()
    if change == "cine":
        dense = cine
    if change == "nothing":
        shutil.rmtree(cine)
        cine.mkdir()
    assert re.search(message, error_of(capsys, cine, dense, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_arrays_and_cases_are_paired_too_and_missing_contours_are_segmented(
    tmp_path: Path, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    plane = person(1, planes=1).planes[0]
    write_dataset_case(tmp_path / "in", replace(plane.cine, id="some-cine"))
    arrays = tmp_path / "arrays"
    write_arrays(arrays, replace(plane.dense, myocardium=None, reference_myocardium=None))
    cine = tmp_path / "in" / "cases" / "some-cine"
    assert "--segment" in error_of(capsys, cine, arrays, "--out", tmp_path / "out")
    assert run(cine, arrays, "--out", tmp_path / "out", "--segment") == 0
    (row,) = rows(tmp_path / "out")
    assert (row["cine_contours"], row["dense_contours"]) == ("given", "guessed")
    assert row["rv_insertion_from"] == "cine"
    about = json.loads((tmp_path / "out/cases/person01-1-dense/case.json").read_text())
    assert "dense_contours_guessed" in [each["code"] for each in about["notes"]]
    # the DENSE case of this dataset can be paired again
    again = tmp_path / "again"
    dense = tmp_path / "out/cases/person01-1-dense"
    assert run(cine, dense, "--out", again, "--contour-convention", "blood-pool") == 0
    assert conventions(tmp_path / "out") == ["auto", "tissue"]
    assert conventions(again) == ["blood-pool", "tissue"]
    first, second = (read_dataset_case(folder, "person01-1-dense") for folder in (tmp_path / "out", again))
    assert np.array_equal(first.displacement_mm, second.displacement_mm, equal_nan=True)
    assert rows(again)[0]["dense_contours"] == "guessed"


def test_cines_without_contours_get_automatic_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: None
) -> None:
    """The engine is replaced: what counts is that its contours are used and marked."""
    from LaMoDCore.heart.case import Case, CineSlice
    from LaMoDCore.heart.contour_origin import ContourOrigin
    from LaMoDCore.pairing import cine_side

    plane = person(1, planes=1).planes[0]
    cine, dense = write_study(tmp_path, scanned=person(1, planes=1))
    next(cine.rglob("contours.seq.nrrd")).unlink()
    seen = []

    class Heart:
        left_out = ()

    def engine(paths: object, **options: object) -> Heart:
        seen.append(options["engine"])
        return Heart()

    def drawn(heart: Heart, **options: object) -> Case:
        case = plane.cine
        frames = len(case.masks)
        origin = ContourOrigin("name", "0" * 64, "MIT", "blood-pool", ("automatic",) * frames, (0.9,) * frames, None)
        slice_ = CineSlice(
            "slice 1",
            case.grid,
            case.masks[:, 0],
            case.frame_times_ms,
            case.rr_ms,
            contour_origin=origin,
            contour_convention="blood-pool",
        )
        return Case((slice_,))

    monkeypatch.setattr(cine_side, "contour_study", engine)
    monkeypatch.setattr(cine_side, "case_of", drawn)
    out = tmp_path / "out"
    assert run(cine, dense, "--out", out, "--engine", "name") == 0
    assert seen == ["name"]
    assert rows(out)[0]["cine_contours"] == "automatic"
    about = json.loads((out / "cases/person01-1-cine/case.json").read_text())
    assert about["contour_engine"] == "name"
    assert conventions(out) == ["blood-pool", "tissue"], "of the engine, and of DENSE"


def test_masks_of_a_segmentation_file_keep_their_pixels(dataset: Path) -> None:
    stack = read_seq_nrrd(dataset / "cases/person01-2-cine/masks.seq.nrrd")
    assert np.array_equal(stack.frames > 0, person(1).planes[1].cine.masks)
    assert len(DEPTHS_MM) == len(tiny_study.person(1).planes)
