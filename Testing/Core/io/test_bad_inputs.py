"""Bad input to `lamod`: exit code 1, one line with the file and the remedy, no files left behind."""

import gzip

import numpy as np
import pytest
from heart_files import (
    MYO,
    RV,
    heart_cine,
    heart_labels,
    stack_affine,
    write_dicom_frames,
    write_folder,
    write_nifti,
    write_sequence,
)

from LaMoDCore.cli import main

SHAPE = (40, 44)
AFFINE = stack_affine(SHAPE, (3.0, 3.0), slices=1)
LABELS = heart_labels(AFFINE, SHAPE, slices=1)


def missing(folder):
    return [folder / "nothing.nii.gz"]


def empty_mask(folder):
    write_nifti(folder / "m.nii", np.zeros_like(LABELS), AFFINE)
    return [folder / "m.nii"]


def no_time(folder):
    write_nifti(folder / "m.nii", LABELS[0], AFFINE)
    return [folder / "m.nii"]


def time_as_slices(folder):
    write_nifti(folder / "m.nii", LABELS[:, 0], AFFINE)
    return [folder / "m.nii"]


def seven_frames(folder):
    write_nifti(folder / "m.nii", LABELS[:7], AFFINE)
    return [folder / "m.nii"]


def absent_label(folder):
    write_nifti(folder / "m.nii", LABELS, AFFINE)
    return [folder / "m.nii", "--labels", "myo=7"]


def cut_off(folder):
    write_nifti(folder / "m.nii", LABELS, AFFINE)
    packed = gzip.compress((folder / "m.nii").read_bytes())
    (folder / "cut.nii.gz").write_bytes(packed[: len(packed) // 2])
    return [folder / "cut.nii.gz"]


def not_an_image(folder):
    (folder / "letter.docx").write_bytes(b"PK\x03\x04 dear colleague")
    return [folder / "letter.docx"]


def nan(folder):
    values = LABELS.astype(np.float32)
    values[3, 0, 5, 5] = np.nan
    write_nifti(folder / "m.nii", values, AFFINE)
    return [folder / "m.nii"]


def picture_as_mask(folder):
    write_nifti(folder / "m.nii", heart_cine(LABELS), AFFINE)
    return [folder / "m.nii"]


def blood_pool_alone(folder):
    write_nifti(folder / "m.nii", np.where(LABELS > RV, 1, 0).astype(np.uint8), AFFINE)
    return [folder / "m.nii"]


def one_frame_missing(folder):
    labels = LABELS.copy()
    labels[4][labels[4] == MYO] = 0
    write_nifti(folder / "m.nii", labels, AFFINE)
    return [folder / "m.nii"]


def other_plane(folder):
    write_nifti(folder / "m.nii", LABELS, AFFINE)
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, 2]
    write_dicom_frames(folder / "cine", heart_cine(LABELS), affine)
    return [folder / "m.nii", "--cine", folder / "cine"]


def other_frame_count(folder):
    write_nifti(folder / "m.nii", LABELS, AFFINE)
    write_dicom_frames(folder / "cine", heart_cine(LABELS)[:20], AFFINE)
    return [folder / "m.nii", "--cine", folder / "cine"]


def sheared(folder):
    affine = AFFINE.copy()
    affine[:3, 1] += 0.4 * affine[:3, 0]
    write_sequence(folder / "m.seq.nrrd", LABELS, affine)
    return [folder / "m.seq.nrrd"]


def frames_of_different_size(folder):
    write_folder(folder / "masks", LABELS, AFFINE)
    write_folder(folder / "more", LABELS[:1, :, :30], AFFINE)
    (folder / "more" / "mask_0.nii.gz").rename(folder / "masks" / "mask_99.nii.gz")
    return [folder / "masks"]


def insertion_elsewhere(folder):
    write_nifti(folder / "m.nii", LABELS, AFFINE)
    return [folder / "m.nii", "--rv-insertion", "-20,135,-12"]


def wrong_levels(folder):
    write_nifti(folder / "m.nii", LABELS, AFFINE)
    return [folder / "m.nii", "--levels", "base,mid"]


CASES = {
    missing: "there is no such file",
    empty_mask: "no voxel is labelled",
    no_time: "no time axis (3-D)",
    time_as_slices: "store it as x, y, 1, time",
    seven_frames: "7 frames and at least 8",
    absent_label: "label 7",
    cut_off: "truncated",
    not_an_image: "not an image",
    nan: "NaN",
    picture_as_mask: "an image, not a mask",
    blood_pool_alone: "not a closed ring",
    one_frame_missing: "frame 4 has no myocardium",
    other_plane: "16.0 mm from that of the nearest cine",
    other_frame_count: "25 frames and the cine 20",
    sheared: "not at a right angle",
    frames_of_different_size: "mask_99.nii.gz",
    insertion_elsewhere: "from the myocardium",
    wrong_levels: "2 level(s) for 1 slice(s)",
}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_one_line(tmp_path, capsys, make):
    inputs = tmp_path / "in"
    inputs.mkdir()
    words = [str(w) for w in make(inputs)]
    code = main(["predict", *words, "--out", str(tmp_path / "out"), "--progress", "none"])
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert code == 1
    assert len(lines) == 1
    assert lines[0].startswith("lamod: ")
    assert CASES[make] in lines[0]
    assert "; " in lines[0]  # what is wrong; what to do
    assert captured.out == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_info_prints_the_same_errors(tmp_path, capsys):
    assert main(["info", str(tmp_path / "nothing")]) == 1
    assert "no such file" in capsys.readouterr().err
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE)
    assert main(["info", str(tmp_path / "m.nii")]) == 0
    assert "2 myocardium" in capsys.readouterr().out
    assert main(["info"]) == 0
    assert "devices: cpu" in capsys.readouterr().out
