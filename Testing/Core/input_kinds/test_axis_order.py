"""Masks whose slice and time axes are exchanged: one error that names the cause."""

import numpy as np
import pytest
from heart_files import heart_labels, stack_affine, write_nifti
from plain_export import IDENTITY, LABELS

from LaMoDCore.io import load_case
from LaMoDCore.io.case.drawn_slices import read_drawn_heart
from LaMoDCore.runtime.errors import LaMoDInputError

SHAPE = (36, 40)
AFFINE = stack_affine(SHAPE, (3.0, 3.0), slices=9, gap_mm=8.0)
STACK = heart_labels(AFFINE, SHAPE, slices=9)
WIDE_STEP = AFFINE @ np.diag([1.0, 1.0, 4.0, 1.0])


def exchanged(labels):
    return np.ascontiguousarray(labels.swapaxes(0, 1))


@pytest.mark.parametrize(
    ("affine", "frame_ms"),
    [(AFFINE, 32.0), (WIDE_STEP, 8.0), (IDENTITY, 32.0)],
    ids=["geometry kept", "header exchanged too", "identity"],
)
def test_exchanged_axes_are_named(tmp_path, affine, frame_ms):
    write_nifti(tmp_path / "m.nii", exchanged(STACK), affine, frame_ms=frame_ms)
    for read in (load_case, lambda path: read_drawn_heart([path])):
        with pytest.raises(LaMoDInputError, match=r"slice and time axes are exchanged.*store it as x, y, slice, time"):
            read(tmp_path / "m.nii")


def test_the_same_stack_in_order_is_read(tmp_path):
    write_nifti(tmp_path / "m.nii", STACK, AFFINE)
    assert len(load_case(tmp_path / "m.nii").slices) == 9


def test_few_slices_exchanged(tmp_path, plain):
    write_nifti(tmp_path / "m.nii", exchanged(STACK[:, :3]), AFFINE)
    with pytest.raises(LaMoDInputError, match=r"third axis \(25\) is time"):
        load_case(tmp_path / "m.nii")
    write_nifti(tmp_path / "one.nii", exchanged(LABELS), AFFINE)
    with pytest.raises(LaMoDInputError, match="axes are exchanged"):
        load_case(tmp_path / "one.nii", cine=plain.cine)


def test_axes_in_the_order_of_numpy(tmp_path):
    write_nifti(tmp_path / "m.nii", np.ascontiguousarray(STACK.transpose(3, 2, 1, 0)), IDENTITY)
    with pytest.raises(LaMoDInputError, match="axes are in another order"):
        load_case(tmp_path / "m.nii")


def test_a_ventricle_taller_than_any_heart(tmp_path):
    write_nifti(tmp_path / "m.nii", STACK, WIDE_STEP)
    with pytest.raises(LaMoDInputError, match="span 256 mm, more than any ventricle"):
        load_case(tmp_path / "m.nii")
