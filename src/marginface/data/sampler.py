"""Which crops make a batch: pure functions of (seed, step), so that a run can resume at any step and on any machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from marginface.errors import InputError
from marginface.values import DoubleArray, IntArray, frozen


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Return how many whole batches an epoch has; the rest of the images is left to the next epochs.

    Raises:
        InputError: an epoch would have no batch.
    """
    if batch_size < 1 or num_images < batch_size:
        raise InputError(f"a batch has 1 to {num_images} images (all there are); got batch_size = {batch_size}")
    return num_images // batch_size


def generator(seed: int, counter: int) -> np.random.Generator:
    """Return NumPy's Philox generator keyed by two numbers ≥ 0: equal on every machine and in every process."""
    if seed < 0 or counter < 0:
        raise InputError(f"seed and counter are ≥ 0; got {seed} and {counter}")
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, counter])))


@lru_cache(maxsize=4)
def _epoch_order(num_images: int, seed: int, epoch: int) -> IntArray:
    order: IntArray = frozen(generator(seed, epoch).permutation(num_images).astype(np.int64))
    return order


def batch_indices(num_images: int, batch_size: int, seed: int, step: int) -> IntArray:
    """Return the images of one step, (batch_size,): a new permutation each epoch, the last part batch dropped.

    >>> batch_indices(6, 3, seed=1, step=0).tolist() == batch_indices(6, 3, seed=1, step=0).tolist()
    True
    """
    steps = steps_per_epoch(num_images, batch_size)
    epoch, place = divmod(step, steps)
    return _epoch_order(num_images, seed, epoch)[place * batch_size : (place + 1) * batch_size]


@dataclass(frozen=True, eq=False)
class BalancedBatches:
    """Batches in which an identity with n images is drawn with probability ∝ n**power, with replacement.

    power 1 is uniform over images, 0.5 the square root (a usual answer to long tails), 0 uniform over identities;
    within an identity every image is as likely.
    """

    labels: IntArray
    power: float = 0.5
    _cumulative: DoubleArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.power <= 1:
            raise InputError(f"power is in [0, 1] (1 = uniform over images, 0 = over identities); got {self.power}")
        if len(self.labels) == 0:
            raise InputError("balanced batches need labels (N,) with N > 0; got none")
        object.__setattr__(self, "_cumulative", frozen(np.cumsum(image_probability(self.labels, self.power))))

    def batch(self, batch_size: int, seed: int, step: int) -> IntArray:
        """Return the images of one step, (batch_size,)."""
        cumulative = self._cumulative
        places = generator(seed, step).random(batch_size) * cumulative[-1]
        found: IntArray = np.searchsorted(cumulative, places, side="right").astype(np.int64)
        return np.minimum(found, len(cumulative) - 1)


def image_probability(labels: IntArray, power: float) -> DoubleArray:
    """Return the probability (N,) of each image when identities are drawn ∝ n**power: n**(power − 1) / sum."""
    counts = np.bincount(labels).astype(np.float64)
    weights: DoubleArray = counts[labels] ** (power - 1)
    weights /= weights.sum()
    return weights
