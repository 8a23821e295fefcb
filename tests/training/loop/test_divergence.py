from __future__ import annotations

import math

import numpy as np
import pytest

from marginface.errors import DataError, TrainingDiverged
from marginface.training.loop.divergence import LossWatch, check_labels, first_loss_note


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_at_once_with_advice(loss: float) -> None:
    with pytest.raises(TrainingDiverged, match=r"step 3: the loss is (nan|inf)\. .*halve optim\.learning_rate"):
        LossWatch().check(3, loss, settling=True)


def test_a_loss_that_runs_away_stops() -> None:
    watch = LossWatch()
    for step in range(100):
        watch.check(step, 5.0, settling=False)
    for step in range(100, 105):
        watch.check(step, 40.0, settling=False)
    with pytest.raises(TrainingDiverged, match="step 105: the loss runs away"):
        watch.check(105, 60.0, settling=False)


def test_one_bad_batch_and_a_growing_margin_do_not_stop_a_run() -> None:
    watch = LossWatch()
    for step in range(100):
        watch.check(step, 5.0 if step != 80 else 40.0, settling=False)
    grown = LossWatch()
    for step in range(200):
        grown.check(step, 7.0 + 33.0 * min(step / 100, 1), settling=step < 100)


def test_labels_out_of_range_and_identities_without_images_are_named() -> None:
    check_labels(np.array([0, 1, 2, 1]), 3)
    with pytest.raises(DataError, match="0 to 1; got int64, 0 to 2"):
        check_labels(np.array([0, 1, 2]), 2)
    with pytest.raises(DataError, match="got int32"):
        check_labels(np.array([0, 1], dtype=np.int32), 2)
    with pytest.raises(DataError, match="1 of 3 identities have no image"):
        check_labels(np.array([0, 2]), 3)


def test_the_first_loss_of_a_fresh_head_is_expected_and_others_are_noted() -> None:
    assert first_loss_note(math.log(100), 100, 64.0) == ""
    assert first_loss_note(45.0, 100, 64.0) == ""
    assert "expected" in first_loss_note(0.01, 100, 64.0)
    assert "expected" in first_loss_note(500.0, 100, 64.0)
    assert first_loss_note(500.0, 100, None) == ""


def test_a_watch_that_has_seen_the_steps_of_a_journal_judges_the_next_as_if_it_had_never_stopped() -> None:
    losses = [5.0] * 60 + [18.0] * 60
    whole = LossWatch()
    for step, loss in enumerate(losses):
        whole.check(step, loss, settling=False)
    resumed = LossWatch()
    for loss in losses:
        resumed.see(loss, settling=False)
    for watch in (whole, resumed):
        for step in (120, 121, 122):
            watch.check(step, 24.0, settling=False)
        with pytest.raises(TrainingDiverged, match=r"step 123: the loss runs away: 20, 4 times the 5 "):
            watch.check(123, 24.0, settling=False)


def test_a_journal_that_would_have_been_stopped_is_seen_without_a_word() -> None:
    watch = LossWatch()
    for loss in [5.0] * 60 + [100.0] * 60:
        watch.see(loss, settling=False)
    with pytest.raises(TrainingDiverged, match="step 121"):
        watch.check(121, 100.0, settling=False)
