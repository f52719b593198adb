"""NIfTI: orientation as in SimpleITK, times in any unit, and untrusted headers."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from heart_files import itk_image, stack_affine, write_nifti

from LaMoDCore.io.images.nifti import read_nifti
from LaMoDCore.runtime.errors import LaMoDInputError

AFFINE = stack_affine((6, 7), (1.3, 1.5), slices=2)
PIXELS = np.random.default_rng(1).integers(0, 200, (9, 2, 6, 7)).astype(np.uint8)


def test_against_simpleitk(tmp_path):
    sitk.WriteImage(itk_image(PIXELS, AFFINE), str(tmp_path / "a.nii.gz"))
    stack = read_nifti(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(stack.frames, PIXELS)
    np.testing.assert_allclose(stack.ijk_to_lps, AFFINE, atol=1e-5)
    np.testing.assert_allclose(np.diff(stack.frame_times_ms), 32.0)


@pytest.mark.parametrize("mirrored", [False, True])
def test_quaternion_only(tmp_path, mirrored):
    affine = AFFINE.copy()
    if mirrored:
        affine[:3, 2] *= -1
    sitk.WriteImage(itk_image(PIXELS, affine), str(tmp_path / "a.nii"))
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<h", data, 254, 0)  # no sform
    (tmp_path / "a.nii").write_bytes(data)
    np.testing.assert_allclose(read_nifti(tmp_path / "a.nii").ijk_to_lps, affine, atol=1e-4)


def test_without_any_orientation(tmp_path):
    write_nifti(tmp_path / "a.nii", PIXELS, AFFINE)
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<2h", data, 252, 0, 0)
    (tmp_path / "a.nii").write_bytes(data)
    stack = read_nifti(tmp_path / "a.nii")
    assert not stack.has_orientation
    np.testing.assert_allclose(np.diag(stack.ijk_to_lps)[:3], [1.3, 1.5, 16.0], atol=1e-6)


def test_big_endian(tmp_path):
    write_nifti(tmp_path / "a.nii", PIXELS.astype(np.int16), AFFINE, order=">")
    stack = read_nifti(tmp_path / "a.nii")
    np.testing.assert_array_equal(stack.frames, PIXELS)
    np.testing.assert_allclose(stack.ijk_to_lps, AFFINE, atol=1e-4)


@pytest.mark.parametrize(
    ("step", "units", "expected"),
    [
        (32.0, 16, 32.0),
        (0.032, 8, 32.0),
        (32000.0, 24, 32.0),
        (32.0, 8, 32.0),  # milliseconds labelled as seconds, as in many exports
        (0.032, 0, 32.0),
        (32.0, 0, 32.0),
        (1.0, 8, None),  # what writers put where they know nothing
        (0.0, 16, None),
        (float("nan"), 16, None),
        (5000.0, 16, None),
    ],
)
def test_frame_step(tmp_path, step, units, expected):
    write_nifti(tmp_path / "a.nii", PIXELS, AFFINE, frame_ms=step, units=2 | units)
    times = read_nifti(tmp_path / "a.nii").frame_times_ms
    if expected is None:
        assert times is None
    else:
        np.testing.assert_allclose(times, np.arange(9) * expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("offset", "fmt", "value", "words"),
    [
        (40, "<8h", (4, 7, 6, 2, 900, 1, 1, 1), "truncated"),
        (40, "<8h", (5, 7, 6, 2, 3, 3, 1, 1), "3 values"),
        (40, "<8h", (4, 7, -6, 2, 9, 1, 1, 1), "axes"),
        (40, "<8h", (7, 30000, 30000, 30000, 30000, 1, 1, 1), "GiB"),
        (40, "<8h", (7, 7, 6, 2, 9, 1, 1, 3), "axes"),
        (40, "<8h", (4, 30000, 30000, 2, 9, 1, 1, 1), "GiB"),
        (70, "<h", (128,), "type 128"),
        (108, "<f", (float("inf"),), "begin at byte"),
        (344, "<4s", (b"xxx\0",), "NIfTI magic number"),
        (344, "<4s", (b"ni1\0",), ".img"),
    ],
)
def test_inconsistent_headers(tmp_path, offset, fmt, value, words):
    write_nifti(tmp_path / "a.nii", PIXELS, AFFINE)
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into(fmt, data, offset, *value)
    (tmp_path / "a.nii").write_bytes(data)
    with pytest.raises(LaMoDInputError, match=words):
        read_nifti(tmp_path / "a.nii")


@pytest.mark.parametrize("keep", [0, 3, 100, 400])
def test_truncated_file(tmp_path, keep):
    write_nifti(tmp_path / "a.nii", PIXELS, AFFINE)
    whole = gzip.compress((tmp_path / "a.nii").read_bytes())
    (tmp_path / "a.nii.gz").write_bytes(whole[:keep])
    with pytest.raises(LaMoDInputError):
        read_nifti(tmp_path / "a.nii.gz")
