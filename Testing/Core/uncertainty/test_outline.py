"""Descriptors of outlines, independent of size and rotation."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.ring.outline import OUTLINE, outline

Y, X = 63.5 - np.mgrid[:128, :128][0], np.mgrid[:128, :128][1] - 63.5


def ring(radius: float = 26.0, lobes: int = 0, by: float = 0.0, turn: float = 0.0) -> np.ndarray:
    """A wall with a thickness of a third of its radius whose outlines have `lobes` bumps."""
    far = np.hypot(X, Y) / (1 + by * np.cos(lobes * (np.arctan2(Y, X) - turn)))
    return np.clip(0.5 + radius * 4 / 3 - far, 0, 1) * np.clip(0.5 + far - radius, 0, 1)


def test_size_and_turn_do_not_show() -> None:
    assert len(outline(ring(), 0)) == OUTLINE
    plain = outline(ring(24, 2, 0.1), 0)
    turned = outline(ring(24, 2, 0.1, turn=0.6), 0)
    larger = outline(ring(30, 2, 0.1), 0)
    assert turned[0] == pytest.approx(plain[0], abs=0.05) and larger[0] == pytest.approx(plain[0], abs=0.05)


@pytest.mark.parametrize(("lobes", "place"), [(2, 0), (3, 1), (4, 2), (6, 3), (8, 4)])
def test_each_harmonic_has_its_place(lobes: int, place: int) -> None:
    added = outline(ring(26, lobes, 0.08), 0)[:6] - outline(ring(26), 0)[:6]
    assert added.argmax() == place and added[place] > 1.5


def test_a_gap_and_a_second_ring_show_in_the_rays() -> None:
    whole = outline(ring(), 0)
    gap = ring()
    gap[:64, 58:70] = 0
    second = np.maximum(ring(), np.roll(ring(8), 45, axis=1))
    assert whole[-1] == pytest.approx(np.log(0.02)) and min(outline(gap, 0)[-1], outline(second, 0)[-1]) > whole[-1] + 1
    assert outline(gap, 0)[-2] < whole[-2] - 1
    assert np.isfinite(outline(np.zeros((128, 128)), 0)).all()
