"""The flag: quiet on what it knows, awake to what it does not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import ndimage
from turning_ring import ring_slice

from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.ring.motion_basis import RingCoordinates
from LaMoDCore.uncertainty.descriptors import DescriptorGroup, Measure, descriptor_groups, descriptors
from LaMoDCore.uncertainty.rarity import GroupRarity
from LaMoDCore.uncertainty.unlike_training import WORDS, UnlikeTrainingDetector


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    """Slices of 30 numbers of all scales."""
    rng = np.random.default_rng(0)
    return np.asarray(rng.standard_normal((1000, 30)) * np.geomspace(0.3, 30, 30))


def block(*places: int, measure: Measure = "distance") -> DescriptorGroup:
    return DescriptorGroup(np.array(places), measure)


BLOCKS = {"size": block(0, 1), "beat": block(*range(2, 10)), "outline": block(*range(10, 29))}


@pytest.fixture(scope="module")
def flag(known: np.ndarray) -> UnlikeTrainingDetector:
    fitted = UnlikeTrainingDetector(BLOCKS)
    fitted.fit(known[:400], known[400:500])
    return fitted


def test_limit_leaves_the_wanted_share_of_unseen_slices_above_it(known: np.ndarray) -> None:
    flag = UnlikeTrainingDetector(BLOCKS)
    flag.fit(known[:400], known[400:500], false_alarms=0.05)
    assert 0.01 < (flag.scores(known[500:]) > float(flag.limit)).mean() < 0.08


@pytest.mark.parametrize("measure", ["distance", "excess", "density"])
def test_surprise_is_the_share_of_unseen_slices_that_are_as_odd(known: np.ndarray, measure: Measure) -> None:
    respect = GroupRarity(block(0, 1, measure=measure))
    respect.fit(known)
    unseen = np.random.default_rng(7).standard_normal((8000, 30)) * np.geomspace(0.3, 30, 30)
    surprise = respect.rarity(unseen)
    for share in (0.5, 0.1, 0.01):
        assert 0.5 * share < (surprise > -np.log10(share)).mean() < 1.7 * share
    # the tail goes on where no training slice was
    further = respect.rarity(np.outer([4.0, 5.0, 6.0], known.std(axis=0)))
    assert 2.5 < further[0] < further[1] <= further[2]


def test_few_odd_numbers_show_in_their_own_respect_and_not_in_a_single_one(
    known: np.ndarray, flag: UnlikeTrainingDetector
) -> None:
    single = UnlikeTrainingDetector({"outline": block(*range(30))})
    single.fit(known[:400], known[400:500])
    strange = known[500:].copy()
    strange[:, 0] += 4.5 * known[:, 0].std()
    for each, low, high in ((single, 0.0, 0.75), (flag, 0.85, 1.0)):
        assert low < (each.scores(strange) > float(each.limit)).mean() < high
    judged = flag.judge(strange[flag.rarities(strange)["size"].argmax()])
    assert judged.flagged and judged.reasons[0] == WORDS["size"][0]
    assert f"in {judged.reasons[0]}" in judged.sentence and judged.remedy == WORDS["size"][1]


def test_a_sentence_says_how_many_of_the_training_data_are_as_odd(
    known: np.ndarray, flag: UnlikeTrainingDetector
) -> None:
    order = flag.scores(known[500:]).argsort()
    usual = flag.judge(known[500 + order[200]])
    assert not usual.flagged and 10**usual.score == pytest.approx(float(_one_in(usual.sentence)), rel=0.2)
    wild = flag.judge(known[0] + 200)
    said = " ".join(wild.sentence.split("\N{NO-BREAK SPACE}"))
    assert wild.flagged and "less than one training slice in 1 000 000 is as unusual" in said


def _one_in(sentence: str) -> str:
    found = re.search(r"about one training slice in ([\d\s]+) is", sentence)
    assert found is not None
    return "".join(found.group(1).split())


def test_what_no_respect_looks_at_is_never_odd(known: np.ndarray, flag: UnlikeTrainingDetector) -> None:
    other = known[500:].copy()
    other[:, 29] += 100
    assert flag.scores(other) == pytest.approx(flag.scores(known[500:]))


def test_of_an_excess_only_more_is_odd(known: np.ndarray) -> None:
    more, less = (
        GroupRarity(block(0, measure="excess")),
        GroupRarity(DescriptorGroup(np.array([0]), "excess", signs=-1.0)),
    )
    for respect in (more, less):
        respect.fit(known[:500])
    high, low = (side * 5 * known.std(axis=0)[None] for side in (1, -1))
    assert more.rarity(high) > 3 and more.rarity(low) < 0.4
    assert less.rarity(low) > 3 and less.rarity(high) < 0.4


def test_of_slices_that_tie_none_is_odd() -> None:
    rows = np.where(np.arange(400) % 10 < 7, 0.0, np.arange(400) / 400)[:, None]
    respect = GroupRarity(block(0, measure="excess"))
    respect.fit(rows)
    assert respect.rarity(np.zeros((1, 1))) < 0.05 and respect.rarity(np.array([[3.0]])) > 1


def test_amplitudes_that_are_hardly_there_are_not_odd() -> None:
    rng = np.random.default_rng(3)
    logs = np.log(np.hypot(*rng.standard_normal((2, 1000))))[:, None]
    respect = GroupRarity(DescriptorGroup(np.array([0]), "excess", amplitudes=True))
    respect.fit(logs)
    assert respect.rarity(np.log([[1e-6]])) < 0.4 and respect.rarity(np.log([[6.0]])) > 3


def test_size_is_judged_among_slices_of_the_same_level() -> None:
    rng = np.random.default_rng(1)
    level = rng.integers(0, 4, 1200)  # 0: not known
    true = np.where(level > 0, level, rng.integers(1, 4, 1200))
    size = 3.5 - 0.4 * true + 0.08 * rng.standard_normal(1200)
    rows = np.column_stack([size, *(level == each for each in (1, 2, 3))]).astype(float)
    flag = UnlikeTrainingDetector({"size": DescriptorGroup(np.array([0]), "density", np.array([1, 2, 3]))})
    flag.fit(rows[:800], rows[800:1000])
    small = 3.5 - 0.4 * 3
    as_base, as_apex, unknown = (flag.judge(np.array([small, *told])) for told in ((1, 0, 0), (0, 0, 1), (0, 0, 0)))
    assert as_base.flagged and not as_apex.flagged and not unknown.flagged


def test_between_two_kinds_of_hearts_there_are_none() -> None:
    rng = np.random.default_rng(5)
    rows = np.where(rng.random(800) < 0.5, -3.0, 3.0)[:, None] + 0.3 * rng.standard_normal((800, 2))
    respect = GroupRarity(block(0, 1, measure="density"))
    respect.fit(rows)
    assert respect.rarity(np.zeros((1, 2))) > 2.5 and respect.rarity(np.array([[3.0, 3.0]])) < 0.5


def test_orientation_is_judged_where_the_insertion_is_known(known: np.ndarray) -> None:
    angles = np.radians(136 + 10 * np.random.default_rng(2).standard_normal(60))
    flag, blind = UnlikeTrainingDetector(BLOCKS), UnlikeTrainingDetector(BLOCKS)
    flag.fit(known[:400], known[400:500], insertion_angles=angles)
    blind.fit(known[:400], known[400:500])
    usual = known[500 + int(flag.scores(known[500:]).argmin())]
    assert not flag.judge(usual).flagged and not flag.judge(usual, np.radians(165)).flagged
    upside_down = flag.judge(usual, np.radians(-136))
    assert upside_down.flagged and upside_down.reasons == (WORDS["orientation"][0],)
    assert not blind.judge(usual, np.radians(-136)).flagged


def test_a_stored_flag_gives_the_same_verdicts(known: np.ndarray) -> None:
    blocks = {"size": block(0, 1, measure="density"), "beat": block(2, 3), "way": block(4, measure="excess")}
    fitted, fresh = UnlikeTrainingDetector(blocks), UnlikeTrainingDetector(blocks)
    fitted.fit(known[:400], known[400:500])
    fresh.load_state_dict(fitted.state_dict())
    assert fresh.scores(known) == pytest.approx(fitted.scores(known)) and fresh.limit == fitted.limit


def test_what_is_not_finite_is_strange_not_an_error() -> None:
    rng = np.random.default_rng(0)
    for measure in ("distance", "excess", "density"):
        flag = UnlikeTrainingDetector({"size": block(0, 1, 2, measure=measure)})
        flag.fit(rng.standard_normal((100, 5)), rng.standard_normal((50, 5)))
        assert flag.judge(np.array([np.nan, np.inf, 0, 0, 0])).flagged


def test_four_slices_are_enough_to_fit() -> None:
    rng = np.random.default_rng(0)
    flag = UnlikeTrainingDetector({**BLOCKS, "way": block(3, measure="excess"), "oval": block(4, 5, measure="density")})
    flag.fit(rng.standard_normal((4, 30)), rng.standard_normal((2, 30)))
    assert np.isfinite(flag.scores(rng.standard_normal((3, 30)))).all()
    assert "unlike the training data" in flag.judge(np.full(30, 100.0)).sentence


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
    blocks = descriptor_groups(4)
    reference = told(usual)
    places = np.concatenate([np.concatenate([each.places, each.level]) for each in blocks.values()])
    assert len(set(places)) == len(places) and places.max() == len(reference) - 1 and set(blocks) < set(WORDS)

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
    oblong = ndimage.affine_transform(usual, np.diag([1, 1, 1 / 1.3]), [0, 0, 63.5 * (1 - 1 / 1.3)], order=1)
    open_ring = usual.copy()
    open_ring[:, :60, 58:70] = 0
    assert moved(oblong)["oval"] > 1 and moved(open_ring)["gaps"] > 1 > moved(oblong)["gaps"]


def test_the_level_is_told_where_it_is_known() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    where, ring = 28 * np.exp(2j * np.pi * np.arange(24) / 24), np.zeros((4, 20, 16))
    given = descriptor_groups(4)["size"].level
    for level, said in ((0, [0, 0, 0]), (1, [1, 0, 0]), (3, [0, 0, 1])):
        numbers = descriptors(usual, RingCoordinates.of(usual[0]), ring, where, np.zeros((40, 24), complex), level)
        assert numbers[given].tolist() == said
