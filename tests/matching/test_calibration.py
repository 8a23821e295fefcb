"""Thresholds for stated rates: against lists of pairs, between rungs, for searches, and where data is too little."""

from __future__ import annotations

import math
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import CalibrationError, ContractMismatch, InputError
from marginface.matching.calibration import Calibration, Making, Origin, calibrate, ladder
from marginface.metrics import similarity_of
from oracles.faces import drawn_people, every_pair, lowest_threshold_within

CONTRACT = "0123456789abcdef"


def origin(failures: int = 0) -> Origin:
    made = Making(date=date(2026, 11, 28), cropping="none: drawn vectors", alignment="arcface-112")
    return Origin(CONTRACT, "drawn", "drawn people", failures, made)


def drawn(photos: list[int], seed: int = 0) -> Calibration:
    return calibrate(*drawn_people(photos, seed), origin()).calibration


def test_the_ladder_goes_down_to_what_the_pairs_support() -> None:
    assert ladder(3_000) == (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
    assert ladder(30) == (0.1,)
    assert ladder(29) == ()
    assert ladder(10_608_788)[-3:] == (1e-6, 5e-7, 3 / 10_608_788)
    assert ladder(100) == (0.1, 0.05, 0.03)


def test_a_rung_is_the_lowest_threshold_and_states_its_errors() -> None:
    vectors, people = drawn_people([3, 2, 4] * 3, seed=4)
    genuine, impostor = every_pair(vectors, people)
    calibration = calibrate(vectors, people, origin(failures=2)).calibration
    assert [rung.fmr for rung in calibration.thresholds] == list(ladder(len(impostor)))
    for rung in calibration.thresholds:
        assert rung.similarity == pytest.approx(lowest_threshold_within(impostor, rung.fmr), abs=1.5e-4)
        assert rung.false_matches == sum(pair.similarity >= rung.similarity for pair in impostor)
        assert rung.false_non_matches == sum(pair.similarity < rung.similarity for pair in genuine)
        threshold = calibration.threshold(rung.fmr)
        assert (threshold.similarity, threshold.fmr) == (rung.similarity, rung.fmr)
        assert threshold.fmr_bounds == (rung.fmr_low, rung.fmr_high)
        assert threshold.fnmr == pytest.approx(rung.false_non_matches / len(genuine))
    data = calibration.data
    assert (data.people, data.photos, data.failures_to_acquire) == (9, 27, 2)
    assert (data.genuine_pairs, data.impostor_pairs) == (len(genuine), len(impostor))
    assert calibration.threshold(0.01).data == "drawn people: 27 photos of 9 people"


def test_the_order_of_photos_and_the_numbers_of_people_do_not_matter() -> None:
    vectors, people = drawn_people([3, 1, 2, 4] * 8, seed=9)
    mixed = np.random.default_rng(0).permutation(len(people))
    one = calibrate(vectors, people, origin()).calibration
    other = calibrate(vectors[mixed], 5_000 - 7 * people[mixed], origin()).calibration
    for rung, same in zip(one.thresholds, other.thresholds, strict=True):
        assert rung.model_dump() == pytest.approx(same.model_dump(), rel=1e-9)


def test_photos_of_two_sets_give_the_pairs_of_both_and_none_across() -> None:
    vectors, people = drawn_people([2] * 60, seed=10)
    sets = people % 2
    calibration = calibrate(vectors, people, origin(), sets).calibration
    assert (calibration.data.people, calibration.data.impostor_pairs) == (60, 2 * 30 * 29 * 2)
    same = [sets[i] == sets[j] and people[i] != people[j] for i in range(120) for j in range(i)]
    similarities = np.array([float(vectors[i] @ vectors[j]) for i in range(120) for j in range(i)])[same]
    for rung in calibration.thresholds:
        assert rung.false_matches == pytest.approx((similarities >= rung.similarity).sum(), abs=1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0, 1), photos=st.lists(st.integers(1, 4), min_size=14, max_size=25))
def test_between_rungs_no_rate_is_exceeded_on_the_data(seed: int, share: float, photos: list[int]) -> None:
    vectors, people = drawn_people(photos, seed)
    _, impostor = every_pair(vectors, people)
    calibration = calibrate(vectors, people, origin()).calibration
    smallest = calibration.smallest_fmr
    fmr = 0.1 * (smallest / 0.1) ** share
    threshold = calibration.threshold(fmr)
    accepted = sum(pair.similarity >= threshold.similarity + 1e-6 for pair in impostor)
    assert accepted <= fmr * len(impostor) * (1 + 1e-9)
    assert threshold.fmr_bounds[0] <= accepted / len(impostor)


