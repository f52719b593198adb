"""Contours of other programs are read on the right pixels; written contours are read back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))

from heart_files import DATA, heart_cine, heart_labels, stack_affine, write_dicom_frames

from LaMoDCore.cli import main
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io import load_case
from LaMoDCore.io.contours.curves import FrameCurves, masks_of_curves
from LaMoDCore.io.contours.dense_workspace import read_workspace_contours
from LaMoDCore.io.contours.guide_points import read_guide_points
from LaMoDCore.io.contours.markups import ClosedCurve, curves_by_frame, read_closed_curves
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.runtime.errors import LaMoDInputError

real = pytest.mark.skipif(not DATA.is_dir(), reason="the real data (../shared/data) are not here")


@real
@pytest.mark.parametrize(("series", "frame_id"), [("Se3", 4), ("Se4", 5)])
def test_guide_points_give_the_masks_of_their_series(series, frame_id):
    folder = DATA / "cine_biv_me"
    slice_ = load_case(folder / f"{series}_labels.nii.gz").slices[0]
    points = read_guide_points(folder / "guidepoints")[frame_id]
    myocardium, cavity = masks_of_curves(points.curves(slice_.grid), slice_.frames, slice_.grid, "guide points")
    assert min(dice(a, b) for a, b in zip(myocardium, slice_.myocardium, strict=True)) > 0.97
    assert min(dice(a, b) for a, b in zip(cavity, slice_.cavity, strict=True)) > 0.96
    assert points.insertions_lps(0).shape == (2, 3)


@real
def test_contours_of_a_workspace():
    (slice_,) = read_workspace_contours(DATA / "dense_sim/phantom_subject_1/workspace.dns")
    masks = np.load(DATA / "dense_sim/phantom_subject_1/LV_mask_time_lowres.npy") > 0.5
    assert slice_.cine.shape == slice_.myocardium.shape
    drawn = slice_.myocardium.any(axis=(1, 2))
    overlaps = [dice(slice_.myocardium[t], masks[t]) for t in np.flatnonzero(drawn)]
    assert drawn.any()
    assert np.mean(overlaps) > 0.9


@real
def test_check_reads_guide_points_and_writes_masks(tmp_path, capsys):
    folder = DATA / "cine_biv_me"
    words = ["check", str(folder / "guidepoints"), "--cine", str(folder / "dicom"), "--out", str(tmp_path / "out")]
    assert main([*words, "--json"]) in (0, 3)
    found = json.loads(capsys.readouterr().out)["rv_insertion_lps"]
    points = read_guide_points(folder / "guidepoints")
    for name, frame_id in (("series 4", 4), ("series 5", 5)):
        anterior = min(points[frame_id].insertions_lps(0), key=lambda p: p[1])
        assert np.linalg.norm(np.array(found[name]) - anterior) < 5.0
    masks = sorted((tmp_path / "out").glob("contours_slice*.seq.nrrd"))
    assert len(masks) == 2
    case = load_case(masks, labels="myo=2,lv=3")
    for written, series in zip(case.slices, ("Se3", "Se4"), strict=True):
        slice_ = load_case(folder / f"{series}_labels.nii.gz").slices[0]
        assert np.mean([dice(a, b) for a, b in zip(written.myocardium, slice_.myocardium, strict=True)]) > 0.98
        assert written.rr_ms == pytest.approx({"Se3": 776, "Se4": 814}[series])


def circle(grid, radius, center=(50.0, 45.0), points=24):
    angle = np.arange(points) * 2 * np.pi / points
    xy = np.stack([center[0] + radius * np.cos(angle), center[1] + radius * np.sin(angle)], axis=1)
    return grid.pixel_to_lps(xy)


@pytest.fixture
def grid():
    return SliceGrid((90, 100), stack_affine(slices=1))


SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def write_closed_curves(path, curves):
    """Write curves as Slicer does, in LPS."""
    markups = [
        {
            "type": "ClosedCurve",
            "name": curve.name,
            "coordinateSystem": "LPS",
            "controlPoints": [
                {"id": str(i + 1), "position": [float(v) for v in point], "positionStatus": "defined"}
                for i, point in enumerate(curve.points_lps)
            ],
        }
        for curve in curves
    ]
    text = json.dumps({"@schema": SCHEMA, "markups": markups}, indent=1)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_closed_curves_are_read(tmp_path, grid, system):
    curves = [ClosedCurve(f"{kind} 3", circle(grid, r)) for kind, r in (("endo", 15), ("epi", 22))]
    path = tmp_path / "curves.mrk.json"
    write_closed_curves(path, curves)
    if system == "RAS":
        content = json.loads(path.read_text())
        for markup in content["markups"]:
            markup["coordinateSystem"] = "RAS"
            for point in markup["controlPoints"]:
                point["position"][:2] = [-point["position"][0], -point["position"][1]]
        path.write_text(json.dumps(content))
    back = read_closed_curves(path)
    for before, after in zip(curves, back, strict=True):
        np.testing.assert_allclose(after.points_lps, before.points_lps, atol=1e-9)
    myocardium, cavity = masks_of_curves(curves_by_frame(back, "curves"), 5, grid, "curves")
    assert cavity[3].sum() == pytest.approx(np.pi * 15**2, rel=0.01)
    assert myocardium[3].sum() == pytest.approx(np.pi * (22**2 - 15**2), rel=0.01)
    assert not myocardium[[0, 1, 2, 4]].any()


def test_faulty_contours_are_refused(tmp_path, grid):
    pair = FrameCurves(circle(grid, 15), circle(grid, 22))
    with pytest.raises(LaMoDInputError, match="frame 7"):
        masks_of_curves({7: pair}, 5, grid, "x")
    off = FrameCurves(pair.endo_lps + 10 * grid.normal, pair.epi_lps)
    with pytest.raises(LaMoDInputError, match=r"10\.0 mm from the slice's plane"):
        masks_of_curves({0: off}, 5, grid, "x")
    with pytest.raises(LaMoDInputError, match="has no epicardium"):
        curves_by_frame([ClosedCurve("endo", pair.endo_lps)], "x")
    (tmp_path / "a.mrk.json").write_text("{}")
    with pytest.raises(LaMoDInputError, match="not a markups file"):
        read_closed_curves(tmp_path / "a.mrk.json")
    (tmp_path / "g.txt").write_text("x\ty\n1\t2\n")
    with pytest.raises(LaMoDInputError, match="not a table of guide points"):
        read_guide_points(tmp_path / "g.txt")


@pytest.mark.parametrize("with_pictures", [True, False], ids=["with its images", "alone"])
def test_a_dicom_segmentation_is_read_back(tmp_path, with_pictures):
    pytest.importorskip("highdicom")
    from LaMoDCore.io.contours.dicom_seg_writer import write_dicom_segmentation

    affine = stack_affine(slices=1)
    labels = heart_labels(affine, slices=1, frames=8)
    study = tmp_path / "study"
    write_dicom_frames(study, heart_cine(labels), affine, edit=complete)
    masks = {"myocardium": labels[:, 0] == 2, "cavity": labels[:, 0] == 3, "right_ventricle": labels[:, 0] == 1}
    slice_ = CineSlice(
        "heart", SliceGrid(labels.shape[2:], affine), frame_times_ms=np.arange(8.0), rr_ms=800.0, **masks
    )
    files = write_dicom_segmentation(tmp_path / "seg", slice_, sorted(study.iterdir()))
    assert len(files) == 8
    if with_pictures:
        for file in study.iterdir():
            file.rename(tmp_path / "seg" / f"{file.name}.dcm")
    (stack,) = read_images(tmp_path / "seg")
    in_plane = stack.slice_grid(0).ijk_to_lps[:, [0, 1, 3]]  # the normal may point either way
    np.testing.assert_allclose(in_plane, affine[:, [0, 1, 3]], atol=1e-6)
    for number, mask in enumerate(masks.values(), start=1):
        assert np.array_equal(stack.frames[:, 0] == number, mask)
    with pytest.raises(LaMoDInputError, match="not those of the 21 images"):
        write_dicom_segmentation(tmp_path / "other", slice_, [tmp_path / "seg" / f.name for f in files[:7]])


def test_a_repaired_dicom_segmentation_is_written_as_one(tmp_path):
    pytest.importorskip("highdicom")
    from LaMoDCore.io.contours.dicom_seg_writer import write_dicom_segmentation

    affine = stack_affine(slices=1)
    labels = heart_labels(affine, slices=1, frames=8)
    write_dicom_frames(tmp_path / "study", heart_cine(labels), affine, edit=complete)
    wall = labels[:, 0] == 2
    with_island = wall.copy()
    with_island[3, 4:6, 4:6] = True
    grid = SliceGrid(labels.shape[2:], affine)
    slice_ = CineSlice("heart", grid, with_island, np.arange(8.0), 800.0, cavity=labels[:, 0] == 3)
    write_dicom_segmentation(tmp_path / "seg", slice_, sorted((tmp_path / "study").iterdir()))
    words = ["check", str(tmp_path / "seg"), "--fix", "islands", "--out", str(tmp_path / "out")]
    assert main([*words, "--cine", str(tmp_path / "study")]) == 3
    (stack,) = read_images(tmp_path / "out" / "repaired_seg_slice1")
    assert np.array_equal(stack.frames[:, 0] == 1, wall)
    assert main(words) == 1  # the DICOM SEG must refer to the images


def complete(dataset, _t, _k):
    """Add the attributes of scanner files that highdicom requires."""
    dataset.StudyDate, dataset.StudyTime, dataset.AccessionNumber = "20200101", "120000", ""
    dataset.PatientBirthDate, dataset.PatientSex, dataset.StudyID = "", "", "1"
    dataset.ReferringPhysicianName, dataset.FrameOfReferenceUID = "", "1.2.3.4"
    dataset.PositionReferenceIndicator = ""
