"""Without a label or a point, the right ventricle's blood in the cine gives the start of segments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.heart.rv_in_cine import insertion_from_cine
from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.strain.segments import label_segments
from Testing.Core.heart.turned_heart import AXES, CENTER_LPS, OUTER_MM, RV_MM, directions, grid_across, slice_of, unit


def with_cine(slice_, fat_lps=None):
    """Bright blood in both ventricles, dark muscle, grey surroundings, noise, and fat of 5 mm on one side."""
    rows, columns = np.indices(slice_.grid.shape)
    arm = slice_.grid.vectors_from_lps(slice_.grid.pixel_to_lps(np.stack([columns, rows], axis=-1)) - CENTER_LPS)
    radius = np.hypot(arm[..., 0], arm[..., 1])
    picture = np.full(slice_.grid.shape, 60.0)
    picture[radius < OUTER_MM] = 200.0
    picture[slice_.right_ventricle[0]] = 200.0
    if fat_lps is not None:
        toward = slice_.grid.vectors_from_lps(fat_lps)
        near = (arm @ toward) / np.maximum(radius * np.linalg.norm(toward), 1e-9) > 0.7
        picture[near & (radius >= OUTER_MM) & (radius < OUTER_MM + 5)] = 260.0
    cine = np.where(slice_.myocardium, 50.0, picture) + np.random.default_rng(0).normal(0, 8, slice_.myocardium.shape)
    return replace(slice_, cine=cine.astype(np.float32), right_ventricle=None)


def off_degrees(point, direction):
    return float(np.degrees(np.arccos(np.clip(unit(np.asarray(point) - CENTER_LPS) @ unit(direction), -1, 1))))


@pytest.mark.parametrize("axis", ["real", "vertical", "horizontal"])
@pytest.mark.parametrize(("turn", "flip"), [(-45, False), (0, True), (45, False)])
def test_blood_next_to_the_wall_beats_the_default(axis, turn, flip):
    found = directions(AXES[axis], turn)
    slice_ = with_cine(slice_of(grid_across(AXES[axis], flip=flip), found["septum"]), fat_lps=found["lateral wall"])
    point, note = insertion_from_cine([slice_], 0)
    assert note.code == "insertion_from_cine"
    assert off_degrees(point, found["anterior insertion"]) < 12
    assert abs(np.linalg.norm(point - CENTER_LPS) - OUTER_MM) < 2
    default = label_segments(slice_.myocardium[0], slice_.grid, "mid")
    at = slice_.grid.angles_from_apex(slice_.grid.vectors_from_lps(found["anterior insertion"]))
    if turn < 0:
        assert abs(np.degrees(np.angle(np.exp(1j * (default.insertion_angle - at))))) > 60


def test_a_case_with_a_cine_uses_it_and_a_point_takes_precedence(tmp_path):
    found = directions(AXES["real"], -45)
    slice_ = with_cine(slice_of(grid_across(AXES["real"]), found["septum"]))
    affine, times = slice_.grid.ijk_to_lps, slice_.frame_times_ms
    write_seq_nrrd(tmp_path / "masks.seq.nrrd", slice_.myocardium[:, None].astype(np.uint8), affine, times)
    write_seq_nrrd(tmp_path / "cine.seq.nrrd", slice_.cine[:, None], affine, times)
    case = load_case(tmp_path / "masks.seq.nrrd", cine=tmp_path / "cine.seq.nrrd")
    assert off_degrees(case.rv_insertion_lps, found["anterior insertion"]) < 12
    assert "insertion_from_cine" in {note.code for note in case.notes}
    assert load_case(tmp_path / "masks.seq.nrrd").rv_insertion_lps is None
    point = CENTER_LPS + OUTER_MM * found["anterior insertion"]
    given = load_case(tmp_path / "masks.seq.nrrd", cine=tmp_path / "cine.seq.nrrd", rv_insertion_lps=point)
    assert np.array_equal(given.rv_insertion_lps, point)
    assert "insertion_from_cine" not in {note.code for note in given.notes}


def test_pictures_without_bright_blood_are_not_used():
    found = directions(AXES["real"], 0)
    plain = slice_of(grid_across(AXES["real"]), found["septum"])
    bright = with_cine(plain)
    assert insertion_from_cine([replace(plain, right_ventricle=None)], 0) is None
    assert insertion_from_cine([replace(bright, cine=260.0 - bright.cine)], 0) is None  # black blood
    noise = np.random.default_rng(1).normal(100, 20, bright.cine.shape).astype(np.float32)
    assert insertion_from_cine([replace(bright, cine=noise)], 0) is None
    without = with_cine(replace(plain, right_ventricle=np.zeros_like(plain.right_ventricle)))
    assert insertion_from_cine([without], 0) is None
    assert RV_MM > 9  # the band that is sampled


def test_the_slices_of_a_heart_agree_on_one_point():
    axis = AXES["real"]
    found = directions(axis, 30)
    slices = [with_cine(slice_of(grid_across(axis, depth_mm=10.0 * k), found["septum"])) for k in range(3)]
    apex = with_cine(slice_of(grid_across(axis, depth_mm=30.0), directions(axis, -60)["septum"]))
    point, _ = insertion_from_cine([*slices, replace(apex, level="apex")], 0)
    flat = point - ((point - CENTER_LPS) @ unit(axis)) * unit(axis)
    assert off_degrees(flat, found["anterior insertion"]) < 8
