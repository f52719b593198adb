"""Beats are distinguished by their form, independent of their amplitude."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.uncertainty.beat import beat_amount, beat_form, translation

TIME = np.arange(20) / 20


def squared_radius(depth: float, systole: float = 0.33) -> np.ndarray:
    """Ejection up to `systole`, followed by slower filling."""
    emptied = np.where(systole > TIME, TIME / systole, (1 - TIME) / (1 - systole))
    return (25 * np.exp(-depth * np.sin(emptied * np.pi / 2) ** 2)) ** 2


def test_form_does_not_follow_the_size_of_the_beat() -> None:
    weak, strong = squared_radius(0.4), squared_radius(0.8)
    assert beat_form(weak) == pytest.approx(beat_form(strong), abs=0.03)
    assert np.abs(beat_amount(weak, np.ones(20)) - beat_amount(strong, np.ones(20))).max() > 0.25


def test_a_reversed_beat_has_the_other_sign_and_two_beats_no_first_harmonic() -> None:
    beat = squared_radius(0.4)
    form, reversed_ = beat_form(beat), beat_form(beat[np.r_[0, 19:0:-1]])
    assert reversed_[:3] == pytest.approx(form[:3], abs=1e-9) and reversed_[3:] == pytest.approx(-form[3:], abs=1e-9)
    assert form[3] > 0.3
    twice = beat_form(np.concatenate([beat[::2], beat[::2]]))
    assert np.hypot(twice[0], twice[3]) < 1e-9
    assert np.hypot(twice[1], twice[4]) > 0.9


def test_no_motion_is_finite_and_has_no_form() -> None:
    still = np.full(20, 625.0)
    assert beat_form(still) == pytest.approx(np.zeros(6), abs=1e-12)
    assert np.isfinite(beat_amount(still, still)).all() and np.isfinite(translation(np.zeros(20, dtype=complex))).all()


def test_way_is_told_from_where_the_heart_began() -> None:
    centroid = 5 + 8j * np.sin(2 * np.pi * TIME)
    assert np.exp(translation(centroid)) - 0.3 == pytest.approx([8 / np.sqrt(2), 8], rel=0.01)
