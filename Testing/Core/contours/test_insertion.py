"""The RV insertion point of a heart and of single slices, at which the segments start."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.cli.check import _insertions
from LaMoDCore.cli.shared.options import add_insertion_options
from LaMoDCore.contours.insertion import InsertionPoints, insertion_from_septum
from LaMoDCore.heart.case import Case, SliceMotion
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.rv_insertion import insertion_points, with_own_insertions
from LaMoDCore.io import load_case
from LaMoDCore.io.contours.guide_points import ends_of_arc
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain import slice_strain
from LaMoDCore.strain.segment_lines import border_angles, segment_centers, segment_lines
from LaMoDCore.strain.segments import label_segments
from Testing.Slicer.ring_heart import grid, heart


@pytest.fixture(scope="module")
def ring():
    return heart(frames=10)


def opposite(slice_, point):
    """A point on the other side of the ventricle."""
    shape = SliceShapes.of(slice_).shapes[0]
    center = slice_.grid.pixel_to_lps(shape.center_mm / np.array(slice_.grid.spacing_mm))
    return center + (center - point)


def test_segments_follow_the_insertion_and_one_slice_may_have_its_own(ring):
    points = InsertionPoints.found([ring])
    from_label = points.at(0, ring)
    assert np.linalg.norm(from_label - points.shared_lps) < 3.0
    before = points.segments(0, ring)
    turned = opposite(ring, points.shared_lps)
    moved = points.moved(turned)
    assert (moved.segments(0, ring).labels != before.labels).any()
    one = points.moved(turned, slice_index=1)
    assert np.array_equal(one.segments(0, ring).labels, before.labels)
    assert np.array_equal(one.segments(1, ring).labels, moved.segments(1, ring).labels)
    assert InsertionPoints().at(0, ring) is None
    with pytest.raises(ValueError, match="three finite"):
        points.moved([1, np.nan, 2])


def test_the_septum_gives_the_anterior_end(ring):
    ends = insertion_points(ring, 0)
    between = ends[0] + np.linspace(0, 1, 15)[:, None] * (ends[1] - ends[0])
    found = insertion_from_septum(np.random.default_rng(0).permutation(between), [ring])
    assert np.allclose(found, ends[0])
    assert np.allclose(InsertionPoints.found([replace(ring, right_ventricle=None)], 0, between).shared_lps, found)
    assert {tuple(np.round(p, 6)) for p in ends_of_arc(between)} == {tuple(np.round(p, 6)) for p in ends}
    with pytest.raises(ValueError, match="at least 3"):
        insertion_from_septum(between[:2], [ring])


def stack(ring):
    """Three slices 8 mm apart."""
    slices = []
    for k in range(3):
        affine = np.array(ring.grid.ijk_to_lps)
        affine[:3, 3] += k * affine[:3, 2]
        slices.append(replace(ring, name=f"slice {k + 1}", grid=replace(ring.grid, ijk_to_lps=affine)))
    return slices


def test_a_slice_with_an_open_ring_has_no_point(ring):
    """At the outflow tract, next to the RV, the ray towards the insertion never reaches the epicardium."""
    closed, other, _ = stack(ring)
    column, row = np.rint(ring.grid.lps_to_pixel(InsertionPoints.found([ring]).shared_lps)).astype(int)
    open_ = other.myocardium.copy()
    open_[:, row - 12 : row + 13, column - 12 : column + 13] = False
    points = _insertions([closed, replace(other, myocardium=open_)], 0)
    assert list(points) == [closed.name]


def test_a_slices_own_point_turns_only_its_segments(ring):
    slices = stack(ring)
    shared = InsertionPoints.found(slices).shared_lps
    own = opposite(slices[2], InsertionPoints(shared).at(2, slices[2]))
    case = Case(tuple(with_own_insertions(slices, [own], 0)), 0, shared)
    assert [s.rv_insertion_lps is None for s in case.slices] == [True, True, False]
    assert np.array_equal(case.insertion_of(case.slices[2]), own)
    assert np.array_equal(case.insertion_of(case.slices[0]), shared)
    still = SliceMotion(np.zeros((ring.frames, 2, *ring.grid.shape), np.float32))
    segments = [slice_strain(s, still, 0, shared).segment for s in case.slices]
    assert np.array_equal(segments[0], segments[1])
    expected = label_segments(ring.myocardium[0], slices[2].grid, ring.level, own).labels
    assert np.array_equal(segments[2], expected)
    assert (segments[2] != segments[0]).any()


def test_points_of_single_slices_from_a_file_and_the_command(tmp_path, ring):
    slices = stack(ring)
    own = InsertionPoints.found(slices).at(2, slices[2])
    labels = np.repeat(ring.myocardium[:, None], 3, axis=1).astype(np.uint8)
    write_seq_nrrd(tmp_path / "stack.seq.nrrd", labels, ring.grid.ijk_to_lps, ring.frame_times_ms)
    case = load_case(tmp_path / "stack.seq.nrrd", slice_insertions_lps=[own])
    chosen = [s for s in case.slices if s.rv_insertion_lps is not None]
    assert len(chosen) == 1
    assert abs(chosen[0].grid.distance_mm(own)) < 0.1
    parser = argparse.ArgumentParser()
    add_insertion_options(parser)
    assert parser.parse_args(["--slice-insertion=-1,2,3", "--slice-insertion=4,5,6"]).slice_insertion == [
        (-1.0, 2.0, 3.0),
        (4.0, 5.0, 6.0),
    ]


def test_a_point_between_slices_or_elsewhere_is_refused(ring):
    slices = stack(ring)
    on = InsertionPoints.found(slices).at(1, slices[1])
    beyond = on + 20.0 * slices[0].grid.normal * np.sign((slices[2].grid.center_lps - on) @ slices[0].grid.normal)
    with pytest.raises(LaMoDInputError, match="from the nearest slice"):
        with_own_insertions(slices, [beyond], 0)
    with pytest.raises(LaMoDInputError, match="from the myocardium"):
        with_own_insertions(slices, [on + 100], 0)


@pytest.mark.parametrize(("oblique", "level"), [(True, "mid"), (False, "mid"), (True, "apex")])
def test_lines_cross_the_wall_where_segments_begin(oblique, level):
    ring = heart(grid(oblique=oblique), frames=1)
    segments = label_segments(ring.myocardium[0], ring.grid, level, InsertionPoints.found([ring]).shared_lps)
    lines = segment_lines(segments, ring.myocardium[0], ring.grid)
    lengths = np.linalg.norm((lines[:, 1] - lines[:, 0]) * ring.grid.spacing_mm, axis=1)
    assert lines.shape == (len(segments.names), 2, 2)
    assert np.allclose(lengths, 9.0, atol=1.5)  # the ring's wall
    middles = lines.mean(axis=1)
    for s, ((x, y), angle) in enumerate(zip(middles, border_angles(segments), strict=True)):
        rows, columns = np.nonzero(np.ones_like(segments.labels, dtype=bool))
        near = np.hypot(columns - x, rows - y) < 3.0
        neighbours = set(segments.labels[rows[near], columns[near]].tolist()) - {0}
        assert neighbours == {s + 1, (s - 1) % len(segments.names) + 1}
        arm = (np.array([x, y]) - segments.center_xy) * ring.grid.spacing_mm
        assert np.cos(ring.grid.angles_from_apex(arm) - angle) > 0.999
    for s, (x, y) in enumerate(segment_centers(segments)):
        assert segments.labels[round(y), round(x)] == s + 1
