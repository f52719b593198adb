"""Mirrored hearts and wrong direction matrices are noticed; hearts that are merely turned are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.heart.case import Motion, SliceMotion, StrainResult
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.pose import contradictions, tapers_towards_base, turn_degrees, unusual_axis
from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.results.segments_csv import read_segments_csv, write_segments_csv
from LaMoDCore.strain import slice_strain, summarise
from Testing.Core.heart.turned_heart import AXES, CENTER_LPS, OUTER_MM, directions, grid_across, slice_of

#: What a wrong direction matrix, or dextrocardia, does to the position of every pixel.
MIRRORS = {
    "dextrocardia": np.diag([-1.0, 1.0, 1.0]),
    "RAS as LPS": np.diag([-1.0, -1.0, 1.0]),
}


def moved(slice_, matrix):
    """The same arrays with another direction matrix; the slice's centre stays."""
    affine = np.array(slice_.grid.ijk_to_lps)
    affine[:3, :3] = matrix @ affine[:3, :3]
    affine[:3, 3] = CENTER_LPS + matrix @ (slice_.grid.ijk_to_lps[:3, 3] - CENTER_LPS)
    return replace(slice_, grid=SliceGrid(slice_.grid.shape, affine))


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("turn", [-60, -30, 0, 30, 60])
def test_turned_hearts_keep_their_names(axis, turn):
    found = directions(AXES[axis], turn)
    slice_ = slice_of(grid_across(AXES[axis]), found["septum"], frames=1)
    assert contradictions([slice_], 0) == []
    assert unusual_axis([slice_]) is None


@pytest.mark.parametrize("axis", ["usual", "real", "vertical", "left"])
@pytest.mark.parametrize("turn", [-20, 0, 20])
@pytest.mark.parametrize("mirror", MIRRORS)
def test_mirrored_hearts_are_noticed(axis, turn, mirror):
    found = directions(AXES[axis], turn)
    slice_ = moved(slice_of(grid_across(AXES[axis]), found["septum"], frames=1), MIRRORS[mirror])
    assert [each.code for each in contradictions([slice_], 0)] == ["orientation_contradicted"]
    without = replace(slice_, right_ventricle=None)
    ends = [CENTER_LPS + MIRRORS[mirror] @ (OUTER_MM * found[f"{w} insertion"]) for w in ("anterior", "inferior")]
    assert contradictions([without], 0, np.stack(ends))
    assert contradictions([without], 0) == []
    assert turn_degrees([without], 0) is None


@pytest.mark.parametrize("mirror", [*MIRRORS.values(), np.diag([1.0, -1.0, 1.0]), np.diag([1.0, 1.0, -1.0])])
def test_the_axis_of_a_mirrored_heart_is_unusual(mirror):
    slice_ = slice_of(grid_across(AXES["real"]), directions(AXES["real"], 0)["septum"], frames=1, with_rv=False)
    assert unusual_axis([moved(slice_, mirror)]).code == "axis_unusual"


def test_a_ventricle_that_grows_towards_the_apex_is_noticed():
    axis, septum = AXES["real"], directions(AXES["real"], 0)["septum"]
    shrinking = [
        slice_of(grid_across(axis, depth_mm=12.0 * k), septum, frames=1, shrink=1.0 - 0.1 * k) for k in range(5)
    ]
    assert not tapers_towards_base(shrinking, 0)
    growing = [
        slice_of(grid_across(axis, depth_mm=-12.0 * k), septum, frames=1, shrink=1.0 - 0.1 * k) for k in range(5)
    ]
    assert tapers_towards_base(growing[::-1], 0)
    assert not tapers_towards_base(growing[:3], 0)


@pytest.fixture(scope="module")
def mirrored_case(tmp_path_factory):
    path = tmp_path_factory.mktemp("mirrored") / "masks.seq.nrrd"
    septum = directions(AXES["real"], 0)["septum"]
    slice_ = moved(slice_of(grid_across(AXES["real"]), septum), MIRRORS["dextrocardia"])
    labels = np.where(slice_.myocardium, 2, np.where(slice_.right_ventricle, 1, 0)).astype(np.uint8)[:, None]
    write_seq_nrrd(path, labels, slice_.grid.ijk_to_lps, slice_.frame_times_ms)
    return load_case(path, labels="myo=2,rv=1")


def test_segments_of_a_mirrored_heart_have_numbers_but_no_names(mirrored_case, tmp_path):
    case = mirrored_case
    assert not case.walls_known
    first = case.notes[0]
    assert (first.code, first.severity) == ("orientation_contradicted", "error")
    motion = SliceMotion(np.zeros((case.frames, 2, *case.slices[0].grid.shape), np.float32))
    strain = slice_strain(case.slices[0], motion, 0, case.rv_insertion_lps, walls_known=case.walls_known)
    assert strain.segment_names == tuple(f"segment {n}" for n in range(1, 7))
    assert strain.segment_aha == (None,) * 6
    summary = summarise(case, [strain], 4)
    assert [row["aha"] for row in summary["slices"][0]["segments"]] == [None] * 6
    write_segments_csv(StrainResult(case, Motion((motion,)), (strain,), 4, summary), tmp_path / "segments.csv")
    rows = read_segments_csv(tmp_path / "segments.csv")
    assert {row.name for row in rows} == set(strain.segment_names)
    assert {row.aha for row in rows} == {None}
