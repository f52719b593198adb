"""Base and apex of stacks without a trustworthy orientation are identified by the taper and the right ventricle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from toy_cine import contracting, write_cine
from toy_engine import write_engine

from LaMoDCore import load_case
from LaMoDCore.contours.automatic.contour_files import write_masks
from LaMoDCore.contours.automatic.draw import case_of
from LaMoDCore.contours.automatic.heart_contours import contour_study
from LaMoDCore.function import whole_ventricle
from LaMoDCore.heart.taper import runs_from_apex

pytest.importorskip("onnx", reason="the toy engines need onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")
SIZES = (1.0, 0.97, 0.9, 0.8, 0.65)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engine(tmp_path_factory.mktemp("engine") / "toy")


def on_scanner_axes(path: Path) -> Path:
    image = sitk.ReadImage(str(path))
    image.SetDirection(np.eye(4).ravel())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("header", ["oriented", "missing", "on axes"])
@pytest.mark.parametrize("from_apex", [False, True])
def test_the_largest_slice_is_the_first(tmp_path, engine, header, from_apex):
    slices = [contracting(size) for size in (SIZES[::-1] if from_apex else SIZES)]
    path = write_cine(tmp_path / "cine.nii.gz", slices, oriented=header != "missing")
    if header == "on axes":
        on_scanner_axes(path)
    heart = contour_study([path], engine=engine, per_frame=1)
    case = case_of(heart)
    areas = [int(s.myocardium[0].sum()) for s in case.slices]
    wanted = sorted(areas, reverse=not (header == "oriented" and from_apex))
    assert areas == wanted
    assert [int(s.contours.myocardium[0].sum()) for s in heart.slices] == areas
    assert [int(s.cavity_mm2[0]) for s in whole_ventricle(case)] == [int(s.cavity[0].sum() * 4) for s in case.slices]
    assert [s.level for s in case.slices][::4] == ["base", "apex"]
    reversed_by_taper = [note for note in case.notes if note.code == "order_from_taper"]
    assert bool(reversed_by_taper) <= (header != "oriented")
    write_masks(heart, tmp_path)
    again = load_case(sorted(tmp_path.glob("contours*.seq.nrrd")))
    assert [int(s.myocardium[0].sum()) for s in again.slices] == areas


@pytest.mark.parametrize(
    ("left", "right", "from_apex"),
    [
        ([40, 38, 35, 28, 15], [20, 18, 15, 9, 2], False),
        ([15, 28, 35, 38, 40], [2, 9, 15, 18, 20], True),
        ([38, 39, 40, 40, 41], [5, 9, 15, 18, 20], True),
        ([38, 39, 40, 40, 41], [20, 18, 15, 9, 5], False),
        ([38, 39, 40, 40, 41], [0, 0, 0, 0, 0], False),
        ([20, 40], [5, 10], False),
    ],
    ids=["base first", "apex first", "by the RV", "by the RV, base first", "no RV", "two slices"],
)
def test_which_end_is_the_apex(left, right, from_apex):
    assert runs_from_apex(left, right) == from_apex
