"""Findings carry the place of their fault: the island, the hole, the gap, the part of the wall."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.contours.check import check_contours, check_slice, check_steps
from LaMoDCore.contours.findings import Fault
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from Testing.Core.contours.planted_faults import PLANTERS, reader_slice

SPACING = (1.5, 1.25)
FRAMES = 8


def ring(center=(30, 34), inner=10.0, outer=16.0, shape=(64, 72)):
    rows, columns = np.indices(shape)
    radius = np.hypot(rows - center[0], columns - center[1])
    return (radius >= inner) & (radius <= outer)


def slice_of(mask, frame=3):
    """A steady ring whose contour differs in one frame."""
    affine = np.diag([SPACING[0], SPACING[1], 8.0, 1.0])
    affine[:3, 3] = [5.0, -7.0, 11.0]
    masks = np.repeat(ring()[None], FRAMES, axis=0)
    masks[frame] = mask
    times = np.arange(FRAMES) * 40.0
    return CineSlice("ring", SliceGrid(mask.shape, affine), masks, times, rr_ms=320.0)


def only(slice_, fault, frame=3):
    (found,) = [f for f in check_slice(slice_) if f.fault is fault and f.frame == frame]
    return found


def covers(place, row, column):
    return np.hypot((place.pixel[0] - column) * SPACING[0], (place.pixel[1] - row) * SPACING[1]) <= place.radius_mm


def test_each_island_has_a_circle():
    mask = ring()
    mask[5:7, 5:7] = mask[50, 60:63] = True
    places = only(slice_of(mask), Fault.ISLAND).places
    assert [place.pixel for place in places] == [(5.5, 5.5), (61.0, 50.0)]
    assert covers(places[0], 5, 5)
    assert all(place.radius_mm < 5 for place in places)


def test_the_place_is_given_in_patient_coordinates():
    mask = ring()
    mask[50, 60] = True
    slice_ = slice_of(mask)
    found = only(slice_, Fault.ISLAND)
    (place,) = found.places
    assert np.allclose(place.lps_mm, [5 + 60 * 1.5, -7 + 50 * 1.25, 11])
    assert found.to_dict()["places"] == [{"pixel": [60.0, 50.0], "lps_mm": [95.0, 55.5, 11.0], "radius_mm": 2.25}]


def test_a_hole_in_the_wall_has_a_circle_but_not_the_cavity():
    mask = ring()
    mask[30, 47] = False
    (place,) = only(slice_of(mask), Fault.HOLE).places
    assert place.pixel == (47.0, 30.0)


@pytest.mark.parametrize("width", [1, 3, 9])
def test_a_gap_is_found_where_the_ring_is_open(width):
    mask = ring()
    mask[30 - width // 2 : 31 + width // 2, 34:] = False
    (place,) = only(slice_of(mask), Fault.OPEN_RING).places
    assert np.allclose(place.pixel, (47, 30), atol=3)


def test_an_oblique_leak_that_every_ray_crosses_is_found():
    rows, columns = np.indices(ring().shape)
    radius, angle = np.hypot(rows - 30, columns - 34), np.arctan2(rows - 30, columns - 34)
    leak = (np.abs(radius - (9 + 10 * angle)) < 1.2) & (np.abs(angle - 0.4) < 0.5)
    found = only(slice_of(ring() & ~leak), Fault.OPEN_RING)
    assert found.places
    assert np.hypot(found.places[0].pixel[0] - 46, found.places[0].pixel[1] - 35) < 5


def test_two_gaps_have_two_circles():
    mask = ring()
    mask[28:33, 34:] = mask[28:33, :30] = False
    findings = [f for f in check_slice(slice_of(mask)) if f.frame == 3]
    assert any(f.fault is Fault.PIECES and f.places for f in findings)


def test_walls_that_touch_have_a_circle_at_the_bridge():
    mask = ring()
    mask[30, 24:44] = True
    (place,) = only(slice_of(mask), Fault.WALLS_TOUCH).places
    assert abs(place.pixel[1] - 30) <= 1.5


def test_the_edge_of_the_image_has_a_circle():
    mask = np.roll(ring(), -18, axis=1) & (np.indices(ring().shape)[1] < 60)
    mask[30, 0] = True
    (place,) = only(slice_of(mask), Fault.BORDER).places
    assert place.pixel[0] == 0


def test_planted_faults_that_are_local_have_places_and_others_none():
    drawn = reader_slice(3)
    local = (Fault.OPEN_RING, Fault.HOLE, Fault.ISLAND, Fault.PIECES, Fault.BORDER, Fault.WALLS_TOUCH)
    for fault in (*local, Fault.THICKNESS_JUMP, Fault.CENTER_JUMP, Fault.AREA_JUMP, Fault.EMPTY):
        slice_ = replace(PLANTERS[fault](drawn, 11, np.random.default_rng([1, list(Fault).index(fault)])), cine=None)
        found = [f for f in check_slice(slice_) if f.fault is fault and f.frame == 11]
        assert found, fault
        assert bool(found[0].places) == (fault in local or fault is Fault.THICKNESS_JUMP), fault


def test_the_steps_of_a_check_end_with_its_report():
    mask = ring()
    mask[50, 60] = True
    slices = [slice_of(mask), slice_of(ring())]
    steps = list(check_steps(slices))
    assert steps[:-1] == [None, None]
    assert steps[-1] == check_contours(slices)
    assert not steps[-1].is_clean
