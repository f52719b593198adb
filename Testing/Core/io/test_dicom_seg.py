"""DICOM segmentations are read as labels over time."""

import numpy as np
import pytest
from heart_files import (
    LV,
    MYO,
    RV,
    TIMES_MS,
    heart_cine,
    heart_labels,
    read_uids,
    stack_affine,
    write_dicom_frames,
    write_seg,
)

from LaMoDCore.io import load_case
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.images.frame_stack import LABEL_KEY
from LaMoDCore.runtime.errors import LaMoDInputError

AFFINE = stack_affine((40, 44), (3.0, 3.0), slices=2)
LABELS = heart_labels(AFFINE, (40, 44), slices=2)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
@pytest.mark.parametrize("timed", [True, False])
def test_labels_are_read_back(tmp_path, kind, timed):
    write_seg(tmp_path / "seg.dcm", LABELS, AFFINE, kind=kind, timed=timed)
    stacks = read_images(tmp_path / "seg.dcm")
    assert len(stacks) == 2
    for k, stack in enumerate(stacks):
        np.testing.assert_array_equal(stack.frames[:, 0], LABELS[:, k])
        assert stack.metadata[LABEL_KEY] == f"rv={RV},myo={MYO},lv={LV}"


def test_segment_names_take_precedence(tmp_path):
    """The segment that is named myocardium is the myocardium, whatever its number and topology."""
    write_seg(tmp_path / "seg.dcm", LABELS, AFFINE, names={MYO: "LV wall", LV: "blood pool"})
    case = load_case(tmp_path / "seg.dcm")
    np.testing.assert_array_equal(case.slices[0].myocardium, LABELS[:, 0] == MYO)
    np.testing.assert_array_equal(case.slices[0].cavity, LABELS[:, 0] == LV)
    assert case.slices[0].right_ventricle is None


def test_times_of_the_source_images(tmp_path):
    folder = tmp_path / "study"
    write_dicom_frames(folder, heart_cine(LABELS), AFFINE)
    write_seg(folder / "seg.dcm", LABELS, AFFINE, timed=False, sources=read_uids(folder))
    stacks = read_images(folder)
    for k, stack in enumerate(stacks):
        np.testing.assert_array_equal(stack.frames[:, 0], LABELS[:, k])
        np.testing.assert_allclose(stack.frame_times_ms, TIMES_MS)
        assert stack.rr_ms == 800


def test_a_missing_frame_is_a_frame_without_myocardium(tmp_path):
    labels = LABELS.copy()
    labels[5, :][labels[5, :] == MYO] = 0
    write_seg(tmp_path / "seg.dcm", labels, AFFINE, names={MYO: "myocardium", LV: "LV"})
    with pytest.raises(LaMoDInputError, match="frame 5 has no myocardium"):
        load_case(tmp_path / "seg.dcm")
