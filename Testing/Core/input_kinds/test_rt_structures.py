"""RT structure sets are drawn as masks on the cine to whose images they refer."""

import numpy as np
import pytest
from heart_files import LV, MYO, _dataset, read_uids
from plain_export import AFFINE, LABELS, SHAPE
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from LaMoDCore.cli import main
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io import load_case
from LaMoDCore.io.case.drawn_slices import read_drawn_heart
from LaMoDCore.io.contours.markups import contour_kind
from LaMoDCore.io.contours.rt_structures import RT_STRUCTURE_SET
from LaMoDCore.runtime.errors import LaMoDInputError


def item(**tags):
    result = Dataset()
    for name, value in tags.items():
        setattr(result, name, value)
    return result


def outline(mask):
    """A polygon in LPS around a filled mask: its border at 64 angles."""
    grid = SliceGrid(SHAPE, AFFINE)
    rows, columns = np.nonzero(mask)
    center = np.array([columns.mean(), rows.mean()])
    angles = np.arctan2(rows - center[1], columns - center[0])
    radii = np.hypot(rows - center[1], columns - center[0])
    at = np.linspace(-np.pi, np.pi, 64, endpoint=False)
    near = np.abs(np.angle(np.exp(1j * (angles[None] - at[:, None])))) < 0.15
    radius = np.array([radii[row].max() if row.any() else radii.mean() for row in near]) + 0.4
    return grid.pixel_to_lps(center + radius[:, None] * np.stack([np.cos(at), np.sin(at)], axis=1))


def write_rt(path, cine, names=("LV endocardium", "LV epicardium"), frames=range(25)):
    uids = read_uids(cine)
    regions = []
    for number, values in enumerate(((LV,), (LV, MYO)), start=1):
        contours = [
            item(
                ContourImageSequence=Sequence([item(ReferencedSOPInstanceUID=uids[t, 0])]),
                ContourGeometricType="CLOSED_PLANAR",
                NumberOfContourPoints=64,
                ContourData=[f"{v:.8g}" for v in outline(np.isin(LABELS[t, 0], values)).ravel()],
            )
            for t in frames
        ]
        regions.append(item(ReferencedROINumber=number, ContourSequence=Sequence(contours)))
    dataset = _dataset(RT_STRUCTURE_SET, "1.2.3.4", 1, Modality="RTSTRUCT")
    named = [item(ROINumber=n, ROIName=name) for n, name in enumerate(names, start=1)]
    dataset.StructureSetROISequence = Sequence(named)
    dataset.ROIContourSequence = Sequence(regions)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("names", [("LV endocardium", "LV epicardium"), ("myocardium", "LV myo")])
def test_the_contours_are_the_masks_of_the_plain_export(tmp_path, plain, names):
    path = write_rt(tmp_path / "rt.dcm", plain.cine, names)
    (drawn,) = read_drawn_heart([path], cine=[plain.cine]).slices
    expected = plain.case_on_cine.slices[0]
    for name in ("myocardium", "cavity"):
        pairs = zip(getattr(drawn.slice, name), getattr(expected, name), strict=True)
        assert min(dice(one, other) for one, other in pairs) > 0.85
    assert np.array_equal(drawn.slice.frame_times_ms, expected.frame_times_ms)


def test_check_writes_masks_that_can_be_read(tmp_path, plain):
    path = write_rt(tmp_path / "rt.dcm", plain.cine)
    words = ["check", str(path), "--cine", str(plain.cine), "--out", str(tmp_path / "out"), "--json"]
    assert main(words) in (0, 3)
    case = load_case(tmp_path / "out" / "contours_slice1.seq.nrrd")
    assert case.frames == 25


def test_what_cannot_be_drawn_is_named(tmp_path, plain):
    path = write_rt(tmp_path / "heart.dcm", plain.cine, ("Heart", "Lung"), frames=range(2))
    with pytest.raises(LaMoDInputError, match="'Heart', 'Lung'"):
        read_drawn_heart([path], cine=[plain.cine])
    path = write_rt(tmp_path / "rt.dcm", plain.cine, frames=range(2))
    with pytest.raises(LaMoDInputError, match="need the cine"):
        read_drawn_heart([path])
    with pytest.raises(LaMoDInputError, match=r"RT structure set.*lamod check FILE --cine"):
        load_case(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("LV epi", "epi"),
        ("LV_endo", "endo"),
        ("lv cavity", "endo"),
        ("LV myocardium", "epi"),
        ("RV endo", None),
        ("right ventricle", None),
        ("Lung", None),
    ],
)
def test_contours_by_name(name, kind):
    assert contour_kind(name) == kind
