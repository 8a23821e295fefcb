from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.data.sampling import sampler
from marginface.data.sampling.sampler import (
    BalancedBatches,
    BlockOrder,
    batch_indices,
    block_starts,
    image_probability,
    steps_per_epoch,
)
from marginface.errors import InputError
from marginface.values import IntArray
from oracles.patience import PATIENCE


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


def test_workers_that_begin_an_epoch_together_make_its_order_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 42 million images an order is 340 MB: one for each worker of each process would fill the memory."""
    made = []

    def generator(seed: int, counter: int) -> np.random.Generator:
        made.append(counter)
        time.sleep(0.05)
        return np.random.default_rng((seed, counter))

    monkeypatch.setattr(sampler, "generator", generator)
    sampler._epoch_order.cache_clear()
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda step: batch_indices(801, 8, 5, step), range(8)))
    sampler._epoch_order.cache_clear()
    assert made == [0]


def test_a_step_is_the_same_in_another_process_and_without_the_steps_before() -> None:
    code = "from marginface.data.sampling.sampler import batch_indices; print(batch_indices(1000, 8, 3, 777).tolist())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
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


def blocks_of(n: int, block: int, buffer: int) -> BlockOrder:
    return BlockOrder(block_starts(n, block, np.empty(0, np.int64)), n, buffer)


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 90), st.integers(1, 40), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_an_epoch_of_blocks_visits_every_image_once(n: int, block: int, buffer: int, batch: int, epoch: int) -> None:
    order = blocks_of(n, block, buffer)
    if batch <= n:
        steps = steps_per_epoch(n, batch)
        seen = np.concatenate([order.batch(batch, 3, epoch * steps + k) for k in range(steps)])
        assert len(set(seen.tolist())) == len(seen) == steps * batch
        assert np.array_equal(seen, order.batch(n, 3, epoch)[: len(seen)]), "the batches are cut from one order"
    assert sorted(order.batch(n, 3, epoch).tolist()) == list(range(n))


def test_a_buffer_holds_whole_blocks_and_no_others() -> None:
    images = blocks_of(1000, 10, 40).batch(1000, 0, 2)
    buffers = [sorted(set((images[i : i + 40] // 10).tolist())) for i in range(0, 1000, 40)]
    assert all(len(blocks) == 4 for blocks in buffers)
    assert sorted(block for blocks in buffers for block in blocks) == list(range(100))
    assert (np.diff(images) != 1).mean() > 0.9, "the images of a buffer are shuffled"


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_blocks_are_whole_groups_of_the_store_and_as_small_as_allowed(groups: list[int], block: int) -> None:
    together = np.cumsum([0, *groups[:-1]])
    starts = block_starts(sum(groups), block, together)
    assert set(starts.tolist()) <= set(together.tolist())
    sizes = np.diff([*starts, sum(groups)])
    assert (sizes[:-1] >= block).all()
    for start, size in zip(starts[:-1].tolist(), sizes[:-1].tolist(), strict=True):
        inside = together[(together > start) & (together < start + size)]
        assert (inside < start + block).all(), "it could have ended before"


def test_blocks_are_a_function_of_seed_and_step_alone() -> None:
    made = "BlockOrder(np.arange(0, 100_000, 64), 100_000, 2048).batch(8, 3, 34_567)"
    code = f"import numpy as np; from marginface.data.sampling.sampler import BlockOrder; print({made}.tolist())"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout
    order = blocks_of(100_000, 64, 2048)
    assert other.strip() == str(order.batch(8, 3, 34_567).tolist())
    one, *others = [order.batch(50_000, seed, step).tolist() for seed, step in ((0, 0), (1, 0), (0, 2))]
    assert one not in others


def test_every_place_of_an_epoch_is_as_likely_for_an_image_as_in_a_full_shuffle() -> None:
    n, epochs = 960, 400
    order = blocks_of(n, 16, 96)
    place = np.empty((epochs, n))
    for epoch in range(epochs):
        place[epoch, order.batch(n, 0, epoch)] = np.arange(n)
    mean, spread = place.mean(axis=0), place.std(axis=0)
    expected = np.sqrt((n * n - 1) / 12)
    assert np.abs(mean - (n - 1) / 2).max() < 4.5 * expected / np.sqrt(epochs)
    assert spread == pytest.approx(np.full(n, expected), rel=0.15)


@pytest.mark.parametrize("block", [16, 48])
def test_neighbors_meet_as_much_more_often_as_the_buffer_is_smaller_than_the_data(block: int) -> None:
    n, batch, buffer = 9600, 32, 192
    labels = np.arange(n) // 8  # sorted by identity, as packs are
    blocks = blocks_of(n, block, buffer)

    def pairs_of_one_identity(draw: Callable[[int], IntArray]) -> float:
        counts = [np.bincount(labels[draw(step)]) for step in range(300)]
        return sum(int((own * (own - 1)).sum()) / 2 for own in counts)

    uniform = 300 * batch * (batch - 1) / 2 * (8 - 1) / (n - 1)
    assert pairs_of_one_identity(lambda step: batch_indices(n, batch, 0, step)) == pytest.approx(uniform, rel=0.35)
    found = pairs_of_one_identity(lambda step: blocks.batch(batch, 0, step))
    assert found / uniform == pytest.approx((n - 1) / (buffer - 1), rel=0.1)


def test_blocks_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1 image; got 0 and 10"):
        blocks_of(10, 0, 4)
    with pytest.raises(InputError, match="blocks begin at 0 and further on, below 10 images"):
        BlockOrder(np.array([0, 4, 4]), 10, 4)
