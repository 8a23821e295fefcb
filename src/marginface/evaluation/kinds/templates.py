"""Templates in suites and listings: IJB-B and IJB-C."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.data.identification.ijb import find_meta, read_searches, read_template_pairs, read_templates
from marginface.evaluation.kinds.figures import Figure, Numbers, one_part, tars
from marginface.evaluation.kinds.identify import gallery_figures
from marginface.evaluation.kinds.kept import keep_counts
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.templates import evaluate_templates
from marginface.evaluation.scoring.pooling import POOLINGS

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class TemplatesEntry(Entry):
    """IJB-B or IJB-C; how many pairs have which similarity is kept."""

    kind: Literal["templates"]
    pooling: str = "insightface"

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate templates``."""
        pooling, files = POOLINGS[self.pooling], find_meta(self.data)
        templates = read_templates(files)
        pairs, searches = read_template_pairs(files, templates), read_searches(files, templates)
        with tools.reader(out, aligned=True) as reader:
            found = evaluate_templates(embedder, templates, reader, pairs=pairs, searches=searches, pooling=pooling)
        if found.verification is not None:
            keep_counts(found.verification.similarities, found.verification.genuine, out, self.file_name)
        return found.to_dict()

    def is_kept(self, out: Path) -> bool:
        """Say whether the counts of similarities are there."""
        return (out / f"{self.file_name}.npz").is_file()


def _figures(numbers: Numbers) -> Iterator[Figure]:
    yield from tars((numbers["verification"] or {"tar_at_far": ()})["tar_at_far"])
    for gallery in numbers["identification"]:
        yield from gallery_figures(gallery, f" ({gallery['gallery']})")


_MARKS = frozenset({"verification", "identification", "switches"})
KIND = Kind("templates", _MARKS, one_part("templates", _figures), TemplatesEntry)
