from dataclasses import replace

import numpy as np
import pytest
from long_axis_files import FRAMES, RR_MS, times, write_masks
from long_axis_shapes import ANGLES, CENTER_LPS, beat

from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS, SliceGrid
from LaMoDCore.heart.notes import grouped, note
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.strain.long_axis.short_axis import slice_positions, with_measured_levels

#: Middle of the annulus and length of the cavity at end-diastole; see `beat`.
ANNULUS_LPS = CENTER_LPS - 25.0 * BASE_TO_APEX_LPS
LENGTH_MM = 85.0


def short_axis(depth, beside=0.0):
    """A ring in the plane at this depth below the annulus."""
    normal = -BASE_TO_APEX_LPS
    x = np.cross(normal, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = 2 * x, 2 * y, 8 * normal
    affine[:3, 3] = ANNULUS_LPS + depth * BASE_TO_APEX_LPS - 2 * 31.5 * (x + y) + beside * x
    rows, columns = np.mgrid[:64, :64] - 31.5
    radius = 2 * np.hypot(rows, columns)
    ring = (radius > 20) & (radius < 30)
    return CineSlice(f"at {depth}", SliceGrid((64, 64), affine), np.stack([ring] * FRAMES), times(), RR_MS)


def case_of(*depths, **keywords):
    proposed = note("levels_proposed", "Levels were proposed.")
    return Case(tuple(short_axis(d, **keywords) for d in depths), notes=(proposed,))


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    return load_long_axis([write_masks(folder / f"{kind}.seq.nrrd", kind) for kind in ANGLES]).views


def codes(case):
    return [each.code for each in case.notes]


def test_levels_are_thirds_between_annulus_and_apex(views):
    case, positions = with_measured_levels(case_of(20.0, 45.0, 70.0), views)
    assert [s.level for s in case.slices] == ["base", "mid", "apex"]
    assert all(s.level_known for s in case.slices)
    assert [p.depth_mm for p in positions] == pytest.approx([20, 45, 70], abs=1.5)
    assert [p.fraction for p in positions] == pytest.approx(np.array([20, 45, 70]) / LENGTH_MM, abs=0.03)
    assert max(p.from_axis_mm for p in positions) < 2.0
    assert codes(case) == ["levels_measured"]


def test_two_slices_are_not_always_base_and_mid(views):
    case, _ = with_measured_levels(case_of(48.0, 75.0), views)
    assert [s.level for s in case.slices] == ["mid", "apex"]


def test_given_levels_are_kept_and_contradictions_noted(views):
    given = case_of(20.0, 45.0)
    given = replace(given, slices=tuple(replace(s, level="mid", level_known=True) for s in given.slices))
    first = replace(given, slices=(replace(given.slices[0], level_given=True), *given.slices[1:]))
    assert [s.level for s in with_measured_levels(first, views)[0].slices] == [given.slices[0].level, "mid"]
    case, _ = with_measured_levels(given, views, levels_given=True)
    assert [s.level for s in case.slices] == ["mid", "mid"]
    assert [n.slice for n in case.notes if n.code == "levels_contradicted"] == [1]


def test_exchanged_base_and_apex_are_put_in_order(views):
    stack = case_of(70.0, 45.0, 20.0)
    stack = replace(stack, notes=(note("not_short_axis", "Doubtful.", slice=1),))
    case, positions = with_measured_levels(stack, views)
    assert [s.name for s in case.slices] == ["at 20.0", "at 45.0", "at 70.0"]
    assert [s.level for s in case.slices] == ["base", "mid", "apex"]
    assert positions[0].depth_mm == pytest.approx(20, abs=1.5)
    assert not case.walls_known and case.notes[0].code == "base_apex_exchanged"
    assert [n.slice for n in case.notes if n.code == "not_short_axis"] == [3]


def test_descent_of_the_annulus_and_a_slice_that_leaves(views):
    _, _, _, base, shift = (np.array(each) for each in zip(*beat(FRAMES), strict=True))
    descent = (shift - base) - (shift[0] - base[0])
    case, positions = with_measured_levels(case_of(6.0, 45.0), views)
    assert positions[0].outside.tolist() == (descent > 6.0).tolist()
    assert not positions[1].outside.any()
    leaving = [n for n in case.notes if n.code == "slice_leaves_ventricle"]
    assert [(n.slice, n.frame) for n in leaving] == [(1, t) for t in np.flatnonzero(positions[0].outside)]
    assert len(grouped(leaving)) == 1
    assert positions[0].descent_mm.max() > positions[1].descent_mm.max() + 2.0
    assert 0 <= descent.max() - positions[0].descent_mm.max() < 3.0


def test_slices_elsewhere_are_noted(views):
    case, _ = with_measured_levels(case_of(20.0, 110.0), views)
    assert [n.slice for n in case.notes if n.code == "slice_outside_ventricle"] == [2]
    far, positions = with_measured_levels(case_of(20.0, 45.0, beside=80.0), views)
    assert positions == []
    assert codes(far) == ["levels_proposed", "slice_outside_ventricle"]
    assert not any(s.level_known for s in far.slices)


def test_a_slice_along_the_long_axis_has_no_depth(views):
    slice_ = short_axis(45.0)
    along = SliceGrid(slice_.grid.shape, slice_.grid.ijk_to_lps[:, [2, 1, 0, 3]])
    stack = Case((replace(slice_, grid=along),))
    position = slice_positions(stack, views)[0]
    assert np.isnan(position.depth_mm) and np.isnan(position.descent_mm).all()
    assert position.level == slice_.level and not position.outside.any()
    case, positions = with_measured_levels(stack, views)
    assert positions == [] and codes(case) == ["slice_outside_ventricle"]


def test_levels_are_not_measured_without_positions(views):
    lost = note("orientation_unknown", "The masks have no orientation.")
    for case, seen in (
        (case_of(20.0, 45.0), [replace(views[0], located=False), *views[1:]]),
        (replace(case_of(20.0, 45.0), notes=(lost,)), views),
    ):
        found, positions = with_measured_levels(case, seen)
        assert positions == [] and codes(found)[-1] == "short_axis_not_compared"
        assert not any(s.level_known for s in found.slices)
