"""Cines with masks: each slice gets its own images, and paired cines never change the contours."""

import argparse

import numpy as np
import pytest

from LaMoDCore.cli import predict
from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.runtime.errors import LaMoDInputError

FRAMES, SIDE = 10, 40
TIMES_MS = np.arange(FRAMES) * 80.0
LABELS = "myo=2,lv=3"


def masks_of(slices):
    """Labels [T, Z, H, W] of a contracting ring, thicker towards the last slice."""
    y, x = np.mgrid[:SIDE, :SIDE]
    radius = np.hypot(x - SIDE / 2, y - SIDE / 2)
    labels = np.zeros((FRAMES, slices, SIDE, SIDE), np.uint8)
    for t in range(FRAMES):
        for k in range(slices):
            inner = 9 - 0.5 * k - 2 * np.sin(np.pi * t / FRAMES)
            labels[t, k, (radius < 14) & (radius >= inner)] = 2
            labels[t, k, radius < inner] = 3
    return labels


class Files:
    """Writes a stack of masks and its cine; the images of slice k have a corner of value k."""

    def __init__(self, folder):
        self.folder, self.masks, self.cines = folder, [], []

    def add(self, *, slices=1, origin=(-20.0, -70.0, 33.0), step=8.0, edit=None, edit_cine=None):
        affine = np.diag([1.4, 1.4, step, 1.0])
        affine[:3, 3] = origin
        labels = masks_of(slices)
        cine = np.choose(labels, [120, 0, 80, 200]).astype(np.float32)
        cine[..., 0, 0] = np.arange(slices)
        for change, array in ((edit, labels), (edit_cine, cine)):
            if change:
                change(array)
        number = len(self.masks) + 1
        masks, images = self.folder / f"series{number}.seq.nrrd", self.folder / f"cine{number}.seq.nrrd"
        write_seq_nrrd(masks, labels, affine, TIMES_MS, node_class="vtkMRMLLabelMapVolumeNode", rr_ms=800.0)
        write_seq_nrrd(images, cine, affine, TIMES_MS, rr_ms=800.0, compress=False)
        self.masks.append(masks)
        self.cines.append(images)
        return self

    def load(self, **options):
        return load_case(self.masks, labels=LABELS, **options)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def codes(case):
    return {note.code for note in case.notes}


def same_contours(case, alone):
    assert [s.name for s in case.slices] == [s.name for s in alone.slices]
    for a, b in zip(case.slices, alone.slices, strict=True):
        np.testing.assert_array_equal(a.myocardium, b.myocardium)
        np.testing.assert_array_equal(a.frame_times_ms, b.frame_times_ms)
        np.testing.assert_allclose(a.grid.ijk_to_lps, b.grid.ijk_to_lps)
    assert codes(alone) <= codes(case)


def corners(case):
    """Number of the cine slice that each slice of the case got, by the name of the slice."""
    return {s.name: int(s.cine[0, 0, 0]) for s in case.slices}


@pytest.mark.parametrize("step", [0.8, 1.0])
@pytest.mark.parametrize("paired", [False, True])
def test_slices_of_a_fine_stack_get_their_own_images(files, step, paired):
    files.add(slices=4, step=step)
    case = files.load(cine=files.cines, paired_cine=paired)
    same_contours(case, files.load())
    assert corners(case) == {f"slice {k + 1}": k for k in range(4)}
    assert not codes(case) & {"several_cines", "slice_repeated"}


def test_of_equally_near_cines_the_last_is_used(files):
    files.add()
    again = files.folder / "again"
    again.mkdir()
    second = Files(again).add(origin=(-20.0, -70.0, 33.05), edit_cine=lambda cine: cine.__setitem__((..., 0, 0), 7))
    case = files.load(cine=[*files.cines, *second.cines])
    assert corners(case) == {"series1": 7} and "several_cines" in codes(case)


def test_a_cine_without_position_does_not_hide_those_in_the_plane(files):
    files.add(origin=(0.0, 0.0, 10.0))
    folder = files.folder / "unlocated"
    folder.mkdir()
    unlocated = Files(folder).add(origin=(0.0, 0.0, 0.0))
    case = files.load(cine=[*unlocated.cines, *files.cines])
    assert "cine_pixels_assumed" not in codes(case)


@pytest.mark.parametrize("drawn", [range(4), [4]])  # the first frames, and end-systole alone
def test_paired_cines_do_not_carry_contours(files, drawn):
    def edit(labels):
        labels[np.setdiff1d(np.arange(FRAMES), drawn), 0] = 0

    files.add(slices=3, edit=edit)
    case = files.load(cine=files.cines, paired_cine=True)
    same_contours(case, files.load())
    assert corners(case) == {"slice 2": 1, "slice 3": 2}
    assert "slice_left_out" in codes(case) and "contours_carried" not in codes(case)


def test_a_slice_with_end_systole_alone_is_left_out(files):
    def edit(labels):
        labels[np.arange(FRAMES) != 4, 0] = 0

    files.add(slices=3, edit=edit)
    case = files.load(cine=files.cines)
    assert sorted(s.name for s in case.slices) == ["slice 2", "slice 3"]
    (left_out,) = [note for note in case.notes if note.code == "slice_left_out"]
    assert "only frame 4 of 10 is drawn" in left_out.text and "slice 1" in left_out.source
    assert not case.volume_slices


def test_paired_series_with_and_without_a_position(files):
    files.add(origin=(0.0, 0.0, 0.0)).add(
        origin=(0.0, 0.0, 10.0), edit_cine=lambda cine: cine.__setitem__((..., 0, 0), 7)
    )
    case = files.load(cine=files.cines, paired_cine=True)
    same_contours(case, files.load())
    assert corners(case) == {"series1": 0, "series2": 7}


def test_paired_cines_that_do_not_fit_are_refused(files):
    files.add().add(slices=2, origin=(-20.0, -70.0, 53.0))
    with pytest.raises(LaMoDInputError, match="one --cine for each of MASKS"):
        files.load(cine=files.cines[:1], paired_cine=True)
    with pytest.raises(LaMoDInputError, match=r"cine2.*slices: 2, frames: 10.*slices: 1, frames: 10"):
        files.load(cine=files.cines[::-1], paired_cine=True)
    with pytest.raises(LaMoDInputError, match="--mask-frames"):
        files.load(cine=files.cines, paired_cine=True, mask_frames=(0,))
    files.add(origin=(-20.0, -70.0, 90.0))
    with pytest.raises(LaMoDInputError, match=r"cine3.*do not lie where"):
        load_case(files.masks[0], cine=files.cines[2], labels=LABELS, paired_cine=True)


def test_the_command_passes_the_pairing(files, monkeypatch):
    files.add(slices=4, step=1.0)
    given = {}
    monkeypatch.setattr("LaMoDCore.io.load_case", lambda masks, **options: given.update(options))
    parser = argparse.ArgumentParser()
    predict.add_arguments(parser)
    words = [str(files.masks[0]), "--out", str(files.folder / "out")]
    cine = ["--cine", str(files.cines[0])]
    for more, paired in (([], False), (["--paired-cine"], True)):
        args = parser.parse_args([*words, *cine, *more])
        predict._case(args, argparse.Namespace(update=lambda *_: None))
        assert given["paired_cine"] is paired and given["cine"] == files.cines
    with pytest.raises(LaMoDInputError, match="there is no cine"):
        predict._check_input(parser.parse_args([*words, "--paired-cine"]))
