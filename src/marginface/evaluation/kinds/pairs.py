"""Verification of pairs in suites and listings: LFW, CFP, packs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from marginface.evaluation.kinds.figures import Figure, Numbers, accuracy_interval, figure_of, one_part, tars
from marginface.evaluation.kinds.kept import is_kept, keep_measurement
from marginface.evaluation.kinds.kind import Entry, Kind, Tools
from marginface.evaluation.protocols.pair_files import open_protocol
from marginface.evaluation.protocols.pairs import evaluate_pairs
from marginface.evaluation.reading import crop_reader
from marginface.evaluation.scoring.variants import VARIANTS

if TYPE_CHECKING:
    from marginface.embedding import Embedder


class PairsEntry(Entry):
    """LFW by ``pairs``, CFP by ``split``, or a pack; its similarities and hardest errors are kept."""

    kind: Literal["pairs"] = "pairs"
    pairs: Path | None = None
    split: Literal["FF", "FP"] | None = None
    variant: str = "insightface"
    pca: int = 0
    aligned: bool = False

    def measure(self, embedder: Embedder, out: Path, tools: Tools) -> dict[str, Any]:
        """Return the numbers of ``marginface evaluate pairs``."""
        protocol = open_protocol(self.data, self.pairs, self.split, aligned=self.aligned)
        variant = VARIANTS[self.variant].with_pca(self.pca)
        with tools.reader(out, protocol.store, aligned=protocol.aligned) as reader:
            result = evaluate_pairs(embedder, protocol.pairs, reader, variant=variant)
        keep_measurement(result, crop_reader(reader.cropper, protocol.store), out, self.file_name)
        return result.to_dict()

    def sums_mirror(self, _mirror: bool) -> bool:
        """Say what the variant says."""
        return VARIANTS[self.variant].sums_mirror

    def is_kept(self, out: Path) -> bool:
        """Say whether similarities and hardest errors are there."""
        return is_kept(out, self.file_name)


def _figures(numbers: Numbers) -> Iterator[Figure]:
    yield figure_of("accuracy", numbers["accuracy_mean"], accuracy_interval(numbers))
    yield from tars(numbers["tar_at_far"])


KIND = Kind("pairs", frozenset({"accuracy_folds", "variant", "tar_at_far"}), one_part("pairs", _figures), PairsEntry)
