"""Bytes of a process at its peak: what lives at each moment of a step, and the moment with the most.

Found by recording every allocation of torch 2.13 on a CPU; benchmarks/plan.py compares with what processes take. It
holds from the second step on: the optimizer's state is there, the gradient of the step before is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from marginface.losses.chunked.tiles import Tiling
from marginface.training.learning.skipped_steps import ROWS
from marginface.training.plan.head import NUMBER, Head, Way

_DENSE_COPIES = 4  # normalized centers, their gradient, and what dividing by the lengths needs going back
_DENSE_LOGITS = 5.25  # N×C each: logits, their exponentials and gradients, and who is true as bytes
_BATCH_COPIES = 7  # N×D each: queries and the same transposed, means, own centers, weighted queries, gradients
_GATHERED_COPIES = 1  # and the features of all processes
_CURVE_TILES = 9.25  # tiles at once where one goes through autograd


@dataclass(frozen=True)
class Moment:
    """A moment of a step, and the bytes that live then, by part."""

    name: str
    parts: Mapping[str, int]

    @property
    def bytes(self) -> int:
        """All of it."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Share:
    """A process's rows of centers, those that take part in a step, the samples they meet, the rows of a tile."""

    rows: int
    used: int
    samples: int
    tile: int

    @classmethod
    def of(cls, head: Head, way: Way) -> Share:
        """Return the largest share of any process."""
        classes = -(-head.classes // way.ranks)
        true = min(classes, head.batch)  # each process has as many true classes as it has images, on average
        used = classes if way.sample_rate == 1 else min(classes, max(round(way.sample_rate * classes), true))
        samples, each = way.ranks * head.batch, head.sub_centers
        tile = min(Tiling().classes_for(samples), used)
        return cls(classes * each, used * each, samples, tile * each)


def peak_of(head: Head, way: Way) -> Moment:
    """Return the moment of a step with the most memory."""
    return max(moments(head, way), key=lambda moment: moment.bytes)


def moments(head: Head, way: Way) -> tuple[Moment, ...]:
    """Return the moments of a step that can be its peak."""
    share = Share.of(head, way)
    if way.implementation == "dense":
        return _dense(head, share)
    if way.sample_rate == 1:
        return _chunked(head, way, share)
    return _sampled(head, way, share)


def _moment(name: str, head: Head, share: Share, **parts: float) -> Moment:
    """Return a moment; the parts are numbers besides centers and optimizer state, which are always there."""
    centers = share.rows * head.dim
    numbers = {"centers": centers, "optimizer_state": head.optimizer.states * centers, **parts}
    return Moment(name, MappingProxyType({part: round(NUMBER * count) for part, count in numbers.items()}))


def _dense(head: Head, share: Share) -> tuple[Moment, ...]:
    centers, lengths, logits = share.rows * head.dim, 2 * share.rows, share.rows * share.samples
    batch = share.samples * head.dim
    return (
        _moment("softmax", head, share, logits=_DENSE_LOGITS * logits, copies=centers + lengths, batch=batch),
        _moment("normalization", head, share, gradient=centers, copies=_DENSE_COPIES * centers + lengths, batch=batch),
        _step(head, share),
    )


def _chunked(head: Head, way: Way, share: Share) -> tuple[Moment, ...]:
    parts = {"tiles": _tiles(head, way, share), "batch": _batch(head, way, share)}
    if way.head_in_backward:
        tile = share.tile * head.dim
        backward = _moment("backward", head, share, gradient=tile, copies=head.optimizer.copies * tile, **parts)
        return (backward,)
    return (_moment("backward", head, share, gradient=share.rows * head.dim, **parts), _step(head, share))


def _sampled(head: Head, way: Way, share: Share) -> tuple[Moment, ...]:
    sample = share.used * head.dim
    drawn = 2 * share.used * 2  # classes and rows, in 8 bytes each
    parts = {"tiles": _tiles(head, way, share), "batch": _batch(head, way, share), "drawn": drawn}
    backward = _moment("backward", head, share, sample=sample, gradient=sample, **parts)
    if not way.head_in_backward:
        whole = _moment("gradient", head, share, sample=sample, gradient=sample + share.rows * head.dim, drawn=drawn)
        return (backward, whole, _step(head, share))
    lag = share.rows if head.optimizer.kind == "sgd" else 0  # the last step of each row
    copies = (1 + head.optimizer.states + head.optimizer.copies) * min(share.used, ROWS) * head.dim
    step = _moment("step", head, share, sample=sample, gradient=sample, copies=copies, drawn=drawn + lag)
    return (_moment("backward", head, share, sample=sample, gradient=sample, **{**parts, "drawn": drawn + lag}), step)


def _step(head: Head, share: Share) -> Moment:
    """The optimizer's step on all centers."""
    centers = share.rows * head.dim
    return _moment("step", head, share, gradient=centers, copies=head.optimizer.copies * centers)


def _tiles(head: Head, way: Way, share: Share) -> float:
    """Return the numbers of tiles: all of them or one, what is computed from one, and the lengths of the centers."""
    if head.through_curves:
        kept = share.used * (share.samples + 1) if way.tiles == "store" else 0
        return kept + _CURVE_TILES * share.tile * share.samples
    kept = share.used if way.tiles == "store" else share.tile
    return kept * share.samples + share.tile * min(share.samples, head.dim) + share.used


def _batch(head: Head, way: Way, share: Share) -> int:
    copies = _BATCH_COPIES + (_GATHERED_COPIES if way.ranks > 1 else 0)
    return copies * share.samples * head.dim
