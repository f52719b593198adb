"""Metrics compared with worked examples of their sources and with their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from LaMoDCore.evaluation import (
    bland_altman,
    bootstrap_interval,
    bootstrap_mean,
    contour_distances,
    coverage,
    crps,
    dice,
    endpoint_error,
    energy_score,
    holm,
    icc,
    paired_test,
    roc_auc,
)
from LaMoDCore.networks.balanced_draws import balanced

#: Shrout and Fleiss 1979, table 2: six targets, four judges.
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


class TestEndpointError:
    truth = np.zeros((3, 2, 4, 5)) + np.array([3.0, 4.0])[:, None, None]
    valid = np.ones((3, 4, 5), dtype=bool)

    def test_no_motion_errs_by_the_motion(self):
        error = endpoint_error(np.zeros_like(self.truth), self.truth, self.valid)
        assert error.mean == pytest.approx(5.0)
        np.testing.assert_allclose(error.by_frame, 5.0)
        np.testing.assert_allclose(error.motion_by_frame, 5.0)
        assert error.missing == 0.0

    def test_only_valid_pixels_and_frames_count(self):
        predicted = self.truth.copy()
        predicted[:, :, 0] += 100.0
        valid = self.valid.copy()
        valid[:, 0] = False
        valid[2] = False
        error = endpoint_error(predicted, self.truth, valid)
        assert error.mean == 0.0
        assert np.isnan(error.by_frame[2])

    def test_a_missing_prediction_counts_as_no_motion(self):
        predicted = self.truth.copy()
        predicted[:, :, :2] = np.nan
        error = endpoint_error(predicted, self.truth, self.valid)
        assert error.mean == pytest.approx(2.5)
        assert error.missing == pytest.approx(0.5)

    def test_missing_truth_does_not_count(self):
        truth = self.truth.copy()
        truth[1] = np.nan
        assert endpoint_error(self.truth, truth, self.valid).mean == 0.0

    def test_the_reference_frame_can_be_left_out(self):
        predicted = self.truth.copy()
        predicted[0] = 0.0
        assert endpoint_error(predicted, self.truth, self.valid, reference_frame=0).mean == 0.0

    def test_nothing_to_count_is_unknown(self):
        assert np.isnan(endpoint_error(self.truth, self.truth, ~self.valid).mean)

    def test_shapes_are_checked(self):
        with pytest.raises(ValueError, match=r"\[T, C, H, W\]"):
            endpoint_error(self.truth, self.truth, self.valid[:2])


class TestIcc:
    def test_the_published_example(self):
        assert icc(RATINGS, "ICC(2,1)") == pytest.approx(0.29, abs=0.005)
        assert icc(RATINGS, "ICC(3,1)") == pytest.approx(0.71, abs=0.005)

    def test_an_offset_lowers_agreement_but_not_consistency(self):
        truth = np.linspace(-0.25, 0.0, 20)
        pairs = np.stack([truth + 0.05, truth], axis=1)
        assert icc(pairs, "ICC(3,1)") == pytest.approx(1.0)
        assert icc(pairs, "ICC(2,1)") < 0.9

    def test_missing_rows_are_left_out(self):
        with_gap = np.vstack([RATINGS, [np.nan, 1, 2, 3]])
        assert icc(with_gap) == icc(RATINGS)

    def test_too_little_is_unknown(self):
        assert np.isnan(icc([[1.0, 2.0]]))

    def test_other_kinds_are_refused(self):
        with pytest.raises(ValueError, match="ICC"):
            icc(RATINGS, "ICC(1,1)")


class TestBlandAltman:
    def test_by_hand(self):
        found = bland_altman([1.0, 2.0, 6.0, np.nan], [0.0, 2.0, 4.0, 1.0])
        assert found.bias == pytest.approx(1.0)
        assert found.sd == pytest.approx(1.0)
        assert (found.lower, found.upper) == (pytest.approx(-0.96), pytest.approx(2.96))
        assert found.cov == pytest.approx(0.5)
        assert found.count == 3

    def test_first_minus_second(self):
        assert bland_altman([-0.2, -0.1], [-0.1, 0.0]).bias < 0


class TestBootstrap:
    def test_the_mean_is_over_cases_and_the_interval_holds_it(self):
        rng = np.random.default_rng(0)
        values = rng.normal(2.0, 1.0, 200)
        interval = bootstrap_mean(values, [f"s{i}" for i in range(200)])
        assert interval.value == pytest.approx(values.mean())
        expected = 1.96 * values.std() / np.sqrt(200)
        assert interval.upper - interval.value == pytest.approx(expected, rel=0.15)

    def test_cases_of_one_subject_are_not_independent(self):
        values = np.repeat(np.random.default_rng(1).normal(size=40), 4)
        apart = bootstrap_mean(values, [str(i) for i in range(160)])
        together = bootstrap_mean(values, [str(i // 4) for i in range(160)])
        assert (together.upper - together.lower) > 1.6 * (apart.upper - apart.lower)

    def test_missing_values_are_left_out(self):
        assert bootstrap_mean([1.0, np.nan, 3.0], ["a", "b", "c"]).value == 2.0
        assert np.isnan(bootstrap_mean([np.nan], ["a"]).value)

    def test_one_subject_has_no_interval(self):
        assert bootstrap_mean([1.0, 3.0], ["a", "a"]).value == 2.0
        assert np.isnan(bootstrap_mean([1.0, 3.0], ["a", "a"]).lower)
        assert np.isnan(bootstrap_interval(lambda i: float(len(i)), ["a", "a"]).upper)

    def test_any_statistic(self):
        values = np.random.default_rng(2).normal(size=60)
        interval = bootstrap_interval(lambda i: float(np.median(values[i])), [str(i) for i in range(60)])
        assert interval.lower < np.median(values) < interval.upper

    def test_the_same_seed_gives_the_same_interval(self):
        values, subjects = np.arange(9.0), list("aabbccdde")
        assert bootstrap_mean(values, subjects, seed=3) == bootstrap_mean(values, subjects, seed=3)

    def test_paired_differences_are_found_and_none_is_not(self):
        rng = np.random.default_rng(3)
        base = rng.normal(size=60)
        subjects = [str(i // 3) for i in range(60)]
        worse = paired_test(base + 0.3 + 0.05 * rng.normal(size=60), base, subjects)
        assert worse.p_value < 0.001
        assert worse.difference.lower > 0.2
        assert worse.subjects == 20
        assert paired_test(base, base, subjects).p_value == 1.0

    def test_holm_by_hand(self):
        assert holm([0.01, 0.04, 0.03, float("nan")])[:3] == pytest.approx([0.03, 0.06, 0.06])
        assert np.isnan(holm([0.01, float("nan")])[1])


class TestScoring:
    def test_crps_of_many_normal_samples_is_the_closed_form(self):
        samples = np.random.default_rng(0).normal(size=4000)
        y = 0.7
        expected = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
        assert crps(samples, np.array(y)) == pytest.approx(expected, abs=0.02)

    def test_crps_of_one_sample_is_the_distance(self):
        np.testing.assert_allclose(crps([[1.0, -2.0]], [0.5, 1.0]), [0.5, 3.0])

    def test_few_samples_are_scored_fairly(self):
        rng = np.random.default_rng(1)
        truth = rng.normal(size=20000)
        few = crps(rng.normal(size=(3, 20000)), truth).mean()
        assert few == pytest.approx(1 / np.sqrt(np.pi), abs=0.02)  # the expected CRPS of a perfect N(0, 1)

    def test_energy_score_in_one_dimension_is_crps(self):
        samples, truth = np.random.default_rng(2).normal(size=(5, 7)), np.zeros(7)
        np.testing.assert_allclose(energy_score(samples[..., None], truth[..., None]), crps(samples, truth))

    def test_coverage_of_an_honest_sample_is_what_is_due(self):
        rng = np.random.default_rng(3)
        found, due = coverage(rng.normal(size=(8, 5000)), rng.normal(size=5000))
        assert due == pytest.approx(7 / 9)
        assert found == pytest.approx(due, abs=0.02)
        too_sure, _ = coverage(0.3 * rng.normal(size=(8, 5000)), rng.normal(size=5000))
        assert too_sure < 0.4

    def test_scores_of_independent_draws_of_a_calibrated_gaussian_are_right_and_those_of_balanced_ones_are_not(self):
        rng = np.random.default_rng(4)
        slices, count, modes = 4000, 8, 6
        independent = rng.normal(size=(slices, count, modes))
        directions = np.linalg.qr(rng.normal(size=(modes, modes)))[0]
        moved = np.stack([balanced(torch.from_numpy(draws), directions).numpy() for draws in independent])
        truth = rng.normal(size=(slices, modes))
        pairs = np.linalg.norm(rng.normal(size=(200_000, modes)) - rng.normal(size=(200_000, modes)), axis=-1).mean()
        expected = {"crps": 1 / np.sqrt(np.pi), "energy": pairs / 2}
        found = {}
        for name, draws in (("independent", independent), ("balanced", moved)):
            by_draw = np.moveaxis(draws, 1, 0)
            found[name] = (
                coverage(by_draw, truth)[0],
                crps(by_draw, truth).mean() / expected["crps"],
                energy_score(by_draw, truth).mean() / expected["energy"],
            )
        assert found["independent"] == pytest.approx((7 / 9, 1.0, 1.0), abs=0.01)
        assert found["balanced"][0] > 0.83 and max(found["balanced"][1:]) < 0.95

    def test_shapes_are_checked(self):
        with pytest.raises(ValueError, match="samples must be"):
            crps(np.zeros((3, 4)), np.zeros(5))

    def test_auc_by_hand(self):
        assert roc_auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == pytest.approx(0.75)
        assert roc_auc([1.0, 1.0], [True, False]) == 0.5
        assert np.isnan(roc_auc([1.0], [True]))


class TestOverlap:
    square = np.zeros((20, 20), dtype=bool)
    square[5:15, 5:15] = True

    def test_dice(self):
        half = self.square.copy()
        half[:, 10:] = False
        assert dice(self.square, self.square) == 1.0
        assert dice(self.square, half) == pytest.approx(2 * 50 / 150)
        assert dice(self.square, ~self.square) == 0.0
        assert dice(np.zeros((2, 2)), np.zeros((2, 2))) == 1.0

    def test_a_shift_along_the_columns_is_its_length(self):
        moved = np.roll(self.square, 3, axis=1)
        found = contour_distances(self.square, moved, (1.5, 4.0))
        assert found.hausdorff == pytest.approx(4.5)
        assert 0 < found.mean < 4.5

    def test_a_larger_disc_is_the_difference_of_the_radii_away(self):
        y, x = np.mgrid[:120, :120] - 60.0
        radius = np.hypot(x, y) * 0.5
        found = contour_distances(radius < 20, radius < 22, (0.5, 0.5))
        assert found.mean == pytest.approx(2.0, abs=0.1)
        assert found.hausdorff == pytest.approx(2.0, abs=0.6)
        assert found.hausdorff_95 <= found.hausdorff

    def test_an_empty_mask_has_no_contour(self):
        assert np.isnan(contour_distances(self.square, np.zeros_like(self.square), (1.0, 1.0)).mean)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_distances_are_symmetric_and_zero_for_equals(self, seed):
        rng = np.random.default_rng(seed)
        a, b = rng.random((2, 9, 11)) > 0.6
        if not (a.any() and b.any()):
            return
        assert contour_distances(a, b, (1.2, 0.7)) == contour_distances(b, a, (1.2, 0.7))
        assert contour_distances(a, a, (1.2, 0.7)).hausdorff == 0.0
        assert dice(a, b) == dice(b, a)