def test_between_rungs_the_threshold_is_near_that_of_the_data_and_rises_as_the_rate_falls() -> None:
    vectors, people = drawn_people([2] * 150, seed=5)
    similarities = np.sort((vectors @ vectors.T)[people[:, None] < people[None]])[::-1]
    calibration = calibrate(vectors, people, origin()).calibration
    rates = np.geomspace(0.1, calibration.smallest_fmr, 200)
    found = [calibration.threshold(float(fmr)).similarity for fmr in rates]
    assert (np.diff(found) >= -1e-12).all()
    exact = [float(similarities[int(fmr * len(similarities) + 1e-9)]) for fmr in rates[:150]]  # beyond, pairs are few
    assert max(np.abs(np.array(found[:150]) - exact)) < 0.02


def test_a_lift_is_what_the_rates_between_two_rungs_need_and_no_more() -> None:
    """By the rates: which threshold the data ask for at each, and how far the line without a lift is below it."""
    vectors, people = drawn_people([2] * 40, seed=5)
    fitted = calibrate(vectors, people, origin())
    shares = fitted.counts.false_matches / fitted.counts.impostor_pairs
    lifts = []
    for laxer, stricter in pairwise(fitted.calibration.thresholds):
        rates = np.unique(shares[(shares > stricter.fmr) & (shares <= laxer.fmr)]) * (1 - 1e-9)
        line = np.interp(-np.log(rates), -np.log([laxer.fmr, stricter.fmr]), [laxer.similarity, stricter.similarity])
        needed = [similarity_of(fitted.counts.step_at(float(fmr))) for fmr in rates]
        short = float(np.max(needed - line, initial=0.0))
        assert short - 1e-9 <= laxer.lift < short + 1.0001e-4  # a lift is in whole steps
        lifts.append(laxer.lift)
    assert sum(lift > 1e-3 for lift in lifts) > 3
    assert fitted.calibration.thresholds[-1].lift == 0


def test_between_rungs_a_step_apart_no_rate_is_exceeded() -> None:
    """15 of 210 pairs have similarity 0.30018, all others less than 0.3001: 7.14 % match at 0.3001, none at 0.3002."""
    share = np.array([0.30018] * 6 + [0.29995] * 15)  # of a direction that all have
    vectors = np.hstack([np.sqrt(share)[:, None], np.diag(np.sqrt(1 - share))]).astype(np.float32)
    calibration = calibrate(vectors, np.arange(21), origin()).calibration
    assert [rung.similarity for rung in calibration.thresholds[:2]] == [0.3001, 0.3002]
    assert calibration.threshold(0.999 * 15 / 210).similarity > 0.30018


def test_between_rungs_a_rate_is_as_unsure_as_at_the_less_sure_one() -> None:
    calibration = drawn([2] * 40)
    for laxer, stricter in pairwise(calibration.thresholds):
        fmr = math.sqrt(laxer.fmr * stricter.fmr)
        threshold = calibration.threshold(fmr)
        high = max(rung.fmr_high / rung.fmr for rung in (laxer, stricter))
        assert threshold.fmr_bounds == pytest.approx((stricter.fmr_low, fmr * high))
        assert threshold.fnmr_bounds == (laxer.fnmr_low, stricter.fnmr_high)
        assert calibration.threshold(stricter.fmr * (1 + 1e-12)).similarity == stricter.similarity


def test_thirty_pairs_of_two_people_are_enough_for_one_threshold() -> None:
    calibration = drawn([5, 6])
    assert (calibration.rates, calibration.data.people, calibration.data.impostor_pairs) == ((0.1,), 2, 30)
    assert calibration.threshold(0.1).similarity == calibration.thresholds[0].similarity


def test_where_all_strangers_are_equally_unlike_no_pair_is_accepted_just_above() -> None:
    calibration = calibrate(np.eye(9, dtype=np.float32), np.arange(9), origin()).calibration
    for rung in calibration.thresholds:
        assert (rung.similarity, rung.lift, rung.false_matches, rung.fmr_low) == (1e-4, 0, 0, 0)
    assert calibration.threshold(0.09).similarity == 1e-4


def test_of_a_rate_between_rungs_at_most_the_share_of_the_stricter_one_is_refused() -> None:
    vectors, people = drawn_people([2] * 60, seed=5)
    calibration = calibrate(vectors, people, origin()).calibration
    on, between, stricter = (calibration.threshold(fmr) for fmr in (0.05, 0.03, 0.02))
    assert (on.is_between, between.is_between, stricter.is_between) == (False, True, False)
    genuine, _ = every_pair(vectors, people)
    refused = np.mean([pair.similarity < between.similarity for pair in genuine])
    assert on.fnmr <= refused <= between.fnmr == stricter.fnmr


