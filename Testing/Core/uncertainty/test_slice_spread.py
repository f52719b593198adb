"""A slice's own spread: learned where descriptors tell it, left alone where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.geometry import Array
from LaMoDCore.networks.slice_spread import SliceSpread

MODES = 32


def slices(count: int, seed: int, told: float) -> tuple[Array, Array, Array]:
    """Descriptors, log standard deviations that the first of them tells, and mean squares of codes so wide."""
    rng = np.random.default_rng(seed)
    described = rng.standard_normal((count, 20)).astype(np.float32) * 5 + 3
    deviation = told * (described[:, 0] - 3) / 5
    codes = rng.standard_normal((count, MODES)) * np.exp(deviation)[:, None]
    return described, deviation, (codes**2).mean(axis=1)


def test_factor_follows_what_tells_it() -> None:
    spread = SliceSpread(20)
    described, _, energy = slices(400, 0, told=0.4)
    held, deviation, held_energy = slices(100, 1, told=0.4)
    ridge, explained = spread.fit(described, energy, held, held_energy)
    assert ridge < 1e9 and explained > 0.6
    found = np.log(spread.factors(held))
    assert np.corrcoef(found, deviation)[0, 1] > 0.9
    assert (held_energy / spread.factors(held) ** 2).mean() == pytest.approx(1.0, abs=0.15)


def test_factor_is_one_where_nothing_tells_it() -> None:
    spread = SliceSpread(20)
    described, _, energy = slices(400, 0, told=0.0)
    held, _, held_energy = slices(100, 1, told=0.0)
    _, explained = spread.fit(described, energy, held, held_energy)
    assert abs(explained) < 0.1
    np.testing.assert_allclose(spread.factors(held), 1.0, atol=0.08)


def test_wild_descriptors_give_bounded_factors() -> None:
    spread = SliceSpread(20)
    described, _, energy = slices(400, 0, told=0.4)
    spread.fit(described, energy, *slices(100, 1, told=0.4)[::2])
    wild = np.full((3, 20), [[1e9], [-np.inf], [np.nan]], dtype=np.float32)
    assert ((spread.factors(wild) > 0.3) & (spread.factors(wild) < 3.5)).all()


def test_it_changes_nothing_before_it_is_fitted() -> None:
    np.testing.assert_array_equal(SliceSpread(20).factors(slices(5, 0, told=1.0)[0]), 1.0)
