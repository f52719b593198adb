"""The real series: two slices of one heart with different positions and R–R intervals, and their DICOM cines."""

import numpy as np
import pytest
from heart_files import DATA
from scipy import ndimage

from LaMoDCore.io import load_case
from LaMoDCore.io.files.describe import describe
from LaMoDCore.runtime.errors import LaMoDInputError

FOLDER = DATA / "cine_biv_me"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real series (../shared/data/cine_biv_me) are not here")
MASKS = [FOLDER / "Se3_labels.nii.gz", FOLDER / "Se4_labels.nii.gz"]


def guide_points(kind, frame_id, frame=0):
    lines = (FOLDER / "guidepoints" / f"GPFile_{frame:03d}.txt").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return np.array([[float(v) for v in r[:3]] for r in rows if r[3] == kind and int(r[4]) == frame_id])


def test_both_series_as_one_case():
    case = load_case(MASKS[::-1], cine=FOLDER / "dicom")
    assert [s.name for s in case.slices] == ["Se3_labels", "Se4_labels"]
    assert [s.level for s in case.slices] == ["base", "mid"]
    assert [s.rr_ms for s in case.slices] == [776, 814]
    assert case.reference_frame == 0
    for slice_, step in zip(case.slices, (31.04, 32.56), strict=True):
        assert slice_.myocardium.shape == slice_.cine.shape == (25, 208, 256)
        np.testing.assert_allclose(slice_.frame_times_ms, np.arange(25) * step, rtol=1e-6)
        inside = slice_.cine[0][slice_.cavity[0]].mean()
        wall = slice_.cine[0][slice_.myocardium[0]].mean()
        assert inside > 1.5 * wall  # blood is bright where the labels say that it is
    distance = case.slices[0].grid.distance_mm(case.slices[1].grid.center_lps)
    assert abs(abs(float(distance)) - 17.7) < 0.05


@pytest.mark.parametrize(("index", "frame_id"), [(0, 4), (1, 5)])
def test_masks_and_contours_have_the_same_position(index, frame_id):
    """The contour points are in patient coordinates, the masks in NIfTI coordinates; both must agree."""
    slice_ = load_case(MASKS[index]).slices[0]
    points = guide_points("SAX_LV_ENDOCARDIAL", frame_id)
    assert np.abs(slice_.grid.distance_mm(points)).max() < 0.1
    columns, rows = np.rint(slice_.grid.lps_to_pixel(points)).astype(int).T
    edge = ndimage.binary_dilation(slice_.cavity[0], iterations=2) & ~ndimage.binary_erosion(
        slice_.cavity[0], iterations=2
    )
    assert edge[rows, columns].mean() > 0.95


def test_insertion_points_of_the_pipeline():
    points = guide_points("RV_INSERT", 4)
    case = load_case(MASKS[0], rv_insertion_lps=points)
    assert case.rv_insertion_lps[1] == points[:, 1].min()
    with pytest.raises(LaMoDInputError, match="RAS"):
        load_case(MASKS[0], rv_insertion_lps=points[0] - [60, 0, 0])


def test_wrong_cine_for_a_mask():
    with pytest.raises(LaMoDInputError, match=r"17\.7 mm"):
        load_case(MASKS[0], cine=FOLDER / "dicom" / "Se4")


def test_labels_that_do_not_occur():
    with pytest.raises(LaMoDInputError, match="label 1, given as the myocardium, does not occur"):
        load_case(MASKS[0], labels="myo=1")


def test_study_is_described():
    text = "\n".join(describe(FOLDER / "dicom"))
    assert "2 short-axis cine series of 4 series" in text
    assert "776" in text
    assert "patient1" not in text


def test_time_stored_as_slices_is_refused_with_a_remedy():
    with pytest.raises(LaMoDInputError, match=r"26 slices and no time axis.*store it as x, y, 1, time"):
        load_case(DATA / "dense_sim/invivo_masks_2Dt/subject_1_mask_2Dt.nii.gz")
