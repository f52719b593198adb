"""Segments, sectors and layers of the AHA, seen from the apex for every orientation of the array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.strain import label_segments
from LaMoDCore.strain.frame import ventricle_center
from LaMoDCore.strain.layers import label_layers, wall_depth
from LaMoDCore.strain.segments import sector_labels
from Testing.Core.strain.shapes import incompressible_ring, short_axis_grid

CINE = Path(__file__).resolve().parents[3] / "../shared/data/cine_biv_me"
RING = incompressible_ring(off_center_mm=(0.0, 0.0)).mask


def insertion(grid, degrees):
    """LPS point on the epicardium at an angle, counter-clockwise on the screen of the untilted grid."""
    center = (np.array(grid.shape[::-1]) - 1) / 2
    arm = 37 * np.array([np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])
    return grid.pixel_to_lps(center + arm / np.asarray(grid.spacing_mm))


def label_at(labels, degrees, radius=32.0):
    center = (np.array(labels.shape[::-1]) - 1) / 2
    x, y = center + radius * np.array([np.cos(np.radians(degrees)), -np.sin(np.radians(degrees))])
    return labels[round(y), round(x)]


def test_six_segments_run_counter_clockwise_from_the_insertion():
    grid = short_axis_grid(RING.shape)
    found = label_segments(RING, grid, "mid", insertion(grid, 120))
    assert found.names == ("anteroseptal", "inferoseptal", "inferior", "inferolateral", "anterolateral", "anterior")
    assert found.aha == (8, 9, 10, 11, 12, 7)
    assert [label_at(found.labels, 120 + 30 + 60 * k) for k in range(6)] == [1, 2, 3, 4, 5, 6]
    assert not found.default_used
    sizes = np.bincount(found.labels.ravel())[1:]
    assert sizes.min() > 0.95 * sizes.max()
    assert ((found.labels > 0) == RING).all()


def test_apical_septum_spans_fifteen_to_a_hundred_and_five_degrees():
    grid = short_axis_grid(RING.shape)
    found = label_segments(RING, grid, "apex", insertion(grid, 110))
    assert found.names == ("anterior", "septal", "inferior", "lateral")
    assert found.aha == (13, 14, 15, 16)
    for start, label in ((-75, 1), (15, 2), (105, 3), (195, 4)):
        assert label_at(found.labels, 110 + start + 4) == label
        assert label_at(found.labels, 110 + start + 86) == label


@pytest.mark.parametrize("turn", [0.0, 37.0, 180.0])
@pytest.mark.parametrize("from_base", [False, True])
def test_the_same_heart_has_the_same_segments_however_it_was_exported(turn, from_base):
    upright = short_axis_grid(RING.shape)
    point = insertion(upright, 120)
    expected = label_segments(RING, upright, "base", point)
    grid = short_axis_grid(RING.shape, turn_degrees=turn, from_base=from_base)
    found = label_segments(RING, grid, "base", point)
    rows, columns = np.nonzero(RING)
    there = np.rint(upright.lps_to_pixel(grid.pixel_to_lps(np.stack((columns, rows), axis=1)))).astype(int)
    inside = RING[there[:, 1], there[:, 0]]
    same = found.labels[rows, columns][inside] == expected.labels[there[inside, 1], there[inside, 0]]
    assert same.mean() > 0.97
    assert expected.aha == (2, 3, 4, 5, 6, 1)


def test_without_an_insertion_point_a_stated_direction_and_a_warning():
    grid = short_axis_grid(RING.shape)
    found = label_segments(RING, grid, "mid")
    assert found.default_used
    # Patient right and anterior, on the screen of a slice seen from the apex: up and to the left.
    assert 100 < np.degrees(found.insertion_angle) < 155


@pytest.mark.skipif(not CINE.exists(), reason="the real cine series is not next to the checkout")
@pytest.mark.parametrize(("series", "frame_id"), [("Se3", "4"), ("Se4", "5")])
def test_the_default_is_near_the_real_insertion(series, frame_id):
    sitk = pytest.importorskip("SimpleITK")
    from LaMoDCore.heart.geometry import SliceGrid

    image = sitk.ReadImage(str(CINE / f"{series}_labels.nii.gz"))
    mask = sitk.GetArrayFromImage(image)[0, 0] == 2
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(4, 4)[:3, :3] * np.array(image.GetSpacing()[:3])
    affine[:3, 3] = image.GetOrigin()[:3]
    grid = SliceGrid(mask.shape, affine)
    lines = (CINE / "guidepoints/GPFile_000.txt").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    points = [np.array(row[:3], float) for row in rows if row[3] == "RV_INSERT" and row[4] == frame_id]
    anterior = min(points, key=lambda point: point[1])
    given = label_segments(mask, grid, "mid", anterior)
    guessed = label_segments(mask, grid, "mid")
    away = np.degrees(guessed.insertion_angle - given.insertion_angle)
    assert abs((away + 180) % 360 - 180) < 25


def test_wrong_insertion_point():
    with pytest.raises(ValueError, match="three finite numbers"):
        label_segments(RING, short_axis_grid(RING.shape), "mid", [1.0, 2.0])


def test_sectors_are_equal_and_start_at_the_insertion():
    grid = short_axis_grid(RING.shape)
    sectors = sector_labels(RING, grid, ventricle_center(RING), np.radians(90), 24)
    sizes = np.bincount(sectors.ravel(), minlength=25)[1:]
    assert sizes.min() > 0.7 * sizes.max()
    assert label_at(sectors, 90 + 7.5) == 1
    assert label_at(sectors, 90 - 7.5) == 24


def test_layers_are_thirds_of_the_wall():
    y, x = np.mgrid[:100, :100] - 49.5
    depth = wall_depth(RING, (1.0, 1.0))
    truth = (np.hypot(x, y) - 27) / 10
    assert np.abs(depth - truth)[RING].mean() < 0.06
    layers = label_layers(RING, (1.0, 1.0))
    assert (layers[RING & (truth < 0.25)] == 1).mean() > 0.95
    assert (layers[RING & (truth > 0.42) & (truth < 0.58)] == 2).mean() > 0.95
    assert (layers[RING & (truth > 0.75)] == 3).mean() > 0.95


def test_an_open_ring_has_no_layers_but_a_centre():
    open_ring = RING.copy()
    open_ring[:50, 40:60] = False
    assert not label_layers(open_ring, (1.0, 1.0)).any()
    assert np.hypot(*(np.array(ventricle_center(open_ring)) - 49.5)) < 2.0
