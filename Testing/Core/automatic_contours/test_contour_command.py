"""From a cine to contours, strain and back: the command, its files, and masks that reproduce a result."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from toy_cine import FRAMES, contracting, radii, ring_frame, write_cine
from toy_engine import write_engine

from LaMoDCore import load_case
from LaMoDCore.cli import main
from LaMoDCore.contours.automatic.draw import draw_contours
from LaMoDCore.contours.automatic.heart_contours import contour_study
from LaMoDCore.contours.automatic.registry import find_engine
from LaMoDCore.models.folder import save_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.run.settings import PRESETS

pytest.importorskip("onnx", reason="the toy engines need onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")
DATA = Path(__file__).resolve().parents[3] / "../shared/data/cine_biv_me"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engine(tmp_path_factory.mktemp("engine") / "toy")


@pytest.fixture(scope="module")
def cine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    slices = [contracting(1.0, open_degrees=100.0), contracting(), contracting(0.9), contracting(0.7)]
    return write_cine(tmp_path_factory.mktemp("cine") / "cine.nii.gz", slices)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, engine: Path, cine: Path) -> Path:
    out = tmp_path_factory.mktemp("contours") / "out"
    words = ["contour", str(cine), "--out", str(out), "--engine", str(engine), "--progress", "none"]
    assert main(words) == 0
    return out


def test_contours_are_those_of_the_picture(engine, cine):
    case = draw_contours(cine, engine=engine)
    assert len(case.slices) == 3
    middle = case.slices[0]
    for frame in range(FRAMES):
        endo, epi = radii(frame)
        assert middle.cavity[frame].sum() * 4.0 == pytest.approx(np.pi * endo**2, rel=0.05)
        assert middle.myocardium[frame].sum() * 4.0 == pytest.approx(np.pi * (epi**2 - endo**2), rel=0.06)
    assert middle.contour_origin.engine == "toy"
    assert middle.contour_origin.convention == "tissue"
    assert {slice_.contour_convention for slice_ in case.slices} == {"tissue"}
    assert middle.rv_insertion_lps is not None
    codes = {note.code for note in case.notes}
    assert {"contours_automatic", "slice_for_volumes_only"} <= codes


def test_an_open_basal_slice_counts_for_volumes(engine, cine):
    case = draw_contours(cine, engine=engine)
    assert len(case.volume_slices) == 1
    assert case.volume_slices[0].cavity_mm2[0] == pytest.approx(np.pi * radii(0)[0] ** 2, rel=0.08)


def test_the_command_writes_masks_table_and_preview(drawn):
    assert sorted(p.name for p in drawn.iterdir()) == [
        ".lamod.json",
        "contours.csv",
        "contours.png",
        "contours.seq.nrrd",
    ]
    with (drawn / "contours.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 4 * FRAMES
    assert {row["verdict"] for row in rows} == {"used", "volume only"}
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)


@pytest.mark.parametrize(("given", "found"), [(None, "tissue"), ("blood-pool", "blood-pool"), ("auto", "auto")])
def test_contours_of_an_engine_have_its_convention_unless_another_is_given(drawn, given, found):
    case = load_case(drawn / "contours.seq.nrrd", contour_convention=given)
    assert {slice_.contour_convention for slice_ in case.slices} == {found}


def test_masks_given_back_reproduce_the_result(tmp_path, engine, cine):
    common = ["--no-report", "--samples", "2", "--steps", "2", "--progress", "none"]
    once, again = tmp_path / "once", tmp_path / "again"
    assert main(["predict", "--cine", str(cine), "--engine", str(engine), "--out", str(once), *common]) == 0
    masks = once / "contours.seq.nrrd"
    assert main(["predict", str(masks), "--out", str(again), *common]) == 0
    assert (once / "segments.csv").read_bytes() == (again / "segments.csv").read_bytes()
    assert (once / "function.csv").read_bytes() == (again / "function.csv").read_bytes()
    with np.load(once / "motion.npz") as first, np.load(again / "motion.npz") as second:
        assert set(first.files) == set(second.files)
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    provenance = json.loads((once / "strain.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["contours"]["engine"] == "toy"
    assert provenance["contours"]["reviewed"] is False


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small and untrained."""
    return save_model(LaMoDModel(PRESETS["smoke"].model), tmp_path_factory.mktemp("models") / "small", "small")


