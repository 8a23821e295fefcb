"""Verification by group in suites and listings: RFW, BFW."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.data.pairs.bfw import read_bfw
from marginface.data.pairs.rfw import read_rfw
from marginface.evaluation.kinds.figures import Figure, Numbers, figure_of, one_part
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.groups import evaluate_groups

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class GroupsEntry(Entry):
    """Verification by group: RFW, or BFW by its table ``pairs``."""

    kind: Literal["groups"]
    pairs: Path | None = None
    by: str = "att"
    aligned: bool = False

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate groups``."""
        data = read_rfw(self.data) if self.pairs is None else read_bfw(self.data, self.pairs, self.by)
        with tools.reader(out, aligned=self.aligned) as reader:
            return evaluate_groups(embedder, data, reader).to_dict()


def _figures(numbers: Numbers) -> Iterator[Figure]:
    for group in numbers["groups"]:
        name, common = group["group"], group["accuracy_at_common_thresholds"]
        yield figure_of(f"accuracy ({name})", group["accuracy_mean"], group["accuracy_interval_identities"])
        ends = group["accuracy_at_common_thresholds_interval"]
        yield figure_of(f"accuracy at common thresholds ({name})", common, ends)


_MARKS = frozenset({"groups", "own_accuracies", "at_the_common_threshold"})
KIND = Kind("groups", _MARKS, one_part("groups", _figures), GroupsEntry)
