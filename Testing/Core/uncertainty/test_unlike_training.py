"""The detector of slices that are unlike the training data."""

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
    """Slices with 30 descriptors of different scales."""
    rng = np.random.default_rng(0)
    return np.asarray(rng.standard_normal((1000, 30)) * np.geomspace(0.3, 30, 30))


def group_of(*places: int, measure: Measure = "distance") -> DescriptorGroup:
    return DescriptorGroup(np.array(places), measure)


GROUPS = {"size": group_of(0, 1), "beat": group_of(*range(2, 10)), "outline": group_of(*range(10, 29))}


@pytest.fixture(scope="module")
def detector(known: np.ndarray) -> UnlikeTrainingDetector:
    fitted = UnlikeTrainingDetector(GROUPS)
    fitted.fit(known[:400], known[400:500])
    return fitted


def test_limit_leaves_the_wanted_share_of_unseen_slices_above_it(known: np.ndarray) -> None:
    detector = UnlikeTrainingDetector(GROUPS)
    detector.fit(known[:400], known[400:500], false_alarms=0.05)
    assert 0.01 < (detector.scores(known[500:]) > float(detector.limit)).mean() < 0.08


@pytest.mark.parametrize("measure", ["distance", "excess", "density"])
def test_rarity_is_the_share_of_unseen_slices_that_are_as_unusual(known: np.ndarray, measure: Measure) -> None:
    group = GroupRarity(group_of(0, 1, measure=measure))
    group.fit(known)
    unseen = np.random.default_rng(7).standard_normal((8000, 30)) * np.geomspace(0.3, 30, 30)
    rarity = group.rarity(unseen)
    for share in (0.5, 0.1, 0.01):
        assert 0.5 * share < (rarity > -np.log10(share)).mean() < 1.7 * share
    # the tail extends beyond all training slices
    further = group.rarity(np.outer([4.0, 5.0, 6.0], known.std(axis=0)))
    assert 2.5 < further[0] < further[1] <= further[2]


def test_few_unusual_descriptors_show_in_their_own_group_and_not_in_a_single_one(
    known: np.ndarray, detector: UnlikeTrainingDetector
) -> None:
    single = UnlikeTrainingDetector({"outline": group_of(*range(30))})
    single.fit(known[:400], known[400:500])
    strange = known[500:].copy()
    strange[:, 0] += 4.5 * known[:, 0].std()
    for each, low, high in ((single, 0.0, 0.75), (detector, 0.85, 1.0)):
        assert low < (each.scores(strange) > float(each.limit)).mean() < high
    judged = detector.judge(strange[detector.rarities(strange)["size"].argmax()])
    assert judged.flagged and judged.reasons[0] == WORDS["size"][0]
    assert f"in {judged.reasons[0]}" in judged.sentence and judged.remedy == WORDS["size"][1]


def test_the_sentence_gives_the_share_of_training_slices_that_are_as_unusual(
    known: np.ndarray, detector: UnlikeTrainingDetector
) -> None:
    order = detector.scores(known[500:]).argsort()
    usual = detector.judge(known[500 + order[200]])
    assert not usual.flagged and 10**usual.score == pytest.approx(float(_one_in(usual.sentence)), rel=0.2)
    wild = detector.judge(known[0] + 200)
    sentence = " ".join(wild.sentence.split("\N{NO-BREAK SPACE}"))
    assert wild.flagged and "less than one training slice in 1 000 is as unusual" in sentence


def _one_in(sentence: str) -> str:
    found = re.search(r"about one training slice in ([\d\s]+) is", sentence)
    assert found is not None
    return "".join(found.group(1).split())


def test_descriptors_outside_all_groups_are_ignored(known: np.ndarray, detector: UnlikeTrainingDetector) -> None:
    other = known[500:].copy()
    other[:, 29] += 100
    assert detector.scores(other) == pytest.approx(detector.scores(known[500:]))


def test_excess_counts_in_one_direction_only(known: np.ndarray) -> None:
    more, less = (
        GroupRarity(group_of(0, measure="excess")),
        GroupRarity(DescriptorGroup(np.array([0]), "excess", signs=-1.0)),
    )
    for group in (more, less):
        group.fit(known[:500])
    high, low = (side * 5 * known.std(axis=0)[None] for side in (1, -1))
    assert more.rarity(high) > 3 and more.rarity(low) < 0.4
    assert less.rarity(low) > 3 and less.rarity(high) < 0.4


def test_equal_slices_are_not_rare() -> None:
    rows = np.where(np.arange(400) % 10 < 7, 0.0, np.arange(400) / 400)[:, None]
    group = GroupRarity(group_of(0, measure="excess"))
    group.fit(rows)
    assert group.rarity(np.zeros((1, 1))) < 0.05 and group.rarity(np.array([[3.0]])) > 1


def test_tiny_amplitudes_are_not_rare() -> None:
    rng = np.random.default_rng(3)
    logs = np.log(np.hypot(*rng.standard_normal((2, 1000))))[:, None]
    group = GroupRarity(DescriptorGroup(np.array([0]), "excess", amplitudes=True))
    group.fit(logs)
    assert group.rarity(np.log([[1e-6]])) < 0.4 and group.rarity(np.log([[6.0]])) > 3


