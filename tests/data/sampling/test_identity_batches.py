"""Batches of P identities × K images."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.data.sampling.sampler import IdentityBatches
from marginface.errors import InputError
from oracles.patience import PATIENCE

COUNTS = [5, 2, 9, 1, 4, 4, 30]  # images of each identity
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(len(COUNTS)), COUNTS))


@given(st.lists(st.integers(1, 12), min_size=2, max_size=20), st.integers(2, 5), st.integers(2, 6), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_a_batch_is_p_different_identities_with_k_images_each(
    counts: list[int], images: int, identities: int, step: int
) -> None:
    if identities > len(counts):
        return
    labels = np.repeat(np.arange(len(counts)), counts)
    batches = IdentityBatches(labels, images)
    batch = batches.batch(identities * images, seed=4, step=step)
    assert batch.shape == (identities * images,)
    rows = labels[batch].reshape(identities, images)
    assert (rows == rows[:, :1]).all()
    assert len(set(rows[:, 0].tolist())) == identities
    for row in batch.reshape(identities, images):
        has = counts[labels[row[0]]]
        assert len(set(row.tolist())) == min(has, images)  # each image once, or all there are and some again
    assert batches.short_identities == sum(count < images for count in counts)


def test_a_round_has_every_identity_once_but_for_the_rest_and_an_epoch_all_about_equally() -> None:
    batches = IdentityBatches(LABELS, 4)  # 3 of 7 identities a batch: two batches a round, one identity left out
    visits = np.zeros(7)
    for number in range(300):
        seen = [LABELS[batches.batch(12, 1, 2 * number + half)][::4] for half in (0, 1)]
        identities = np.concatenate(seen)
        assert len(set(identities.tolist())) == 6
        visits[identities] += 1
    assert visits.sum() == 1800
    assert abs(visits / 300 - 6 / 7).max() < 0.06  # 3 standard deviations of a fair draw


def test_every_image_of_an_identity_comes_about_as_often() -> None:
    batches = IdentityBatches(LABELS, 4)
    drawn = np.concatenate([batches.batch(28, 0, step) for step in range(600)])
    largest = np.bincount(drawn, minlength=len(LABELS))[LABELS == 6]
    assert largest.sum() == 2400
    assert largest.min() > 50
    assert largest.max() < 112  # 80 expected


def test_a_step_is_the_same_in_another_process_and_without_the_steps_before() -> None:
    code = (
        "import numpy as np; from marginface.data.sampling.sampler import IdentityBatches; "
        "print(IdentityBatches(np.arange(400) // 9, 4).batch(32, 3, 777).tolist())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    assert other.strip() == str(IdentityBatches(np.arange(400) // 9, 4).batch(32, 3, 777).tolist())


def test_seeds_rounds_and_steps_differ() -> None:
    batches = IdentityBatches(np.arange(400) // 10, 4)
    first = batches.batch(160, 0, 0).tolist()  # all identities: a step is a round
    assert first != batches.batch(160, 1, 0).tolist()
    assert first != batches.batch(160, 0, 1).tolist()
    assert sorted(first) != sorted(batches.batch(160, 0, 1).tolist())


def test_labels_that_no_image_has_are_no_identities() -> None:
    batches = IdentityBatches(np.array([3, 3, 9, 9, 9]), 2)
    assert {tuple(sorted(batches.batch(4, 0, step) >= 2)) for step in range(5)} == {(False, False, True, True)}
    with pytest.raises(InputError, match="P from 2 to 2"):
        batches.batch(6, 0, 0)


@pytest.mark.parametrize("size", [4, 13, 32])
def test_a_batch_size_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(InputError, match=rf"P × 4 images, P from 2 to 7.*got batch_size = {size}"):
        IdentityBatches(LABELS, 4).batch(size, 0, 0)


def test_too_few_images_or_identities_are_refused() -> None:
    with pytest.raises(InputError, match="at least 2, or there are no pairs; got 1"):
        IdentityBatches(LABELS, 1)
    for labels in ([0, 0, 0], []):
        with pytest.raises(InputError, match="at least 2 identities"):
            IdentityBatches(np.array(labels, dtype=np.int64), 2)
