"""Faulty contours are reported with their slice and frames."""

import numpy as np
import pytest
from heart_files import LV, MYO, TIMES_MS, heart_labels, stack_affine, write_sequence

from LaMoDCore.heart.ring.faults import frame_list, remove_specks
from LaMoDCore.io import load_case
from LaMoDCore.runtime.errors import LaMoDInputError

AFFINE = stack_affine((60, 66), (2.0, 2.0), slices=2)
HEART = heart_labels(AFFINE, (60, 66), slices=2)


def saved(tmp_path, labels):
    write_sequence(tmp_path / "heart.seq.nrrd", labels, AFFINE)
    return tmp_path / "heart.seq.nrrd"


def empty(labels, frames, k=slice(None)):
    for t in frames:
        labels[t, k][labels[t, k] == MYO] = 0


def opened(labels, frames, k=slice(None)):
    for t in frames:
        half = labels[t, k][..., 33:36, 33:]
        half[half == MYO] = 0


def stray(labels, frames, k=0):
    for t in frames:
        labels[t, k, 2:7, 2:7] = MYO


def cavity_outside(labels, frames, k=0):
    for t in frames:
        labels[t, k][labels[t, k] == LV] = 0
        labels[t, k, 1:12, 1:12] = LV


@pytest.mark.parametrize(
    ("fault", "frames", "words"),
    [
        (empty, [4], "slice 1: frame 4 has no myocardium"),
        (empty, [4, 5, 6, 9], "slice 1: frames 4–6 and 9 have no myocardium"),
        (empty, [t for t in range(25) if t not in (0, 9)], "only frames 0 and 9 of 25 are drawn"),
        (opened, [3, 4], "slice 1: the myocardium of frames 3 and 4 is not a closed ring"),
        (stray, [7], "slice 1: the myocardium of frame 7 is in 2 separate pieces"),
        (cavity_outside, [2], "slice 1: the LV cavity of frame 2 lies outside"),
    ],
)
def test_refused(tmp_path, fault, frames, words):
    labels = HEART.copy()
    fault(labels, frames)
    with pytest.raises(LaMoDInputError) as caught:
        load_case(saved(tmp_path, labels))
    assert words in str(caught.value)
    assert "heart.seq.nrrd" in str(caught.value)


@pytest.mark.parametrize("fault", [empty, opened])
def test_one_bad_slice_is_left_out_with_its_reason(tmp_path, fault):
    labels = HEART.copy()
    fault(labels, [3], 0)
    case = load_case(saved(tmp_path, labels))
    assert [s.name for s in case.slices] == ["slice 2"]
    (left_out,) = [note for note in case.notes if note.code == "slice_left_out"]
    assert (left_out.source, left_out.frame, left_out.slice) == ("slice 1 of heart.seq.nrrd", 3, None)
    assert "frame 3" not in left_out.text


def test_drawing_errors_are_removed_and_noted(tmp_path):
    labels = HEART.copy()
    labels[3, 0, 2, 2:4] = MYO
    case = load_case(saved(tmp_path, labels))
    np.testing.assert_array_equal(case.slices[0].myocardium, HEART[:, 0] == MYO)
    assert [(note.slice, note.text[:17]) for note in case.notes if note.code == "stray_pixels"] == [
        (1, "2 stray pixel(s) ")
    ]


def test_diagonal_steps_do_not_cut_a_ring():
    ring = np.zeros((1, 12, 12), dtype=bool)
    for i in range(5):
        ring[0, 6 - i, 1 + i] = ring[0, 6 + i, 1 + i] = ring[0, 2 + i, 5 + i] = ring[0, 10 - i, 5 + i] = True
    cleaned, dropped = remove_specks(ring)
    assert dropped == 0
    np.testing.assert_array_equal(cleaned, ring)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([4], "frame 4"),
        ([0, 1], "frames 0 and 1"),
        ([0, 1, 2, 9], "frames 0–2 and 9"),
        (range(0, 40, 2), "frames 0, 2, 4, 6, 8 and 15 more"),
    ],
)
def test_frame_list(frames, words):
    assert frame_list(list(frames)) == words


def test_too_few_frames_and_no_time(tmp_path):
    with pytest.raises(LaMoDInputError, match="7 frames and at least 8"):
        load_case(saved(tmp_path, HEART[:7]))
    with pytest.raises(LaMoDInputError, match=r"no time axis \(3-D\).*store it as x, y, 1, time"):
        load_case(saved(tmp_path, HEART[:1]))


def test_times_that_do_not_increase(tmp_path):
    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    times = TIMES_MS.copy()
    times[4] = times[3]
    write_seq_nrrd(tmp_path / "heart.seq.nrrd", HEART, AFFINE, times)
    with pytest.raises(LaMoDInputError, match="same index value"):
        load_case(tmp_path / "heart.seq.nrrd")
