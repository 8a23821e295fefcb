"""All pairs of a set in suites and listings: MFR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.evaluation.kinds.figures import Figure, Numbers, one_part, tars
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.all_pairs import evaluate_all_pairs, parts_of
from marginface.evaluation.reading import list_people
from marginface.evaluation.scoring.slices import read_metadata

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class AllPairsEntry(Entry):
    """All pairs of a set and of its groups by columns of ``metadata``."""

    kind: Literal["all-pairs"]
    metadata: Path | None = None
    slices: tuple[str, ...] = ()
    cross: str = ""
    fars: tuple[float, ...] = ()
    aligned: bool = False

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate all-pairs``."""
        about = None if self.metadata is None else read_metadata(self.metadata)
        listed, fars = list_people(self.data), self.fars or None
        parts = parts_of(listed, about, self.slices, self.cross, fars)
        with tools.reader(out, aligned=self.aligned) as reader:
            return evaluate_all_pairs(embedder, listed.faces(embedder, reader), parts, fars=fars).to_dict()


def _figures(numbers: Numbers) -> Iterator[Figure]:
    for number, one in enumerate(numbers["sets"]):
        yield from tars(one["tar_at_far"], f" ({one['set']})" if number else "")


KIND = Kind("all-pairs", frozenset({"sets", "pairs_between"}), one_part("all-pairs", _figures), AllPairsEntry)