def predict(cines: list[Path], engine: Path, model: Path, out: Path, *more: str) -> Path:
    words = ["predict", "--cine", *map(str, cines), "--engine", str(engine), "--model", str(model), "--out", str(out)]
    assert main([*words, "--no-report", "--no-diffusion", "--progress", "none", *more]) == 0
    return out


def test_contours_that_a_person_accepted_or_changed_are_not_replaced(tmp_path, engine, model, cine, capsys):
    out = predict([cine], engine, model, tmp_path / "out")
    predict([cine], engine, model, out)  # one's own unchanged output is replaced
    masks = out / "contours.seq.nrrd"
    assert main(["predict", str(masks), "--out", str(out)]) == 1
    assert "lies in it and would be deleted" in capsys.readouterr().err
    assert main(["contour", "--accept", str(masks)]) == 0
    kept = masks.read_bytes()
    for words in (["predict", "--cine"], ["contour"]):
        assert main([*words, str(cine), "--engine", str(engine), "--out", str(out)]) == 1
        assert "a person accepted or changed" in capsys.readouterr().err
    assert masks.read_bytes() == kept


def test_contours_that_another_program_changed_are_not_replaced(tmp_path, engine, cine, capsys):
    import SimpleITK as sitk

    out = tmp_path / "out"
    words = ["contour", str(cine), "--engine", str(engine), "--out", str(out), "--progress", "none"]
    assert main(words) == 0
    masks = str(out / "contours.seq.nrrd")
    image = sitk.ReadImage(masks)
    labels = sitk.GetArrayFromImage(image)
    labels.flat[np.flatnonzero(labels)[0]] = 0
    changed = sitk.GetImageFromArray(labels, isVector=image.GetNumberOfComponentsPerPixel() > 1)
    changed.CopyInformation(image)
    for key in image.GetMetaDataKeys():
        changed.SetMetaData(key, image.GetMetaData(key))
    sitk.WriteImage(changed, masks)
    assert main(words) == 1
    assert "a person accepted or changed" in capsys.readouterr().err


def test_slices_with_other_numbers_of_frames_can_be_read_back(tmp_path, engine, model):
    nine = np.stack([ring_frame(*radii(12 * frame / 9, 0.9)) for frame in range(9)])
    first = write_cine(tmp_path / "a.nii.gz", [contracting()])
    second = write_cine(tmp_path / "b.nii.gz", [nine], step_ms=70.0 * 12 / 9, depth_mm=8.0)
    case = draw_contours([first, second], engine=engine)
    assert [len(s.contour_origin.status) for s in case.slices] == [12, 12]
    out = predict([first, second], engine, model, tmp_path / "out")
    files = sorted(out.glob("contours*.seq.nrrd"))
    assert [s.frames for s in load_case(files).slices] == [12, 12]
    assert main(["contour", "--accept", *map(str, files)]) == 0


def test_the_rr_interval_of_each_slice_is_kept(tmp_path, engine, model):
    first = write_cine(tmp_path / "a.nii.gz", [contracting()])
    second = write_cine(tmp_path / "b.nii.gz", [contracting(0.9)], step_ms=60.0, depth_mm=8.0)
    out = predict([first, second], engine, model, tmp_path / "out")
    again = load_case(sorted(out.glob("contours*.seq.nrrd")))
    np.testing.assert_allclose([s.rr_ms for s in again.slices], [840.0, 720.0])


def test_the_given_rr_interval_is_used(tmp_path, engine, model, cine):
    out = predict([cine], engine, model, tmp_path / "out", "--rr", "1200")
    content = json.loads((out / "strain.json").read_text(encoding="utf-8"))
    assert content["slices"][0]["rr_ms"] == 1200


def test_each_slice_keeps_its_own_images(engine, cine):
    import SimpleITK as sitk

    images = sitk.GetArrayFromImage(sitk.ReadImage(str(cine)))
    case = draw_contours(cine, engine=engine)
    for index, slice_ in enumerate(case.slices, start=1):
        np.testing.assert_array_equal(slice_.cine, images[:, index])


def test_slices_without_orientation_keep_their_places(tmp_path, engine):
    path = write_cine(tmp_path / "cine.nii.gz", [contracting(), contracting(0.9), contracting(0.7)], oriented=False)
    case = draw_contours(path, engine=engine)
    depths = [s.grid.center_lps[2] for s in case.slices]
    assert len(set(np.round(depths, 3))) == 3
    assert "orientation_unknown" in {note.code for note in case.notes}
    areas = [s.cavity[0].sum() for s in case.slices]
    assert len(set(areas)) == 3


