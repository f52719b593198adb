"""The flag: quiet on what it knows, awake to what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from turning_ring import ring_slice

from LaMoDCore.evaluation.scoring import roc_auc
from LaMoDCore.networks.ring_basis import RingCoordinates
from LaMoDCore.preprocessing import to_canonical
from LaMoDCore.uncertainty.descriptors import descriptors
from LaMoDCore.uncertainty.familiarity import Familiarity


def test_limit_leaves_the_wanted_share_of_unseen_slices_above_it() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((30, 30))
    known = rng.standard_normal((600, 30)) @ mixing
    flag = Familiarity(30)
    flag.fit(known[:400], known[400:500], false_alarms=0.05)
    scores = flag.scores(known[500:])
    assert scores.mean() == pytest.approx(1.0, abs=0.2) and (scores > float(flag.limit)).mean() < 0.15
    strange = known[500:] + 8 * mixing[0]
    assert roc_auc(np.concatenate([scores, flag.scores(strange)]), np.arange(200) >= 100) > 0.95
    judged = flag.judge(strange[0])
    assert judged.flagged and f"{judged.score:.2f}" in judged.sentence


def test_what_is_not_finite_is_strange_not_an_error() -> None:
    rng = np.random.default_rng(0)
    flag = Familiarity(5)
    flag.fit(rng.standard_normal((100, 5)), rng.standard_normal((50, 5)))
    assert flag.judge(np.array([np.nan, np.inf, 0, 0, 0])).flagged


def told(masks: np.ndarray) -> np.ndarray:
    where = 28 * np.exp(2j * np.pi * np.arange(24) / 24)
    return descriptors(masks, RingCoordinates.of(masks[0]), np.zeros((4, 20, 16)), where, np.zeros((40, 24), complex))


def test_descriptors_change_with_size_time_and_shape_but_not_with_nothing() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    same = told(to_canonical(ring_slice(frames=30, turned=0.5)).occupancy)
    reference = told(usual)
    assert reference.dtype == np.float32 and np.isfinite(reference).all()
    larger = told(to_canonical(ring_slice(frames=30, inner=30.0)).occupancy)
    late = told(np.concatenate([usual[:1], np.repeat(usual[1:21], 2, axis=0)[:39]]))
    two = told(np.maximum(usual, np.roll(usual, 40, axis=2)))
    apart = np.abs(same - reference).max()
    for other in (larger, late, two):
        assert np.abs(other - reference).max() > 5 * apart
