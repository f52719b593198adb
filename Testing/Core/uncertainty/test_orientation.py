"""Angle of the RV insertion on the canonical grid, from points in the patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from turning_ring import ring_slice

from LaMoDCore.heart.geometry import SliceGrid, canonical_grid
from LaMoDCore.heart.ring.orientation import angle_between, insertion_angle, mean_angle


def test_angle_is_that_of_the_canonical_picture_however_the_slice_is_stored() -> None:
    slice_ = ring_slice(frames=2)
    rows, columns = np.nonzero(slice_.myocardium[0])
    grid = canonical_grid(slice_.grid, (columns.mean(), rows.mean()))
    point = grid.pixel_to_lps(np.array([63.5 + 30 * np.cos(2.4), 63.5 - 30 * np.sin(2.4)]))
    assert insertion_angle(slice_, 0, point) == pytest.approx(2.4, abs=0.03)
    height = slice_.grid.shape[0]
    flip = np.diag([1.0, -1.0, 1.0, 1.0])
    flip[1, 3] = height - 1
    stored = SliceGrid(slice_.grid.shape, slice_.grid.ijk_to_lps @ flip)
    other = replace(slice_, grid=stored, myocardium=slice_.myocardium[:, ::-1])
    assert insertion_angle(other, 0, point) == pytest.approx(2.4, abs=0.03)
    assert insertion_angle(slice_, 0, None) is None


def test_usual_angle_knows_that_angles_go_round() -> None:
    angles = np.pi + np.radians([-12, -6, 0, 6, 12, -9, 9, 3])
    mean, deviation = mean_angle(np.angle(np.exp(1j * angles)))
    assert abs(mean) == pytest.approx(np.pi, abs=0.02) and deviation == pytest.approx(angles.std(), rel=0.05)
    assert mean_angle(angles[:3]) == (0.0, 0.0)
    turned = angle_between(np.array([-3.0, np.nan, 1.0]), 3.0)
    assert turned[0] == pytest.approx(2 * np.pi - 6) and np.isnan(turned[1]) and turned[2] == pytest.approx(2.0)