def test_accepted_contours_are_reviewed_and_otherwise_the_same(tmp_path, drawn, capsys):
    file = tmp_path / "contours.seq.nrrd"
    file.write_bytes((drawn / "contours.seq.nrrd").read_bytes())
    before = load_case(file)
    assert main(["contour", "--accept", str(file)]) == 0
    after = load_case(file)
    assert all(s.contour_origin.is_reviewed for s in after.slices)
    assert "contours_automatic" not in {note.code for note in after.notes}
    for one, other in zip(before.slices, after.slices, strict=True):
        np.testing.assert_array_equal(one.myocardium, other.myocardium)
        np.testing.assert_array_equal(one.frame_times_ms, other.frame_times_ms)


def test_a_person_s_insertion_point_takes_precedence(drawn):
    file = drawn / "contours.seq.nrrd"
    point = load_case(file).slices[0].grid.pixel_to_lps([31.5, 10.0])
    case = load_case(file, rv_insertion_lps=point)
    np.testing.assert_allclose(case.insertion_of(case.slices[0]), point)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["contour"], "CINE or --out is missing"),
        (["contour", "CINE", "--out", "OUT", "--engine", "nothing"], "no such contour engine"),
        (["contour", "CINE", "--out", "OUT", "--series", "7"], "no DICOM series"),
        (["contour", "missing.nii.gz", "--out", "OUT"], "no such file or folder"),
        (["contour", "CINE", "--out", "OUT", "--accept", "x.seq.nrrd"], "--accept"),
        (["contour", "--accept", "CINE"], "does not begin like a NRRD file"),
        (["predict", "--out", "OUT"], "neither MASKS nor a --cine"),
        (["predict", "--cine", "CINE", "--labels", "myo=1", "--out", "OUT"], "--labels"),
        (["predict", "CINE", "--fast", "--out", "OUT"], "--fast"),
    ],
)
def test_wrong_use_is_refused_in_one_line(tmp_path, cine, capsys, words, reason):
    given = [{"CINE": str(cine), "OUT": str(tmp_path / "out")}.get(word, word) for word in words]
    assert main(given) == 1
    error = capsys.readouterr().err
    assert reason in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_too_few_frames_are_refused(tmp_path, engine):
    path = write_cine(tmp_path / "short.nii.gz", [contracting()[:6]])
    with pytest.raises(LaMoDInputError, match="6 frames; a cine needs 8"):
        draw_contours(path, engine=engine)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real cine, which is not part of the project")
def test_contours_of_a_real_cine_with_the_first_engine():
    """Dice of the fast setting on one real series; the figures of both are in experiments/results."""
    import SimpleITK as sitk

    if find_engine().onnx_file is None:
        pytest.skip("the engine's weights are not installed")
    heart = contour_study([DATA / "dicom" / "Se3"], per_frame=1)
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(DATA / "Se3_labels.nii.gz")))[:, 0]
    (slice_,) = heart.slices
    assert slice_.contours.verdict == "used"

    def dice(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        both = (found & wanted).sum(axis=(1, 2))
        return 2 * both / (found.sum(axis=(1, 2)) + wanted.sum(axis=(1, 2)))

    wall = dice(slice_.contours.myocardium, labels == 2)
    assert wall.mean() >= 0.905
    assert wall.min() >= 0.88
    assert dice(slice_.contours.cavity, labels == 3).mean() >= 0.95
    points = [np.array([4.38848, -22.97063, -52.92327])]
    assert min(np.linalg.norm(slice_.rv_insertion_lps - p) for p in points) < 6.0


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the real cine, which is not part of the project")
def test_long_axis_series_of_a_study_are_left_out_with_the_reason():
    from LaMoDCore.contours.automatic.study import read_short_axis_study

    study = read_short_axis_study([DATA / "dicom"])
    assert len(study.slices) == 2
    assert {left.reason for left in study.left_out} == {"not a short-axis view"}
    chosen = read_short_axis_study([DATA / "dicom"], series="11001")
    assert len(chosen.slices) == 1
    with pytest.raises(LaMoDInputError, match="no short-axis cine series"):
        read_short_axis_study([DATA / "dicom" / "Se6"])
