"""Open-set identification on photos of people: enrol, search, count every failure to acquire.

A person none of whose enrolled photos shows a face is not enrolled (failure to enrol): the searches of this person's
probes count as missed at every rank and threshold. A mated probe without a face counts as missed too, a stranger's as
not returned. Both are counted, none is dropped (ISO/IEC 19795-1).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.contract import Contract
from marginface.data.identification.photos import IdentificationSplit
from marginface.errors import DataError
from marginface.evaluation.reading import ALIGNED, Reader, Vectors
from marginface.evaluation.scoring.distances import DISTANCES
from marginface.evaluation.scoring.identification import GalleryScores, score_searches, search
from marginface.evaluation.scoring.scores import NO_FACE
from marginface.metrics import Searches
from marginface.metrics.roc import FarRule
from marginface.values import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from marginface.embedding import Embedder


@dataclass(frozen=True, slots=True, eq=False)
class OpenSetResult:
    """What a model scored; ``failures`` are the photos without a face, ``not_enrolled`` the people without an entry."""

    split: IdentificationSplit
    scores: GalleryScores
    failures: tuple[Path, ...]
    not_enrolled: tuple[str, ...]
    model: str
    contract: Contract
    distance: str
    rule: FarRule
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "model": self.model,
            "split": self.split.rule,
            "people": len(self.split.people),
            "mated_searches": len(self.scores.searches.mated),
            "nonmated_searches": len(self.scores.searches.nonmated),
            **self.scores.to_dict(),
            "distance": self.distance,
            "rule": self.rule,
            "failures_to_acquire": len(self.failures),
            "failures": [str(path) for path in self.failures],
            "failures_to_enrol": list(self.not_enrolled),
            "contract": self.contract.id,
            "mirror": self.contract.mirror,
            "seconds": round(self.seconds, 2),
        }


def evaluate_open_set(
    embedder: Embedder,
    split: IdentificationSplit,
    reader: Reader = ALIGNED,
    *,
    distance: str = "cosine",
    rule: FarRule = "at_most",
) -> OpenSetResult:
    """Enrol the gallery, search the probes. Without a ``reader`` that has a cropper the images are aligned crops.

    Several enrolled photos of a person are one entry, their mean direction.

    Raises:
        DataError: nobody could be enrolled, or an aligned crop has another size.
        ImageError: an image cannot be decoded.
        UnknownName: no such distance.
    """
    started, compare = time.perf_counter(), DISTANCES[distance]
    images = (*split.gallery, *split.probes)
    embeddings, found = reader.embed(images, Vectors.of(embedder))
    enrolled = len(split.gallery)
    entries, people = pool_people(embeddings[:enrolled], split.gallery_people, found[:enrolled])
    if not len(people):
        raise DataError(f"none of {enrolled:,} gallery photos shows a face: nobody is enrolled")
    usable = found[enrolled:] & (np.isin(split.probe_people, people) | ~_are_known(split))
    searches = search(entries, people, embeddings[enrolled:][usable], split.probe_people[usable], compare)
    searches = with_failures(searches, _are_known(split)[~usable], split.probe_people[~usable])
    missing = sorted(set(split.gallery_people.tolist()) - set(people.tolist()))
    return OpenSetResult(
        split=split,
        scores=score_searches("gallery", searches, rule),
        failures=tuple(path for path, ok in zip(images, found, strict=True) if not ok),
        not_enrolled=tuple(split.people[number] for number in missing),
        model=embedder.card.name,
        contract=embedder.contract,
        distance=distance,
        rule=rule,
        seconds=time.perf_counter() - started,
    )


def _are_known(split: IdentificationSplit) -> BoolArray:
    """Say of each probe (P,) whether its person is to be in the gallery."""
    return np.isin(split.probe_people, split.gallery_people)


def pool_people(embeddings: FloatArray, people: IntArray, found: BoolArray) -> tuple[FloatArray, IntArray]:
    """Return the mean direction of each person's photos with a face, and who that is: (K, D) unit rows and (K,)."""
    names, place = np.unique(people[found], return_inverse=True)
    sums = np.zeros((len(names), embeddings.shape[1]), dtype=np.float64)
    np.add.at(sums, place, embeddings[found].astype(np.float64))
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-12), dtype=np.float32), names.astype(np.int64)


def with_failures(searches: Searches, mated: BoolArray, people: IntArray) -> Searches:
    """Return the searches with those that could not be made.

    Args:
        searches: that could, of people that are known.
        mated: (F,) which kind each other would have been.
        people: (F,) whose they are.
    """
    lost, strangers = int(mated.sum()), int((~mated).sum())
    known = searches.mated_people, searches.nonmated_people
    whose = [np.concatenate([part, people[kind]]) for part, kind in zip(known, (mated, ~mated), strict=True)]
    return Searches(
        mated=np.concatenate([searches.mated, np.full(lost, NO_FACE)]),
        rank=np.concatenate([searches.rank, np.full(lost, searches.gallery + 1)]),
        nonmated=np.concatenate([searches.nonmated, np.full(strangers, NO_FACE)]),
        gallery=searches.gallery,
        mated_people=whose[0],
        nonmated_people=whose[1],
    )
