"""DENSE and cine scans of one slice: the same heart, different scans."""

from __future__ import annotations

import numpy as np

from LaMoDCore.phantom import sample_subject
from LaMoDCore.phantom.cohort.cases import paired_cases
from LaMoDCore.phantom.cohort.pairing import dense_scan, rescanned, site_settings


def test_the_two_scans_of_a_slice() -> None:
    plane = sample_subject(3, "healthy").slices()[1]
    dense, cine = paired_cases(plane, "x", site_settings(1), (0, 0, 1), pictures=True)
    assert (dense.id, dense.paired_with, cine.paired_with) == ("x-dense", "x-cine", "x-dense")
    assert 1.2 <= cine.grid.spacing_mm[0] <= 1.8
    assert 2.6 < dense.grid.spacing_mm[0] < 2.85
    assert 25 <= cine.masks.shape[0] <= 30
    assert np.allclose(np.diff(dense.frame_times_ms), 17.0)
    assert 0.55 < dense.frame_times_ms[-1] / dense.rr_ms < 0.87
    assert dense.rr_ms != cine.rr_ms
    assert 0 < abs(dense.grid.distance_mm(cine.grid.center_lps)) <= 2.0
    assert cine.cine is not None
    assert dense.cine is None
    cavity_and_wall = cine.cine[0, 0][cine.masks_true[0, 0]].mean()  # type: ignore[index]
    assert 40 < cavity_and_wall < 200


def test_a_scan_at_another_plane_and_heart_rate_is_of_the_same_heart() -> None:
    plane = sample_subject(3, "healthy").slices()[2]
    other = rescanned(plane, along_mm=2.0, rr_ms=plane.rr_ms * 0.8)
    assert other.parameters.shape.endo.mean > plane.parameters.shape.endo.mean
    assert other.subject.timing.end_systole > plane.subject.timing.end_systole
    same = rescanned(plane)
    theta = np.arange(12) * np.pi / 6
    xy = 25 * np.stack([np.cos(theta), -np.sin(theta)], -1)
    assert np.allclose(same.displacement_mm([0.3], xy), plane.displacement_mm([0.3], xy))
    at_peak = [p.displacement_mm([p.subject.timing.end_systole], xy)[0] for p in (plane, other)]
    assert np.abs(at_peak[0] - at_peak[1]).max() < 1.5


def test_sites_differ_and_scans_are_repeatable() -> None:
    assert site_settings(0) != site_settings(1)
    plane = sample_subject(3, "healthy").slices()[0]
    first, second = (dense_scan(plane, site_settings(0), (1, 2, 3)) for _ in range(2))
    assert np.array_equal(first.grid.ijk_to_lps, second.grid.ijk_to_lps)
