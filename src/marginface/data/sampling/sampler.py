"""Which crops make a batch: pure functions of (seed, step), so that a run can resume at any step and on any machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock

import numpy as np

from marginface.errors import InputError
from marginface.values import DoubleArray, IntArray, frozen

_IDENTITIES, _IMAGES, _BLOCKS, _BUFFERS = (
    1,
    2,
    3,
    4,
)  # streams of random numbers besides 0, which is that of (seed, counter) alone


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


@lru_cache(maxsize=2)  # the last batches of an epoch are made beside the first of the next
def _epoch_order(num_images: int, seed: int, epoch: int) -> IntArray:
    order: IntArray = frozen(generator(seed, epoch).permutation(num_images).astype(np.int64, copy=False))
    return order


_ORDERING = Lock()  # where an epoch begins all workers ask at once, and each would make hundreds of megabytes


def batch_indices(num_images: int, batch_size: int, seed: int, step: int) -> IntArray:
    """Return the images of one step, (batch_size,): a new permutation each epoch, the last part batch dropped.

    >>> batch_indices(6, 3, seed=1, step=0).tolist() == batch_indices(6, 3, seed=1, step=0).tolist()
    True
    """
    steps = steps_per_epoch(num_images, batch_size)
    epoch, place = divmod(step, steps)
    with _ORDERING:
        order = _epoch_order(num_images, seed, epoch)
    return order[place * batch_size : (place + 1) * batch_size]


@dataclass(frozen=True, eq=False)
class BlockOrder:
    """Each image once an epoch, in an order that a store which is slow at random places can follow.

    The images are cut into blocks of neighbors. An epoch is a new order of the blocks; as many of them as have
    ``buffer`` images are taken at a time, and the images of these are shuffled. Two images of one block then meet in a
    batch about num_images / buffer times as often as in a full shuffle, and a block is read within one buffer.

    Args:
        starts: where each block begins, from 0 on, (B,); see ``block_starts``.
        num_images: N.
        buffer: images that are mixed at a time; the last block of them may reach beyond.
    """

    starts: IntArray
    num_images: int
    buffer: int

    def __post_init__(self) -> None:
        sizes = np.diff([0, *self.starts, self.num_images])
        if self.buffer < 1 or len(self.starts) == 0 or self.starts[0] != 0 or (sizes[1:] < 1).any():
            raise InputError(
                f"blocks begin at 0 and further on, below {self.num_images} images, and buffer is ≥ 1; got starts "
                f"{self.starts[:5].tolist()} … and buffer {self.buffer}"
            )

    def batch(self, batch_size: int, seed: int, step: int) -> IntArray:
        """Return the images of one step, (batch_size,): a new order each epoch, the last part batch dropped."""
        epoch, place = divmod(step, steps_per_epoch(self.num_images, batch_size))
        first, stop = place * batch_size, (place + 1) * batch_size
        begins = _buffers(self, seed, epoch)[2]
        touched = [int(number) - 1 for number in np.searchsorted(begins, [first, stop - 1], "right")]
        images = [_buffer_order(self, seed, epoch, number) for number in range(touched[0], touched[1] + 1)]
        skipped = first - int(begins[touched[0]])
        return np.concatenate(images)[skipped : skipped + batch_size]


def block_starts(num_images: int, block: int, together: IntArray) -> IntArray:
    """Return where blocks of at least ``block`` neighbors begin, (B,); the last one may have fewer.

    Args:
        num_images: N.
        block: the fewest images of a block.
        together: where what the store reads at once begins (a row group of Parquet): it stays in one block. Empty where
            every image is read by itself.
    """
    if block < 1 or num_images < 1:
        raise InputError(f"a block and the data have at least 1 image; got {block} and {num_images}")
    if len(together) == 0:
        return np.arange(0, num_images, block, dtype=np.int64)
    starts = [0]
    for start in together.tolist():
        if starts[-1] + block <= start < num_images:
            starts.append(start)
    return np.asarray(starts, dtype=np.int64)


@lru_cache(maxsize=4)
def _buffers(order: BlockOrder, seed: int, epoch: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return the blocks of an epoch in their order, the first block of each buffer, and the images before it."""
    blocks = generator(seed, epoch, _BLOCKS).permutation(len(order.starts)).astype(np.int64)
    sizes = np.diff(order.starts, append=order.num_images)[blocks]
    before = np.cumsum(sizes) - sizes
    first = np.flatnonzero(np.diff(before // order.buffer, prepend=-1))
    return frozen(blocks), frozen(first), frozen(before[first])


@lru_cache(maxsize=8)
def _buffer_order(order: BlockOrder, seed: int, epoch: int, number: int) -> IntArray:
    """Return the images of a buffer in the order in which they come."""
    blocks, first, _ = _buffers(order, seed, epoch)
    last = first[number + 1] if number + 1 < len(first) else len(blocks)
    ends = np.append(order.starts[1:], order.num_images)
    images = np.concatenate([np.arange(order.starts[b], ends[b]) for b in blocks[first[number] : last]])
    random = generator(seed, epoch * len(blocks) + number, _BUFFERS)
    shuffled: IntArray = frozen(random.permutation(images))
    return shuffled


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
