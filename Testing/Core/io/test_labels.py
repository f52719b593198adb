"""Meaning of labels: by topology for different numberings, or as given."""

import numpy as np
import pytest
from heart_files import LV, MYO, RV, heart_labels, stack_affine, write_nifti
from scipy import ndimage

from LaMoDCore.io import load_case
from LaMoDCore.io.files.labels import LabelMap, integer_labels, meaning_of_labels, parse_labels
from LaMoDCore.runtime.errors import LaMoDInputError

HEART = heart_labels(stack_affine(), frames=10)


def renumbered(rv, myo, lv):
    numbers = np.zeros(4, dtype=np.int32)
    numbers[[RV, MYO, LV]] = rv, myo, lv
    return numbers[HEART]


@pytest.mark.parametrize(
    "numbers", [(1, 2, 3), (3, 2, 1), (600, 205, 500), (3, 1, 2)], ids=["ACDC", "UK Biobank", "MM-WHS", "other"]
)
def test_topology(numbers):
    rv, myo, lv = numbers
    meaning, note = meaning_of_labels([renumbered(rv, myo, lv)], "a file")
    assert meaning == LabelMap(myo, lv, rv)
    assert f"{myo} myocardium" in note.text


def test_without_rv_and_alone():
    assert meaning_of_labels([renumbered(0, 2, 3)], "f")[0] == LabelMap(2, 3, None)
    assert meaning_of_labels([renumbered(0, 255, 0)], "f") == (LabelMap(255), None)
    assert meaning_of_labels([renumbered(1, 2, 0)], "f")[0] == LabelMap(2, None, 1)


def test_open_basal_slices():
    """Basal slices often have an open myocardium; the other slices identify the labels."""
    labels = HEART.copy()
    labels[:, 0, :, 45:50][labels[:, 0, :, 45:50] == MYO] = 0
    assert meaning_of_labels([labels], "f")[0] == LabelMap(MYO, LV, RV)


def test_no_ring_is_refused():
    labels = np.zeros((8, 1, 20, 20), dtype=np.int32)
    labels[..., 2:6, 2:6], labels[..., 10:14, 2:6] = 1, 2
    with pytest.raises(LaMoDInputError, match="none encloses a cavity"):
        meaning_of_labels([labels], "f")


def test_two_rings_are_refused():
    labels = np.concatenate([renumbered(0, 2, 0), renumbered(0, 1, 0)], axis=-1)
    with pytest.raises(LaMoDInputError, match="--labels"):
        meaning_of_labels([labels], "f")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("myo=2,rv=1,lv=3", LabelMap(2, 3, 1)),
        ("Myocardium=7", LabelMap(7)),
        ({"LV cavity": 1, "lv_myo": 5}, LabelMap(5, 1)),
        ("myo=2+4+5,lv=3", LabelMap(2, 3, None, (4, 5))),
        (None, None),
    ],
)
def test_named(given, expected):
    assert parse_labels(given) == expected


@pytest.mark.parametrize(
    "given",
    ["myo=two", "heart=1", "rv=1", "myo=1,rv=1", "myo", "", "myo=1,myo=2", "myo=2+2", "myo=2+3,lv=3", "rv=1+4,myo=2"],
)
def test_invalid_labels_option(given):
    with pytest.raises(LaMoDInputError):
        parse_labels(given)


def test_a_label_that_does_not_occur():
    with pytest.raises(LaMoDInputError, match=r"label 9.*does not occur.*1, 2, 3"):
        meaning_of_labels([HEART], "f", LabelMap(9))


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "NaN"), (0.5, "fractions"), (-1.0, "negative"), (1e12, "too large")],
)
def test_no_labels(value, words):
    frames = HEART.astype(np.float64)
    frames[0, 0, 0, 0] = value
    with pytest.raises(LaMoDInputError, match=words):
        integer_labels(frames, "f")


@pytest.mark.parametrize(("factor", "noted"), [(1.0002, False), (1.002, True), (0.999, True)])
def test_labels_close_to_whole_numbers_are_rounded(tmp_path, factor, noted):
    write_nifti(tmp_path / "m.nii", (HEART * factor).astype(np.float32), stack_affine())
    write_nifti(tmp_path / "plain.nii", HEART, stack_affine())
    case, plain = (load_case(tmp_path / name) for name in ("m.nii", "plain.nii"))
    for one, other in zip(case.slices, plain.slices, strict=True):
        assert np.array_equal(one.myocardium, other.myocardium)
    assert any(note.code == "labels_rounded" for note in case.notes) == noted
    assert not any(note.code == "labels_rounded" for note in plain.notes)


