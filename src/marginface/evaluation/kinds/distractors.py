"""Identification among distractors in suites and listings: MegaFace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.evaluation.kinds.figures import Figure, Numbers, figure_of, one_part, tars
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.distractors import evaluate_distractors, list_probes, probes_and_distractors
from marginface.evaluation.reading import list_anybody, list_people

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class DistractorsEntry(Entry):
    """Identification among distractors: ``distractors``, or those of ``data`` who are no probes."""

    kind: Literal["distractors"]
    distractors: Path | None = None
    people: int = 0
    seed: int = 0
    aligned: bool = False

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate distractors``."""
        listed, split = list_people(self.data), "probes and distractors as given"
        if self.distractors is None:
            listed, among, split = probes_and_distractors(listed, self.people, self.seed)
        else:
            listed, among = list_probes(listed), list_anybody(self.distractors)
        with tools.reader(out, aligned=self.aligned) as reader:
            faces = (part.faces(embedder, reader) for part in (listed, among))
            return evaluate_distractors(embedder, *faces, split=split, seed=self.seed).to_dict()


def _figures(numbers: Numbers) -> Iterator[Figure]:
    for one in numbers["rates"]:
        name = f"rank {one['rank']} among {one['distractors']:,}"
        yield figure_of(name, one["identification_rate"], one["interval_identities"])
    yield from tars(numbers["tar_at_far"])


KIND = Kind("distractors", frozenset({"rates", "probe_people"}), one_part("distractors", _figures), DistractorsEntry)
