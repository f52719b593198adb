"""The same heart gives the same strain in every export format, and a slice the same numbers with and without others."""

import numpy as np
import pytest
from any_model import any_model
from heart_files import (
    heart_labels,
    stack_affine,
    write_dicom_frames,
    write_folder,
    write_nifti,
    write_nrrd_4d,
    write_seg,
    write_sequence,
)

from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.prediction.predict import predict_strain

SHAPE = (60, 66)
AFFINE = stack_affine(SHAPE, (2.0, 2.0), slices=1)
LABELS = heart_labels(AFFINE, SHAPE, slices=1)


@pytest.fixture(scope="module")
def model():
    return any_model()


def strain_of(path, model, **options):
    return predict_strain(load_case(path, **options), model, steps=2)


def assert_same(one, two, tolerance):
    assert one.displacement_mm.shape == two.displacement_mm.shape
    assert np.abs(one.displacement_mm).max() > 1.0
    np.testing.assert_allclose(one.displacement_mm, two.displacement_mm, atol=10 * tolerance)
    np.testing.assert_array_equal(one.segment, two.segment)
    for name in ("ecc", "err", "e1", "jacobian"):
        np.testing.assert_allclose(one.fields[name], two.fields[name], atol=tolerance)
    for name in ("ecc", "err"):
        np.testing.assert_allclose(one.segment_curves[name], two.segment_curves[name], atol=tolerance)


def test_five_exports(tmp_path, model):
    writers = {
        "heart.nii": write_nifti,
        "heart.nrrd": write_nrrd_4d,
        "heart.seq.nrrd": write_sequence,
        "volumes": write_folder,
        "dicom": write_dicom_frames,
        "seg.dcm": write_seg,
    }
    results = []
    for name, write in writers.items():
        write(tmp_path / name, LABELS, AFFINE)
        results.append(strain_of(tmp_path / name, model))
    for result in results[1:]:
        assert_same(results[0].slices[0], result.slices[0], 1e-4)


def test_a_slice_does_not_depend_on_its_neighbour(tmp_path, model):
    """Slices with different positions and R–R intervals in one case have the same numbers as separate cases."""
    other = AFFINE.copy()
    other[:3, 3] += AFFINE[:3, 2]
    a, b = tmp_path / "a.seq.nrrd", tmp_path / "b.seq.nrrd"
    write_seq_nrrd(a, LABELS, AFFINE, np.arange(25) * 31.04, rr_ms=776)
    write_seq_nrrd(b, heart_labels(other, SHAPE, slices=1), other, np.arange(25) * 32.56, rr_ms=814)
    point = load_case(a).rv_insertion_lps
    together = strain_of([b, a], model, rv_insertion_lps=point)
    assert [s.name for s in together.case.slices] == ["a", "b"]
    assert together.slices[0].segment_aha == (2, 3, 4, 5, 6, 1)
    assert together.slices[1].segment_aha == (8, 9, 10, 11, 12, 7)
    assert together.summary["indices"]["torsion_degrees"] is not None
    for index, path in enumerate((a, b)):
        assert_same(together.slices[index], strain_of(path, model, rv_insertion_lps=point).slices[0], 1e-5)