def blurred(planes):
    return ndimage.gaussian_filter(planes.astype(np.float32), (0, 0, 1, 1))


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (HEART * 1.02, "fractions between labels"),
        (blurred(HEART), "fractions between labels.*nearest-neighbour"),
        (blurred(HEART == MYO), "probability map.*thresholding"),
        (np.rint(255 * blurred(HEART == MYO)).astype(np.uint8), "probability map or a smoothed mask"),
        (np.random.default_rng(0).normal(100, 30, HEART.shape), "not labels, so it is an image"),
    ],
    ids=["scaled", "interpolated", "probability", "probability in 8 bits", "image"],
)
def test_soft_masks_are_named(frames, words):
    with pytest.raises(LaMoDInputError, match=words):
        integer_labels(frames, "f")


@pytest.mark.parametrize("numbers", [(0, 2, 3), (0, 2, 0)], ids=["wall and cavity", "wall alone"])
def test_a_labelled_background_is_not_the_wall(numbers):
    labels = renumbered(*numbers)
    expected = meaning_of_labels([labels], "f")[0]
    labels[labels == 0] = 255
    assert meaning_of_labels([labels], "f")[0] == expected


def test_an_image_and_an_empty_mask():
    with pytest.raises(LaMoDInputError, match="so it is an image, not a mask"):
        integer_labels(np.arange(8 * 400).reshape(8, 1, 20, 20), "f")
    with pytest.raises(LaMoDInputError, match="empty"):
        integer_labels(np.zeros((8, 1, 20, 20), dtype=np.uint8), "f")


SCAR = 4


def with_scar(labels):
    """A quarter of the wall has its own label, from endo- to epicardium."""
    rows, columns = np.indices(labels.shape[2:])
    there = (rows > labels.shape[2] // 2) & (columns > labels.shape[3] // 2)
    scarred = labels.copy()
    scarred[(labels == MYO) & there] = SCAR
    return scarred


def test_a_scar_that_cuts_the_ring_is_joined_to_it(tmp_path):
    scarred = with_scar(HEART)
    write_nifti(tmp_path / "whole.nii", HEART, stack_affine())
    write_nifti(tmp_path / "scar.nii", scarred, stack_affine())
    whole = load_case(tmp_path / "whole.nii", labels="myo=2,lv=3,rv=1")
    with pytest.raises(LaMoDInputError, match=r"label 4 would complete the ring.*--labels myo=2\+4,lv=3,rv=1"):
        load_case(tmp_path / "scar.nii", labels="myo=2,lv=3,rv=1")
    joined = load_case(tmp_path / "scar.nii", labels="myo=2+4,lv=3,rv=1")
    for one, other in zip(whole.slices, joined.slices, strict=True):
        assert np.array_equal(one.myocardium, other.myocardium)


def test_a_chamber_next_to_a_gap_is_not_part_of_the_wall(tmp_path):
    labels = with_scar(HEART)
    labels[labels == 0] = SCAR  # all around the heart: it would close every gap
    write_nifti(tmp_path / "open.nii", labels, stack_affine())
    with pytest.raises(LaMoDInputError, match="close the contour there"):
        load_case(tmp_path / "open.nii", labels="myo=2,lv=3,rv=1")


def test_a_scar_in_one_slice_is_named_in_the_note_on_that_slice(tmp_path):
    labels = HEART.copy()
    labels[:, 1:2] = with_scar(HEART[:, 1:2])
    labels[0, 2, 0, 0] = SCAR  # a slip of the brush
    write_nifti(tmp_path / "scar.nii", labels, stack_affine())
    case = load_case(tmp_path / "scar.nii", labels="myo=2,lv=3,rv=1")
    assert len(case.slices) == 2
    assert any(note.code == "slice_left_out" and "label 4 would complete the ring" in note.text for note in case.notes)
    assert len(load_case(tmp_path / "scar.nii", labels="myo=4+2,lv=3,rv=1").slices) == 3


def test_parts_of_the_wall_may_be_missing_from_a_file():
    assert meaning_of_labels([HEART], "f", LabelMap(SCAR, 3, 1, (MYO, 9)))[0] == LabelMap(MYO, 3, 1)
    assert LabelMap(2, 3, None, (4, 5)).option == "myo=2+4+5,lv=3"


def test_a_given_right_ventricle_is_not_a_scar(tmp_path):
    labels = with_scar(HEART)
    labels[labels == RV] = 0
    write_nifti(tmp_path / "open.nii", labels, stack_affine())
    with pytest.raises(LaMoDInputError, match="close the contour there"):
        load_case(tmp_path / "open.nii", labels=f"myo=2,lv=3,rv={SCAR}")
