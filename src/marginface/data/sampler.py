"""Which crops make a batch: pure functions of (seed, step), so that a run can resume at any step and on any machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from marginface.errors import InputError
from marginface.values import DoubleArray, IntArray, frozen

_IDENTITIES, _IMAGES = 1, 2  # streams of random numbers besides 0, which is that of (seed, counter) alone


def steps_per_epoch(num_images: int, batch_size: int) -> int:
    """Return how many whole batches an epoch has; the rest of the images is left to the next epochs.

    Raises:
        InputError: an epoch would have no batch.
    """
    if batch_size < 1 or num_images < batch_size:
        raise InputError(f"a batch has 1 to {num_images} images (all there are); got batch_size = {batch_size}")
    return num_images // batch_size


def generator(seed: int, counter: int, stream: int = 0) -> np.random.Generator:
    """Return NumPy's Philox generator keyed by numbers ≥ 0: equal on every machine and in every process."""
    if seed < 0 or counter < 0 or stream < 0:
        raise InputError(f"seed, counter and stream are ≥ 0; got {seed}, {counter} and {stream}")
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, counter, stream])))


@lru_cache(maxsize=4)
def _identity_order(identities: int, seed: int, round_: int) -> IntArray:
    order: IntArray = frozen(generator(seed, round_, _IDENTITIES).permutation(identities).astype(np.int64))
    return order


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


@dataclass(frozen=True, eq=False)
class IdentityBatches:
    """Batches of P identities × K images (P × K), for losses that compare the images of a batch with each other.

    A round is a new order of all C identities cut into C // P batches, so that a batch holds an identity once, a round
    too, and the C mod P identities that a round leaves out are others each time. The K images of an identity are drawn
    without replacement; one with fewer than K images gives all it has, then some of them again (``short_identities``
    counts those).
    """

    labels: IntArray
    images_per_identity: int
    _order: IntArray = field(init=False, repr=False)
    _starts: IntArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.images_per_identity < 2:
            raise InputError(
                f"images_per_identity is at least 2, or there are no pairs; got {self.images_per_identity}"
            )
        if len(np.unique(self.labels)) < 2:
            raise InputError("batches of identities need at least 2 identities: pairs of different ones")
        counts = np.bincount(self.labels)
        object.__setattr__(self, "_order", frozen(np.argsort(self.labels, kind="stable").astype(np.int64)))
        object.__setattr__(self, "_starts", frozen(np.concatenate([[0], counts[counts > 0].cumsum()]).astype(np.int64)))

    @property
    def short_identities(self) -> int:
        """How many identities have fewer than K images."""
        return int((np.diff(self._starts) < self.images_per_identity).sum())

    def batch(self, batch_size: int, seed: int, step: int) -> IntArray:
        """Return the images of one step, (batch_size,): K of an identity, then K of the next one, and so on.

        Raises:
            InputError: batch_size is no multiple of K, or asks for fewer than 2 or more than C identities.
        """
        identities = self._checked(batch_size)
        round_, place = divmod(step, (len(self._starts) - 1) // identities)
        chosen = _identity_order(len(self._starts) - 1, seed, round_)[place * identities : (place + 1) * identities]
        random = generator(seed, step, _IMAGES)
        return np.concatenate([self._images(int(identity), random) for identity in chosen])

    def _checked(self, batch_size: int) -> int:
        """Return P."""
        identities, rest = divmod(batch_size, self.images_per_identity)
        if rest or not 2 <= identities < len(self._starts):
            raise InputError(
                f"a batch has P × {self.images_per_identity} images, P from 2 to {len(self._starts) - 1} (all there "
                f"are); got batch_size = {batch_size}"
            )
        return identities

    def _images(self, identity: int, random: np.random.Generator) -> IntArray:
        """Return K images of an identity."""
        images = random.permutation(self._order[self._starts[identity] : self._starts[identity + 1]])
        missing = max(self.images_per_identity - len(images), 0)
        again = random.choice(images, missing)
        return np.concatenate([images[: self.images_per_identity], again])


def image_probability(labels: IntArray, power: float) -> DoubleArray:
    """Return the probability (N,) of each image when identities are drawn ∝ n**power: n**(power − 1) / sum."""
    counts = np.bincount(labels).astype(np.float64)
    weights: DoubleArray = counts[labels] ** (power - 1)
    weights /= weights.sum()
    return weights
