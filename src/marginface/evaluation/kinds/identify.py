"""Open-set identification in suites and listings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.data.identification.photos import identification_split, photos_by_person
from marginface.evaluation.kinds.figures import Figure, Numbers, figure_of, one_part, over_people
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.open_set import evaluate_open_set

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class IdentifyEntry(Entry):
    """Open-set identification on photos of people."""

    kind: Literal["identify"]
    enrolled: int = 1
    strangers: float = 0.0
    seed: int = 0
    distance: str = "cosine"
    aligned: bool = False

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate identify``."""
        photos = photos_by_person(self.data)
        split = identification_split(photos, enrolled=self.enrolled, strangers=self.strangers, seed=self.seed)
        with tools.reader(out, aligned=self.aligned) as reader:
            return evaluate_open_set(embedder, split, reader, distance=self.distance).to_dict()


def gallery_figures(gallery: Numbers, where: str = "") -> Iterator[Figure]:
    """Yield the figures of searches in a gallery."""
    intervals = gallery.get("identification_interval_identities", gallery["identification_interval"])
    for rank, rate in gallery["identification_rate"].items():
        yield figure_of(f"rank {rank}{where}", rate, intervals[rank])
    for point in gallery["tpir_at_fpir"]:
        yield figure_of(f"TPIR at FPIR {point['fpir']:g}{where}", point["tpir"], over_people(point))


_MARKS = frozenset({"identification_rate", "tpir_at_fpir", "split"})
KIND = Kind("identify", _MARKS, one_part("identify", gallery_figures), IdentifyEntry)
