"""The spread of a slice: learned per mode where it depends on the descriptors, constant otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.heart.geometry import Array
from LaMoDCore.networks.slice_spread import SliceSpread

MODES = 32
#: The first modes do not follow the descriptors.
UNTOLD = 4


def slices(count: int, seed: int, dependence: float) -> tuple[Array, Array, Array]:
    """Descriptors, log standard deviations that depend on the first of them, and squared codes of that width."""
    rng = np.random.default_rng(seed)
    described = rng.standard_normal((count, 20)).astype(np.float32) * 5 + 3
    deviation = dependence * (described[:, 0] - 3) / 5
    codes = rng.standard_normal((count, MODES))
    codes[:, UNTOLD:] *= np.exp(deviation)[:, None]
    return described, deviation, codes**2


def test_factors_follow_what_tells_them() -> None:
    spread = SliceSpread(20, MODES)
    described, _, energy = slices(400, 0, dependence=0.4)
    held, deviation, held_energy = slices(100, 1, dependence=0.4)
    ridge, explained = spread.fit(described, energy, held, held_energy)
    assert ridge < 1e9 and explained > 0.6
    found = np.log(spread.factors(held))
    assert min(np.corrcoef(mode, deviation)[0, 1] for mode in found[:, UNTOLD:].T) > 0.9
    assert (held_energy / spread.factors(held) ** 2).mean() == pytest.approx(1.0, abs=0.15)


def test_modes_that_nothing_tells_keep_their_width() -> None:
    spread = SliceSpread(20, MODES)
    spread.fit(*slices(400, 0, dependence=0.4)[::2], *slices(100, 1, dependence=0.4)[::2])
    found = np.log(spread.factors(slices(100, 2, dependence=0.4)[0]))
    assert found[:, :UNTOLD].std(axis=0).max() < 0.4 * found[:, UNTOLD:].std(axis=0).min()


def test_factors_are_one_where_nothing_tells_them() -> None:
    spread = SliceSpread(20, MODES)
    described, _, energy = slices(400, 0, dependence=0.0)
    held, _, held_energy = slices(100, 1, dependence=0.0)
    _, explained = spread.fit(described, energy, held, held_energy)
    assert abs(explained) < 0.1
    assert spread.factors(held).mean() == pytest.approx(1.0, abs=0.05)
    assert np.log(spread.factors(held)).std() < 0.1


def test_modes_of_nothing_keep_their_unit() -> None:
    spread = SliceSpread(20, MODES)
    described, _, energy = slices(40, 0, dependence=0.4)
    held, _, held_energy = slices(20, 1, dependence=0.4)
    energy[:, -5:] = held_energy[:, -5:] = 0
    spread.fit(described, energy, held, held_energy)
    np.testing.assert_array_equal(spread.factors(held)[:, -5:], 1.0)


def test_wild_descriptors_give_bounded_factors() -> None:
    spread = SliceSpread(20, MODES)
    described, _, energy = slices(400, 0, dependence=0.4)
    spread.fit(described, energy, *slices(100, 1, dependence=0.4)[::2])
    wild = np.full((3, 20), [[1e9], [-np.inf], [np.nan]], dtype=np.float32)
    assert ((spread.factors(wild) > 0.1) & (spread.factors(wild) < 10)).all()


def test_they_change_nothing_before_they_are_fitted() -> None:
    np.testing.assert_array_equal(SliceSpread(20, MODES).factors(slices(5, 0, dependence=1.0)[0]), 1.0)
