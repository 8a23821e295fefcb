"""Multiplications and traffic of a step."""

from __future__ import annotations

from marginface.training.plan.head import NUMBER, Head, Way
from marginface.training.plan.memory import Share

_LABEL = 8  # bytes
_TOTALS = 2  # for each sample: the log-sum-exp over a process's classes, and the true class's cosine


def multiplications(head: Head, way: Way) -> int:
    """Return the multiplications of the matrix products of a step, each process.

    The products are N×C×D each: logits, gradient by the features, gradient by the centers; once more the logits where
    tiles are computed again.
    """
    share = Share.of(head, way)
    again = way.implementation != "dense" and way.tiles == "recompute"
    return (3 + again) * share.samples * share.used * head.dim


def sent_bytes(head: Head, way: Way) -> int:
    """Return what a process sends in a step (losses.sharded), on a ring; it receives as much.

    Each of the R − 1 others gets the features and labels of its n images, and the gradient by its totals; sends back
    its part of the gradient by those features; and gets the totals of all R·n samples over its classes.
    """
    of_image = 2 * head.dim * NUMBER + _LABEL + _TOTALS * NUMBER
    of_all = way.ranks * head.batch * _TOTALS * NUMBER
    return (way.ranks - 1) * (head.batch * of_image + of_all)
