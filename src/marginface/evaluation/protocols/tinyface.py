"""TinyFace on a model: rank 1, 5, 10, 20 and mAP of searches that have several right answers.

An image without a face counts: a probe's search is missed, a gallery image is never returned and is a mate that was not
found, a distractor is never returned.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.contract import Contract
from marginface.data.identification.tinyface import TinyFace
from marginface.evaluation.reading import ALIGNED, Reader, Vectors
from marginface.evaluation.scoring.distances import cosines
from marginface.metrics import Interval
from marginface.metrics.intervals import mean_over_people
from marginface.metrics.retrieval import average_precision, mate_ranks
from marginface.values import BoolArray, DoubleArray, FloatArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder

RANKS = (1, 5, 10, 20)
_SIMILARITIES = 1 << 24  # at once: 128 MB
_COLUMNS = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """P searches with several right answers.

    Attributes:
        first_rank: (P,) of the first mate; 0 where none was returned.
        precision: (P,) average precisions.
        people: (P,) whose the probes are.
    """

    first_rank: IntArray
    precision: DoubleArray
    people: IntArray

    def rate(self, rank: int) -> tuple[float, Interval]:
        """Return the share of searches with a mate among the first ``rank``, and its interval over people."""
        return self._mean((self.first_rank > 0) & (self.first_rank <= rank))

    def mean_precision(self) -> tuple[float, Interval]:
        """Return mAP and its interval over people."""
        return self._mean(self.precision)

    def _mean(self, values: DoubleArray | BoolArray) -> tuple[float, Interval]:
        codes = np.unique(self.people, return_inverse=True)[1]
        return float(values.mean()), mean_over_people(np.bincount(codes, values), np.bincount(codes))


def retrieve(
    probes: FloatArray, probe_people: IntArray, gallery: FloatArray, gallery_people: IntArray, enrolled: BoolArray
) -> Retrieval:
    """Search probes (P, D) in a gallery (G, D); unit rows, and zeros of a probe without a face.

    Args:
        probes: unit rows.
        probe_people: (P,) whose they are.
        gallery: unit rows.
        gallery_people: (G,) whose they are, in the same numbers; those of distractors are nobody's.
        enrolled: (G,) which entries have a face.
    """
    ranks, precision = np.zeros(len(probes), dtype=np.int64), np.zeros(len(probes))
    entries = np.flatnonzero(enrolled)
    mates = np.bincount(gallery_people[gallery_people >= 0], minlength=int(probe_people.max()) + 1)
    rows = max(1, _SIMILARITIES // max(1, len(entries)))
    for start in range(0, len(probes), rows):
        for row, similarities in enumerate(_similarities(probes[start : start + rows], gallery, entries), start):
            own = gallery_people[entries] == probe_people[row]
            if probes[row].any() and own.any():
                found = mate_ranks(similarities, own)
                ranks[row] = found[0]
                precision[row] = average_precision(found, int(mates[probe_people[row]]))
    return Retrieval(ranks, precision, probe_people)


def _similarities(probes: FloatArray, gallery: FloatArray, entries: IntArray) -> DoubleArray:
    """Return the cosines with some entries, made in parts so that no float64 copy of the gallery is."""
    block = np.empty((len(probes), len(entries)))
    for start in range(0, len(entries), _COLUMNS):
        block[:, start : start + _COLUMNS] = cosines(probes, gallery[entries[start : start + _COLUMNS]])
    return block


@dataclass(frozen=True, slots=True, eq=False)
class TinyFaceResult:
    """What a model scored; ``failures`` are the images without a face."""

    protocol: TinyFace
    retrieval: Retrieval
    failures: tuple[Path, ...]
    model: str
    contract: Contract
    aligned: bool
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        rates = {str(rank): self.retrieval.rate(rank) for rank in RANKS}
        precision, interval = self.retrieval.mean_precision()
        return {
            "protocol": "TinyFace",
            "model": self.model,
            "probes": len(self.protocol.probes),
            "probe_people": len(np.unique(self.protocol.probe_people)),
            "gallery": len(self.protocol.gallery),
            "distractors": len(self.protocol.distractors),
            "identification_rate": {rank: rate for rank, (rate, _) in rates.items()},
            "identification_interval": {rank: over.to_list() for rank, (_, over) in rates.items()},
            "mean_average_precision": precision,
            "mean_average_precision_interval": interval.to_list(),
            "failures_to_acquire": len(self.failures),
            "failures": [str(path) for path in self.failures],
            "contract": self.contract.id,
            "mirror": self.contract.mirror,
            "aligned": self.aligned,
            "seconds": round(self.seconds, 2),
        }


def evaluate_tinyface(embedder: Embedder, protocol: TinyFace, reader: Reader = ALIGNED) -> TinyFaceResult:
    """Search the probes in the gallery with its distractors. Without a cropper in ``reader`` the images are crops.

    Raises:
        DataError: an aligned crop has another size.
        ImageError: an image cannot be decoded.
    """
    started = time.perf_counter()
    images = (*protocol.probes, *protocol.gallery, *protocol.distractors)
    contract, probes = embedder.contract, len(protocol.probes)
    vectors, found = reader.embed(images, Vectors.of(embedder))
    nobody = np.full(len(protocol.distractors), -1, dtype=np.int64)
    retrieval = retrieve(
        vectors[:probes],
        protocol.probe_people,
        vectors[probes:],
        np.concatenate([protocol.gallery_people, nobody]),
        found[probes:],
    )
    return TinyFaceResult(
        protocol=protocol,
        retrieval=retrieval,
        failures=tuple(path for path, ok in zip(images, found, strict=True) if not ok),
        model=embedder.card.name,
        contract=contract,
        aligned=reader.cropper is None,
        seconds=time.perf_counter() - started,
    )
