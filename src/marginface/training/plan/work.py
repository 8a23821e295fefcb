"""Multiplications and traffic of a step."""

from __future__ import annotations

from marginface.training.plan.head import Head, Way
from marginface.training.plan.memory import NUMBER, Share

_LABEL = 8  # bytes
_VECTORS = 2  # of N numbers that are summed over processes: Σ exp and the target's cosine


def multiplications(head: Head, way: Way) -> int:
    """Return the multiplications of the matrix products of a step, each process.

    The products are N×C×D each: logits, gradient by the features, gradient by the centres; once more the logits where
    tiles are computed again.
    """
    share = Share.of(head, way)
    again = way.implementation != "dense" and (way.tiles == "recompute" or head.through_curves)
    return (3 + again) * share.samples * share.used * head.dim


def sent_bytes(head: Head, way: Way) -> int:
    """Return what a process sends in a step, by algorithms on a ring; it receives as much.

    Each of the R − 1 others gets the features and labels of its batch and sends back its part of their gradient; the
    sums go around twice.
    """
    others = (way.ranks - 1) * head.batch
    return others * (2 * head.dim * NUMBER + _LABEL + 2 * _VECTORS * NUMBER)
