"""Fixes change only what they describe, and repaired files keep the format of the input."""

from __future__ import annotations

import gzip
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))

from heart_files import heart_labels, stack_affine, write_folder, write_nifti, write_nrrd_4d, write_sequence

from LaMoDCore.cli import main
from LaMoDCore.contours.check import check_slice
from LaMoDCore.contours.findings import Fault
from LaMoDCore.contours.fixes import drop_islands, fill_holes, smooth
from LaMoDCore.contours.missing_frames import fill_missing_frames, gaps_to_fill
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.labels import LabelMap
from LaMoDCore.io.files.rewrite import relabelled, write_like
from LaMoDCore.runtime.errors import LaMoDInputError
from Testing.Core.contours.planted_faults import PLANTERS, reader_slice


@pytest.fixture(scope="module")
def drawn():
    return reader_slice(3)


def kinds_at(slice_, frame):
    return {f.fault for f in check_slice(slice_) if f.frame == frame}


@pytest.mark.parametrize(("fault", "fix"), [(Fault.ISLAND, drop_islands), (Fault.HOLE, fill_holes)])
def test_islands_and_holes_are_fixed_and_the_rest_is_unchanged(drawn, fault, fix):
    faulty = PLANTERS[fault](drawn, 9, np.random.default_rng(1))
    repaired = fix(faulty)
    assert np.array_equal(repaired, drawn.slice.myocardium)
    assert not np.array_equal(faulty.myocardium, repaired)  # the slice itself is unchanged
    assert np.array_equal(fix(drawn.slice), drawn.slice.myocardium)


def test_a_large_piece_is_kept(drawn):
    faulty = PLANTERS[Fault.PIECES](drawn, 9, np.random.default_rng(1))
    assert np.array_equal(drop_islands(faulty), faulty.myocardium)


def test_smoothing_keeps_end_diastole_and_end_systole_and_removes_a_jump(drawn):
    faulty = PLANTERS[Fault.THICKNESS_JUMP](drawn, 15, np.random.default_rng(2))
    assert Fault.THICKNESS_JUMP in kinds_at(faulty, 15)
    repaired = smooth(faulty, keep=(0, 9), strength=4.0)
    for kept in (0, 9):
        assert np.array_equal(repaired[kept], faulty.myocardium[kept])
    before = dice(faulty.myocardium[15], drawn.slice.myocardium[15])
    assert dice(repaired[15], drawn.slice.myocardium[15]) > before + 0.02
    assert Fault.THICKNESS_JUMP not in kinds_at(replace(faulty, myocardium=repaired), 15)


def test_a_missing_frame_is_filled_and_a_long_gap_is_not():
    drawn = reader_slice(8).slice
    holed = drawn.myocardium.copy()
    holed[6] = False
    repaired = fill_missing_frames(replace(drawn, myocardium=holed))
    assert dice(repaired[6], drawn.myocardium[6]) > 0.93
    assert np.array_equal(np.delete(repaired, 6, axis=0), np.delete(drawn.myocardium, 6, axis=0))
    holed[10:16] = False
    holed[6] = drawn.myocardium[6]
    assert np.array_equal(fill_missing_frames(replace(drawn, myocardium=holed)), holed)


def test_gaps_to_fill_are_short_and_lie_between_drawn_frames():
    drawn = np.ones(12, dtype=bool)
    assert gaps_to_fill(drawn) == []
    drawn[[0, 5, 6, 11]] = False
    assert gaps_to_fill(drawn) == [(4, 7), (10, 13)], "the cycle is periodic"
    assert gaps_to_fill(drawn, longest_gap=1) == []
    drawn[:] = False
    drawn[3] = True
    assert gaps_to_fill(drawn, longest_gap=20) == []


def test_pixels_that_leave_the_wall_become_cavity_inside_and_background_outside():
    labels = heart_labels(stack_affine(), frames=8)[:, 1]
    meaning = LabelMap(2, 3, 1)
    wall = labels == 2
    thinner = wall.copy()
    thinner[3] &= np.roll(wall[3], 2, axis=1)
    new = relabelled(labels, thinner, meaning)
    assert np.array_equal(new == 2, thinner)
    assert np.array_equal(new == 1, labels == 1)
    assert set(np.unique(new[3][wall[3] & ~thinner[3]])) <= {0, 3}
    assert np.array_equal(np.delete(new, 3, axis=0), np.delete(labels, 3, axis=0))


