"""TinyFace in suites and listings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.data.identification.tinyface import read_tinyface
from marginface.evaluation.kinds.figures import Figure, Numbers, figure_of, one_part
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.tinyface import evaluate_tinyface

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class TinyFaceEntry(Entry):
    """TinyFace."""

    kind: Literal["tinyface"]
    aligned: bool = False

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate tinyface``."""
        with tools.reader(out, aligned=self.aligned) as reader:
            return evaluate_tinyface(embedder, read_tinyface(self.data), reader).to_dict()


def _figures(numbers: Numbers) -> Iterator[Figure]:
    for rank, rate in numbers["identification_rate"].items():
        yield figure_of(f"rank {rank}", rate, numbers["identification_interval"][rank])
    yield figure_of("mAP", numbers["mean_average_precision"], numbers["mean_average_precision_interval"])


_MARKS = frozenset({"mean_average_precision", "identification_rate"})
KIND = Kind("tinyface", _MARKS, one_part("tinyface", _figures), TinyFaceEntry)
