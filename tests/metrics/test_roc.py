from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.metrics import auc, equal_error_rate, overlap, roc, smallest_supported_far, tar_at_far
from marginface.metrics.roc import FarRule, most_looked_at, tars_at_fars
from oracles.scores import all_thresholds, area_by_counting, best_tar_within, nearest_point, rates

# few distinct values, so that ties are the rule
scores = st.lists(st.integers(-4, 4).map(lambda value: value / 4), min_size=1, max_size=12)


@given(scores, scores)
def test_every_point_of_the_curve_is_the_counted_rate(genuine: list[float], impostor: list[float]) -> None:
    curve = roc(genuine, impostor)
    assert curve.thresholds.tolist() == all_thresholds(genuine, impostor)
    counted = [rates(genuine, impostor, threshold) for threshold in curve.thresholds]
    np.testing.assert_allclose(np.stack([curve.far, curve.tar], axis=1), counted)


def test_the_curve_of_five_pairs_is_the_one_drawn_by_hand() -> None:
    curve = roc([0.9, 0.5, 0.4], [0.5, 0.1])
    assert curve.thresholds.tolist() == [math.inf, 0.9, 0.5, 0.4, 0.1]
    assert curve.far.tolist() == [0, 0, 0.5, 0.5, 1]
    np.testing.assert_allclose(curve.tar, [0, 1 / 3, 2 / 3, 1, 1])


@given(scores, scores)
def test_auc_counts_wins_and_half_of_the_ties(genuine: list[float], impostor: list[float]) -> None:
    assert auc(genuine, impostor) == pytest.approx(area_by_counting(genuine, impostor))


@given(scores, scores)
def test_auc_is_the_area_under_the_curve(genuine: list[float], impostor: list[float]) -> None:
    curve = roc(genuine, impostor)
    area = sum(np.diff(curve.far) * (curve.tar[1:] + curve.tar[:-1]) / 2)
    assert auc(genuine, impostor) == pytest.approx(area)


@pytest.mark.parametrize(
    ("genuine", "impostor", "rate"),
    [
        ([0.9, 0.8], [0.2, 0.1], 0.0),  # separable
        ([0.2, 0.1], [0.9, 0.8], 1.0),  # the wrong way round
        ([0.9, 0.8, 0.3, 0.7], [0.4, 0.2, 0.1, 0.0], 0.25),  # one error of four on both sides
        ([0.5], [0.5], 0.5),  # one step from (0, 0) to (1, 1)
        ([0.9, 0.3], [0.5, 0.2, 0.1], 1 / 3),  # between (1/3, 1/2) and (1/3, 0): FAR is flat
    ],
)
def test_equal_error_rate_of_hand_made_scores(genuine: list[float], impostor: list[float], rate: float) -> None:
    assert equal_error_rate(genuine, impostor) == pytest.approx(rate)


@given(scores, scores)
def test_equal_error_rate_mirrors_when_the_signs_do(genuine: list[float], impostor: list[float]) -> None:
    mirrored = equal_error_rate([-value for value in impostor], [-value for value in genuine])
    assert equal_error_rate(genuine, impostor) == pytest.approx(mirrored)


@given(scores, st.lists(st.integers(-4, 4).map(lambda value: value / 4), min_size=4, max_size=12))
def test_at_most_is_the_best_tar_that_keeps_the_far(genuine: list[float], impostor: list[float]) -> None:
    point = tar_at_far(genuine, impostor, 0.25)
    assert point.achieved_far <= 0.25
    assert point.tar == pytest.approx(best_tar_within(genuine, impostor, 0.25))
    if math.isfinite(point.threshold):
        assert rates(genuine, impostor, point.threshold) == pytest.approx((point.achieved_far, point.tar))


@given(scores, st.lists(st.integers(-4, 4).map(lambda value: value / 4), min_size=4, max_size=12))
def test_nearest_is_the_nearest_point_and_of_equals_the_one_that_accepts_most(
    genuine: list[float], impostor: list[float]
) -> None:
    point = tar_at_far(genuine, impostor, 0.3, "nearest")
    assert (point.achieved_far, point.tar) == pytest.approx(nearest_point(genuine, impostor, 0.3))


def test_nearest_may_exceed_the_far_and_at_most_may_not() -> None:
    genuine, impostor = [0.9, 0.55, 0.5], [0.6, 0.5, 0.2, 0.1]  # FAR can be 0, .25, .5, .75, 1
    strict, nearest = (tar_at_far(genuine, impostor, 0.45, rule) for rule in ("at_most", "nearest"))
    assert (strict.achieved_far, strict.threshold) == (0.25, 0.55)
    assert (nearest.achieved_far, nearest.threshold) == (0.5, 0.5)
    assert strict.tar == pytest.approx(2 / 3)
    assert nearest.tar == 1.0