def test_a_scar_within_a_repaired_wall_keeps_its_label():
    labels = heart_labels(stack_affine(), frames=8)[:, 1]
    wall = labels == 2
    labels[wall & (np.arange(labels.shape[2]) > 55)] = 4
    thicker = wall | np.roll(wall, 1, axis=1)
    new = relabelled(labels, thicker, LabelMap(2, 3, 1, (4,)))
    assert np.array_equal(np.isin(new, (2, 4)), thicker)
    assert np.array_equal(new[wall], labels[wall])


WRITERS = {
    "m.nii": write_nifti,
    "m.nrrd": write_nrrd_4d,
    "m.seq.nrrd": write_sequence,
    "folder": write_folder,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_repaired_file_differs_from_the_original_only_in_its_voxels(tmp_path, name):
    affine = stack_affine()
    labels = heart_labels(affine, frames=10)
    WRITERS[name](tmp_path / name, labels, affine)
    repaired = labels.copy()
    repaired[4, 1] = 0
    write_like(tmp_path / name, tmp_path / f"new-{name}", repaired)
    before, after = read_images(tmp_path / name)[0], read_images(tmp_path / f"new-{name}")[0]
    assert np.array_equal(after.frames, repaired)
    assert np.array_equal(before.frames, labels)
    assert np.array_equal(before.ijk_to_lps, after.ijk_to_lps)
    assert after.metadata == before.metadata
    assert after.frames.dtype == before.frames.dtype
    write_like(tmp_path / name, tmp_path / f"same-{name}", labels)
    if (tmp_path / name).is_file() and name != "m.nrrd":  # ITK's own gzip differs by its compression level
        assert (tmp_path / f"same-{name}").read_bytes() == (tmp_path / name).read_bytes()
    with pytest.raises(LaMoDInputError, match="the original is kept"):
        write_like(tmp_path / name, tmp_path / f"new-{name}", repaired)


@pytest.mark.parametrize(("name", "compressed"), [("m.nii.gz", False), ("m.nii", True)])
def test_a_file_whose_name_contradicts_its_compression_is_written_as_named(tmp_path, name, compressed):
    affine = stack_affine((36, 40), (3.0, 3.0), slices=1)
    labels = heart_labels(affine, (36, 40), slices=1, frames=8)
    write_nifti(tmp_path / name, labels, affine)
    if compressed:
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    repaired = labels.copy()
    repaired[4] = 0
    write_like(tmp_path / name, tmp_path / f"new-{name}", repaired)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"new-{name}"))), repaired)


def test_labels_that_exceed_the_data_type_are_refused(tmp_path):
    affine = stack_affine()
    labels = heart_labels(affine, frames=10)
    image = sitk.JoinSeries([sitk.GetImageFromArray(frame.astype(np.uint8)) for frame in labels])
    sitk.WriteImage(image, str(tmp_path / "m.nii.gz"))
    with pytest.raises(LaMoDInputError, match="cannot hold"):
        write_like(tmp_path / "m.nii.gz", tmp_path / "n.nii.gz", labels.astype(np.int32) + 300)


def test_the_command_repairs_and_keeps_the_format(tmp_path, capsys):
    affine = stack_affine()
    labels = heart_labels(affine, frames=10)
    labels[4, 1, 2:4, 2:4] = 2  # an island
    path = tmp_path / "m.nii"
    write_nifti(path, labels, affine)
    before = path.read_bytes()
    words = ["check", str(path), "--fix", "islands,holes", "--labels", "myo=2,lv=3,rv=1"]
    assert main(words) == 1
    assert "--out" in capsys.readouterr().err
    assert main([*words, "--out", str(tmp_path / "out")]) == 3
    assert "repaired frames 4 (4 pixels)" in capsys.readouterr().out
    expected = labels.copy()
    expected[4, 1, 2:4, 2:4] = 0
    repaired = read_images(tmp_path / "out" / "repaired_m.nii")[0]
    assert np.array_equal(repaired.frames, expected)
    assert path.read_bytes() == before
    assert main([*words[:2], "--fix", "everything", "--out", str(tmp_path / "other")]) == 2
