"""The flag: quiet on what it knows, awake to what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from turning_ring import ring_slice

from LaMoDCore.networks.ring_basis import RingCoordinates
from LaMoDCore.preprocessing import to_canonical
from LaMoDCore.uncertainty.descriptors import DescriptorBlock, descriptor_blocks, descriptors
from LaMoDCore.uncertainty.familiarity import RESPECTS, Familiarity


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    """Slices of 30 numbers of all scales."""
    rng = np.random.default_rng(0)
    return np.asarray(rng.standard_normal((1000, 30)) * np.geomspace(0.3, 30, 30))


def block(*places: int, given: tuple[int, ...] = ()) -> DescriptorBlock:
    return DescriptorBlock(np.array(places), np.array(given, dtype=np.int64))


BLOCKS = {"size": block(0, 1), "beat": block(*range(2, 10)), "outline": block(*range(10, 29))}


def test_limit_leaves_the_wanted_share_of_unseen_slices_above_it(known: np.ndarray) -> None:
    flag = Familiarity(30)
    flag.fit(known[:400], known[400:500], false_alarms=0.05, blocks=BLOCKS)
    scores = flag.scores(known[500:])
    assert 0.01 < (scores > float(flag.limit)).mean() < 0.08
    assert all(np.mean(each > 1) < 0.04 for each in flag.distances(known[500:]).values())


def test_few_odd_numbers_show_in_their_own_respect_and_not_in_a_single_distance(known: np.ndarray) -> None:
    single, respects = Familiarity(30), Familiarity(30)
    single.fit(known[:400], known[400:500])
    respects.fit(known[:400], known[400:500], blocks=BLOCKS)
    strange = known[500:].copy()
    strange[:, 0] += 4.5 * known[:, 0].std()
    for flag, low, high in ((single, 0.0, 0.75), (respects, 0.85, 1.0)):
        assert low < (flag.scores(strange) > float(flag.limit)).mean() < high
    judged = respects.judge(strange[flag.distances(strange)["size"].argmax()])
    assert judged.flagged and judged.reasons[0] == RESPECTS["size"][0]
    assert f"in {judged.reasons[0]}" in judged.sentence and f"{judged.score:.2f}" in judged.sentence
    assert "Check the pixel size" in judged.sentence


def test_what_no_respect_looks_at_is_never_odd(known: np.ndarray) -> None:
    flag = Familiarity(30)
    flag.fit(known[:400], known[400:500], blocks=BLOCKS)
    other = known[500:].copy()
    other[:, 29] += 100
    assert flag.scores(other) == pytest.approx(flag.scores(known[500:]))


def test_size_is_judged_given_the_level() -> None:
    rng = np.random.default_rng(1)
    level = rng.integers(0, 4, 1200)  # 0: not known
    true = np.where(level > 0, level, rng.integers(1, 4, 1200))
    size = 3.5 - 0.4 * true + 0.08 * rng.standard_normal(1200)
    rows = np.column_stack([size, *(level == each for each in (1, 2, 3))]).astype(float)
    flag = Familiarity(4)
    flag.fit(rows[:800], rows[800:1000], blocks={"size": block(0, given=(1, 2, 3))})
    small = 3.5 - 0.4 * 3
    as_base, as_apex, unknown = (flag.judge(np.array([small, *told])) for told in ((1, 0, 0), (0, 0, 1), (0, 0, 0)))
    assert as_base.flagged and not as_apex.flagged and not unknown.flagged
    assert as_base.score > 1.7 * unknown.score


def test_orientation_is_judged_where_the_insertion_is_known(known: np.ndarray) -> None:
    angles = np.radians(136 + 10 * np.random.default_rng(2).standard_normal(60))
    flag, blind = Familiarity(30), Familiarity(30)
    flag.fit(known[:400], known[400:500], blocks=BLOCKS, insertion_angles=angles)
    blind.fit(known[:400], known[400:500], blocks=BLOCKS)
    usual = known[500 + int(flag.scores(known[500:]).argmin())]
    assert not flag.judge(usual).flagged and not flag.judge(usual, np.radians(165)).flagged
    upside_down = flag.judge(usual, np.radians(-136))
    assert upside_down.flagged and upside_down.reasons == (RESPECTS["orientation"][0],)
    assert not blind.judge(usual, np.radians(-136)).flagged


def test_a_file_of_a_single_distance_keeps_its_verdicts(known: np.ndarray) -> None:
    former = Familiarity(30)
    former.fit(known[:400], known[400:500])
    stored = {key: value for key, value in former.state_dict().items() if key not in ("respect", "rare", "insertion")}
    stored["whitening"] = stored["whitening"] / former.rare[0]  # their distance was not scaled
    fresh = Familiarity(30)
    fresh.load_state_dict(stored)
    assert fresh.scores(known) == pytest.approx(former.scores(known), rel=1e-4)
    judged = fresh.judge(known[0] + 30)
    assert judged.flagged and judged.reasons == () and "unlike the training data (distance" in judged.sentence
    with pytest.raises(RuntimeError, match="Missing key"):
        fresh.load_state_dict({key: value for key, value in stored.items() if key != "limit"})


def test_what_is_not_finite_is_strange_not_an_error() -> None:
    rng = np.random.default_rng(0)
    flag = Familiarity(5)
    flag.fit(rng.standard_normal((100, 5)), rng.standard_normal((50, 5)))
    assert flag.judge(np.array([np.nan, np.inf, 0, 0, 0])).flagged


def test_four_slices_are_enough_to_fit() -> None:
    rng = np.random.default_rng(0)
    flag = Familiarity(30)
    flag.fit(rng.standard_normal((4, 30)), rng.standard_normal((2, 30)), blocks=BLOCKS)
    assert np.isfinite(flag.scores(rng.standard_normal((3, 30)))).all()


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
        assert np.abs(other - reference).max() > 2.5 * apart


def test_blocks_point_at_what_they_are_named_for() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    blocks = descriptor_blocks(4)
    reference = told(usual)
    places = np.concatenate([np.concatenate([each.places, each.given]) for each in blocks.values()])
    assert len(set(places)) == len(places) and places.max() == len(reference) - 1 and set(blocks) < set(RESPECTS)

    def moved(masks: np.ndarray) -> dict[str, float]:
        apart = np.abs(told(masks) - reference)
        return {name: float(apart[each.places].max()) for name, each in blocks.items()}

    larger = moved(to_canonical(ring_slice(frames=30, inner=30.0)).occupancy)
    twice = moved(np.concatenate([usual[::2], usual[::2]]))
    square = usual.copy()
    square[:, 30:98, 30:98] = 1
    square[:, 40:88, 40:88] = 0
    assert larger["size"] > 0.1 and twice["size"] == 0
    assert twice["beat"] > 0.5 > larger["beat"] and moved(square)["outline"] > 1


def test_the_level_is_told_where_it_is_known() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    where, ring = 28 * np.exp(2j * np.pi * np.arange(24) / 24), np.zeros((4, 20, 16))
    given = descriptor_blocks(4)["size"].given
    for level, said in ((0, [0, 0, 0]), (1, [1, 0, 0]), (3, [0, 0, 1])):
        numbers = descriptors(usual, RingCoordinates.of(usual[0]), ring, where, np.zeros((40, 24), complex), level)
        assert numbers[given].tolist() == said
