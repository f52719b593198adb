"""Contours drawn at end-diastole, with or without end-systole, are carried to the other frames with the cine."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))

from heart_files import DATA, heart_cine, heart_labels, stack_affine, write_nifti

from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.heart.cycle.carrying import carry_contours
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.io import load_case
from LaMoDCore.runtime.errors import LaMoDInputError
from Testing.Core.contours.planted_faults import reader_slice


def keep_only(slice_, frames):
    masks = np.zeros_like(slice_.myocardium)
    masks[list(frames)] = slice_.myocardium[list(frames)]
    return replace(slice_, myocardium=masks, cavity=None)


def end_systole(slice_):
    return int(np.nanargmin(SliceShapes.of(slice_).measure("cavity_mm2")))


def overlaps(carried, drawn):
    return np.array([dice(a, b) for a, b in zip(carried.slice.myocardium, drawn.myocardium, strict=True)])


@pytest.fixture(scope="module")
def phantom():
    return reader_slice(9, pictures=True).slice


def test_from_end_diastole_and_end_systole(phantom):
    drawn = (0, end_systole(phantom))
    fractions = []
    result = carry_contours(keep_only(phantom, drawn), on_progress=fractions.append)
    overlap = overlaps(result, phantom)
    assert overlap[~result.drawn].mean() > 0.92
    assert np.flatnonzero(result.drawn).tolist() == list(drawn)
    for t in drawn:
        assert np.array_equal(result.slice.myocardium[t], phantom.myocardium[t])
    assert "drawn at 2 frames" in result.note.text
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    still = np.mean([dice(phantom.myocardium[0], m) for m in phantom.myocardium[1:]])
    assert overlap[~result.drawn].mean() > still + 0.05


def test_from_end_diastole_alone_the_assumption_is_noted(phantom):
    result = carry_contours(keep_only(phantom, (0,)))
    assert "assumed" in result.note.text
    assert overlaps(result, phantom)[1:].mean() > 0.85
    assert all(shape.is_closed for shape in SliceShapes.of(result.slice).shapes)


def test_without_the_cine_it_is_refused(phantom):
    with pytest.raises(LaMoDInputError, match="--cine"):
        carry_contours(keep_only(replace(phantom, cine=None), (0, 9)))
    with pytest.raises(LaMoDInputError, match="no frame is drawn"):
        carry_contours(keep_only(phantom, ()))


@pytest.mark.skipif(not (DATA / "cine_biv_me").is_dir(), reason="the real series (../shared/data) are not here")
def test_on_the_real_series():
    folder = DATA / "cine_biv_me"
    slice_ = load_case(folder / "Se3_labels.nii.gz", cine=folder / "dicom/Se3").slices[0]
    result = carry_contours(keep_only(slice_, (0, end_systole(slice_))))
    assert overlaps(result, slice_)[~result.drawn].mean() > 0.93


@pytest.fixture
def files(tmp_path):
    """A cine of 25 frames and masks at frames 0 and 9 of it, or at 0 alone."""
    affine = stack_affine(slices=1)
    labels = heart_labels(affine, slices=1)
    write_nifti(tmp_path / "cine.nii", heart_cine(labels), affine)
    write_nifti(tmp_path / "two.nii", labels[[0, 9]], affine)
    write_nifti(tmp_path / "one.nii", labels[:1], affine)
    some = np.zeros_like(labels)
    some[[0, 9]] = labels[[0, 9]]
    write_nifti(tmp_path / "some.nii", some, affine)
    return tmp_path, labels[:, 0] == 2


@pytest.mark.parametrize(
    ("name", "frames", "least"), [("two.nii", (0, 9), 0.93), ("one.nii", None, 0.85), ("some.nii", None, 0.93)]
)
def test_predict_takes_masks_at_some_frames(files, name, frames, least):
    folder, truth = files
    case = load_case(folder / name, cine=folder / "cine.nii", mask_frames=frames)
    slice_ = case.slices[0]
    assert slice_.frames == 25
    assert np.mean([dice(a, b) for a, b in zip(slice_.myocardium, truth, strict=True)]) > least
    assert any(note.code == "contours_carried" for note in case.notes)


def test_which_frames_were_drawn_must_be_known(files):
    folder, _ = files
    with pytest.raises(LaMoDInputError, match="--mask-frames 0,9"):
        load_case(folder / "two.nii", cine=folder / "cine.nii")
    with pytest.raises(LaMoDInputError, match="do not name the 2 drawn"):
        load_case(folder / "two.nii", cine=folder / "cine.nii", mask_frames=(0, 30))
    with pytest.raises(LaMoDInputError, match="at least 8"):
        load_case(folder / "two.nii")
    with pytest.raises(LaMoDInputError, match="give the cine"):
        load_case(folder / "some.nii")
