"""The figures of a file of scores in listings."""

from __future__ import annotations

from collections.abc import Iterator

from marginface.evaluation.kinds.figures import Figure, Numbers, figure_of, one_part, tars
from marginface.evaluation.kinds.kind import Kind


def _figures(numbers: Numbers) -> Iterator[Figure]:
    if numbers["accuracy_mean"] is not None:
        yield figure_of("accuracy", numbers["accuracy_mean"], numbers["accuracy_interval"])
    yield from tars(numbers["tar_at_far"])


KIND = Kind("scores", frozenset({"accuracy_mean", "auc", "eer", "tar_at_far", "file"}), one_part("scores", _figures))