def test_size_is_judged_among_slices_of_the_same_level() -> None:
    rng = np.random.default_rng(1)
    level = rng.integers(0, 4, 1200)  # 0: unknown
    true = np.where(level > 0, level, rng.integers(1, 4, 1200))
    size = 3.5 - 0.4 * true + 0.08 * rng.standard_normal(1200)
    rows = np.column_stack([size, *(level == each for each in (1, 2, 3))]).astype(float)
    detector = UnlikeTrainingDetector({"size": DescriptorGroup(np.array([0]), "density", np.array([1, 2, 3]))})
    detector.fit(rows[:800], rows[800:1000])
    small = 3.5 - 0.4 * 3
    as_base, as_apex, unknown = (
        detector.judge(np.array([small, *level])) for level in ((1, 0, 0), (0, 0, 1), (0, 0, 0))
    )
    assert as_base.flagged and not as_apex.flagged and not unknown.flagged


def test_slices_between_two_clusters_are_rare() -> None:
    rng = np.random.default_rng(5)
    rows = np.where(rng.random(800) < 0.5, -3.0, 3.0)[:, None] + 0.3 * rng.standard_normal((800, 2))
    group = GroupRarity(group_of(0, 1, measure="density"))
    group.fit(rows)
    assert group.rarity(np.zeros((1, 2))) > 2.5 and group.rarity(np.array([[3.0, 3.0]])) < 0.5


def test_orientation_is_judged_where_the_insertion_is_known(known: np.ndarray) -> None:
    angles = np.radians(136 + 10 * np.random.default_rng(2).standard_normal(60))
    detector, blind = UnlikeTrainingDetector(GROUPS), UnlikeTrainingDetector(GROUPS)
    detector.fit(known[:400], known[400:500], insertion_angles=angles)
    blind.fit(known[:400], known[400:500])
    usual = known[500 + int(detector.scores(known[500:]).argmin())]
    assert not detector.judge(usual).flagged and not detector.judge(usual, np.radians(165)).flagged
    upside_down = detector.judge(usual, np.radians(-136))
    assert upside_down.flagged and upside_down.reasons == (WORDS["orientation"][0],)
    assert not blind.judge(usual, np.radians(-136)).flagged


def test_a_stored_detector_gives_the_same_scores(known: np.ndarray) -> None:
    groups = {"size": group_of(0, 1, measure="density"), "beat": group_of(2, 3), "way": group_of(4, measure="excess")}
    fitted, fresh = UnlikeTrainingDetector(groups), UnlikeTrainingDetector(groups)
    fitted.fit(known[:400], known[400:500])
    fresh.load_state_dict(fitted.state_dict())
    assert fresh.scores(known) == pytest.approx(fitted.scores(known)) and fresh.limit == fitted.limit


def test_descriptors_that_are_not_finite_are_flagged() -> None:
    rng = np.random.default_rng(0)
    for measure in ("distance", "excess", "density"):
        detector = UnlikeTrainingDetector({"size": group_of(0, 1, 2, measure=measure)})
        detector.fit(rng.standard_normal((100, 5)), rng.standard_normal((50, 5)))
        assert detector.judge(np.array([np.nan, np.inf, 0, 0, 0])).flagged


def test_four_slices_are_enough_to_fit() -> None:
    rng = np.random.default_rng(0)
    detector = UnlikeTrainingDetector(
        {**GROUPS, "way": group_of(3, measure="excess"), "oval": group_of(4, 5, measure="density")}
    )
    detector.fit(rng.standard_normal((4, 30)), rng.standard_normal((2, 30)))
    assert np.isfinite(detector.scores(rng.standard_normal((3, 30)))).all()
    assert "unlike the training data" in detector.judge(np.full(30, 100.0)).sentence


def described(masks: np.ndarray) -> np.ndarray:
    where = 28 * np.exp(2j * np.pi * np.arange(24) / 24)
    return descriptors(masks, RingCoordinates.of(masks[0]), np.zeros((4, 20, 16)), where, np.zeros((40, 24), complex))


def test_descriptors_change_with_size_time_and_shape() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    same = described(to_canonical(ring_slice(frames=30, turned=0.5)).occupancy)
    reference = described(usual)
    assert reference.dtype == np.float32 and np.isfinite(reference).all()
    larger = described(to_canonical(ring_slice(frames=30, inner=30.0)).occupancy)
    late = described(np.concatenate([usual[:1], np.repeat(usual[1:21], 2, axis=0)[:39]]))
    two = described(np.maximum(usual, np.roll(usual, 40, axis=2)))
    apart = np.abs(same - reference).max()
    for other in (larger, late, two):
        assert np.abs(other - reference).max() > 2.5 * apart


def test_groups_contain_the_descriptors_that_they_are_named_for() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    groups = descriptor_groups(4)
    reference = described(usual)
    places = np.concatenate([np.concatenate([each.places, each.level]) for each in groups.values()])
    assert len(set(places)) == len(places) and places.max() == len(reference) - 1 and set(groups) < set(WORDS)

    def moved(masks: np.ndarray) -> dict[str, float]:
        apart = np.abs(described(masks) - reference)
        return {name: float(apart[each.places].max()) for name, each in groups.items()}

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


def test_the_level_is_encoded_where_it_is_known() -> None:
    usual = to_canonical(ring_slice(frames=30)).occupancy
    where, ring = 28 * np.exp(2j * np.pi * np.arange(24) / 24), np.zeros((4, 20, 16))
    given = descriptor_groups(4)["size"].level
    for level, code in ((0, [0, 0, 0]), (1, [1, 0, 0]), (3, [0, 0, 1])):
        numbers = descriptors(usual, RingCoordinates.of(usual[0]), ring, where, np.zeros((40, 24), complex), level)
        assert numbers[given].tolist() == code