def test_ties_at_the_threshold_are_all_accepted_or_all_refused() -> None:
    point = tar_at_far([0.5, 0.9], [0.5, 0.5, 0.1, 0.1], 0.25)
    assert (point.threshold, point.achieved_far, point.tar) == (0.9, 0.0, 0.5)


def test_no_threshold_is_low_enough_where_the_highest_impostors_tie_with_everything() -> None:
    point = tar_at_far([0.5], [0.5, 0.5], 0.5)
    assert (point.threshold, point.tar, point.to_dict()["threshold"]) == (math.inf, 0.0, None)


def test_a_far_that_the_impostors_cannot_support_is_refused_with_what_is_needed() -> None:
    with pytest.raises(InputError) as caught:
        tar_at_far([0.9], np.zeros(3000), 1e-6)
    assert str(caught.value) == (
        "3,000 impostor pairs cannot support FAR 1e-6: one error is already 3.3e-4. Smallest FAR here: 1e-3 (3 pairs). "
        "At least 1,000,000 pairs are needed, better 3,000,000."
    )


def test_one_pair_supports_no_far_at_all() -> None:
    with pytest.raises(InputError, match=r"FAR 5e-1: one error is already 1\. Smallest FAR here: 1 \(1 pairs\)"):
        tar_at_far([0.9], [0.1], 0.5)


@pytest.mark.parametrize("far", [0.0, 1.0, -0.1, 50.0, math.nan])
def test_a_far_is_a_share(far: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        tar_at_far([0.9], [0.1], far)


@pytest.mark.parametrize(("pairs", "far"), [(1, 1.0), (9, 1.0), (10, 0.1), (999, 0.01), (1000, 1e-3), (3500, 1e-3)])
def test_the_smallest_supported_far_expects_one_false_accept(pairs: int, far: float) -> None:
    assert smallest_supported_far(pairs) == far
    if far < 1:
        assert tar_at_far([1.0], np.zeros(pairs), far).impostor_pairs == pairs


@pytest.mark.parametrize("bad", [[], [math.nan], [[0.1, 0.2]]])
def test_similarities_are_one_row_of_finite_numbers(bad: list[float]) -> None:
    with pytest.raises(InputError, match="impostor similarities"):
        roc([0.5], bad)


def test_overlap_is_the_area_that_two_histograms_share() -> None:
    assert overlap([0.51, 0.51, 0.91], [0.51, 0.11, 0.11, 0.11]) == pytest.approx(0.25)
    assert overlap([0.5], [0.1]) == 0
    assert overlap([0.5, 0.1], [0.1, 0.5]) == 1


@given(scores, scores)
def test_overlap_is_a_share_and_does_not_depend_on_the_order(genuine: list[float], impostor: list[float]) -> None:
    found = overlap(genuine, impostor)
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(overlap(impostor, genuine))


@pytest.mark.parametrize("seed", range(20))
def test_the_equal_error_rate_is_where_the_whole_curve_crosses(seed: int) -> None:
    rng = np.random.default_rng(seed)
    genuine, impostor = rng.integers(2, 12, 1 + seed) / 10, rng.integers(0, 9, 30 - seed) / 10
    curve = roc(genuine, impostor)
    gap = curve.far - (1 - curve.tar)
    after = int(np.flatnonzero(gap >= 0)[0])
    share = -gap[after - 1] / (gap[after] - gap[after - 1])
    crossing = curve.far[after - 1] + share * (curve.far[after] - curve.far[after - 1])
    assert equal_error_rate(genuine, impostor) == pytest.approx(crossing, abs=1e-12)


@pytest.mark.parametrize("rule", ["at_most", "nearest"])
def test_the_most_similar_impostor_pairs_are_enough(rule: FarRule) -> None:
    """The points of all impostor pairs are those of the few that a FAR looks at, ties at the edge included."""
    rng = np.random.default_rng(6)
    for seed in range(30):
        genuine, impostor = rng.integers(0, 40, 50) / 40, rng.integers(0, 30, 2000) / 40
        for far in (5e-4, 1e-3, 0.01, 0.3):
            whole = tar_at_far(genuine, impostor, far, rule)
            kept = np.sort(impostor)[::-1][: most_looked_at(far, 2000)]
            (part,) = tars_at_fars(genuine, kept, [far], rule, impostor_pairs=2000)
            assert part == whole, (seed, far)


def test_too_few_of_the_impostor_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="FAR 1e-3 of 10,000 impostor pairs looks at the 22 most similar; got 21"):
        tars_at_fars([0.9], np.linspace(0, 1, 21), [1e-3], impostor_pairs=10_000)
