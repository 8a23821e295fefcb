from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.data.sampler import BalancedBatches, batch_indices, image_probability, steps_per_epoch
from marginface.errors import InputError


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 5), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_an_epoch_visits_no_image_twice_and_leaves_out_less_than_a_batch(
    n: int, batch: int, seed: int, epoch: int
) -> None:
    if batch > n:
        return
    steps = steps_per_epoch(n, batch)
    seen = np.concatenate([batch_indices(n, batch, seed, epoch * steps + k) for k in range(steps)])
    assert len(set(seen.tolist())) == len(seen) == steps * batch > n - batch
    assert seen.min() >= 0
    assert seen.max() < n


def test_a_step_is_the_same_in_another_process_and_without_the_steps_before() -> None:
    code = "from marginface.data.sampler import batch_indices; print(batch_indices(1000, 8, 3, 777).tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other.strip() == str(batch_indices(1000, 8, 3, 777).tolist())


def test_seeds_and_epochs_differ() -> None:
    first = batch_indices(1000, 100, 0, 0).tolist()
    assert first != batch_indices(1000, 100, 1, 0).tolist()
    assert first != batch_indices(1000, 100, 0, 10).tolist()


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(InputError, match="1 to 5 images"):
        batch_indices(5, 6, 0, 0)


@pytest.mark.parametrize(("power", "expected"), [(1.0, [0.1, 0.9]), (0.5, [0.25, 0.75]), (0.0, [0.5, 0.5])])
def test_the_power_sets_how_often_an_identity_with_nine_times_the_images_comes(
    power: float, expected: list[float]
) -> None:
    labels = np.array([0] + [1] * 9)
    drawn = BalancedBatches(labels, power).batch(20_000, seed=0, step=0)
    share = np.bincount(labels[drawn], minlength=2) / 20_000
    assert share == pytest.approx(expected, abs=0.015)
    assert np.bincount(drawn, minlength=10)[1:].std() < 0.1 * np.bincount(drawn)[1:].mean()
    assert image_probability(labels, power)[0] == pytest.approx(expected[0])


def test_balanced_batches_are_a_function_of_seed_and_step() -> None:
    labels = np.arange(100) // 7
    again = [BalancedBatches(labels, 0.5).batch(16, 2, step).tolist() for step in (5, 5, 6)]
    assert again[0] == again[1] != again[2]


def test_a_power_outside_0_to_1_is_refused() -> None:
    with pytest.raises(InputError, match="power"):
        BalancedBatches(np.zeros(3, dtype=np.int64), 1.5)