def test_a_rate_above_the_ladder_has_its_first_threshold() -> None:
    calibration = drawn([2] * 20)
    assert calibration.threshold(0.7).similarity == calibration.thresholds[0].similarity


def test_a_rate_that_the_pairs_do_not_support_is_refused_with_what_it_takes() -> None:
    calibration = drawn([2] * 28)  # 1,512 impostor pairs
    with pytest.raises(CalibrationError) as caught:
        calibration.threshold(1e-4)
    text = str(caught.value)
    assert "FMR 0.0001 is beyond this calibration: it has 1,512 impostor pairs of 28 people" in text
    assert "Smallest FMR here: 0.00198" in text
    assert "It takes 30,000 impostor pairs, which is all pairs of 246 people" in text
    assert 245 * 244 / 2 < 30_000 <= 246 * 245 / 2
    assert "below 3/n at 95 %" in text


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 5, math.nan])
def test_a_rate_is_a_share(rate: float) -> None:
    calibration = drawn([2] * 20)
    with pytest.raises(InputError, match="share between 0 and 1, such as 1e-3; got"):
        calibration.threshold(rate)
    with pytest.raises(InputError, match="identification rate is a share"):
        calibration.identification_threshold(rate, 10)


def test_a_search_needs_the_rate_that_makes_its_own_and_a_growing_gallery_a_higher_threshold() -> None:
    calibration = drawn([2] * 150)
    found = [calibration.identification_threshold(0.1, size) for size in (1, 10, 100, 1000)]
    for threshold, size in zip(found, (1, 10, 100, 1000), strict=True):
        assert (threshold.fpir, threshold.size) == (0.1, size)
        assert 1 - (1 - threshold.fmr) ** size == pytest.approx(0.1)
        assert threshold.similarity == calibration.threshold(threshold.fmr).similarity
    assert [one.similarity for one in found] == sorted(one.similarity for one in found)
    assert found[0].similarity < found[-1].similarity


def test_a_search_that_the_pairs_do_not_support_is_refused_with_what_they_do() -> None:
    calibration = drawn([2] * 28)
    smallest = calibration.smallest_fmr
    with pytest.raises(CalibrationError) as caught:
        calibration.identification_threshold(0.01, 1000)
    text = str(caught.value)
    assert "FPIR 0.01 in a search of 1,000 needs FMR 1e-05, and this calibration supports 0.002" in text
    assert "FPIR 0.01 up to a size of 5." in text
    assert f"supports FPIR {1 - (1 - smallest) ** 1000:.2g} or more" in text
    assert calibration.largest_size(0.01) == 5
    calibration.identification_threshold(0.01, 5)
    with pytest.raises(CalibrationError, match="up to a size of 5"):
        calibration.identification_threshold(0.01, 6)
    calibration.identification_threshold(calibration.smallest_fpir(1000), 1000)
    with pytest.raises(CalibrationError, match="one comparison or more; got a size of 0"):
        calibration.identification_threshold(0.01, 0)


def test_too_few_pairs_and_copies_under_several_names_give_no_calibration() -> None:
    with pytest.raises(CalibrationError, match="12 impostor pairs are too few for any threshold: 30 are the least"):
        drawn([2, 2, 2])
    copies = np.tile(np.float32([1, 0]), (9, 1))
    with pytest.raises(CalibrationError, match="the same photos lie under several names"):
        calibrate(copies, np.arange(9), origin())
    rows = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    rounded = np.repeat(rows / np.linalg.norm(rows, axis=1, keepdims=True), 20, axis=0)  # float32: 0.99999994 alike
    with pytest.raises(CalibrationError, match="the same photos lie under several names"):
        calibrate(rounded, np.arange(40), origin())


def test_copies_end_the_ladder_where_they_begin() -> None:
    vectors, people = drawn_people([1] * 60, seed=6)
    vectors[1:6] = vectors[0]  # one photo under six names: 15 of 1,770 pairs have similarity 1
    calibration = calibrate(vectors, people, origin()).calibration
    assert calibration.smallest_fmr == 0.01
    with pytest.raises(CalibrationError, match=r"Smallest FMR here: 0\.01"):
        calibration.threshold(0.005)


def test_without_two_photos_of_anybody_there_is_no_fnmr() -> None:
    calibration = drawn([1] * 30)
    threshold = calibration.threshold(0.05)
    assert (threshold.fnmr, threshold.fnmr_bounds, calibration.data.genuine_pairs) == (None, None, 0)


def test_a_calibration_is_for_one_contract() -> None:
    calibration = drawn([2] * 20)
    calibration.require(CONTRACT)
    with pytest.raises(ContractMismatch, match=f"for drawn, contract {CONTRACT}, and not for contract ffff"):
        calibration.require("ffff")
