"""A collection as what a recognizer identifies in; many photos among its people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginface.defaults import DEFAULT_CANDIDATES, DEFAULT_FPIR, DEFAULT_GATE, DEFAULT_WORKERS
from marginface.errors import ImageError
from marginface.gallery import Collection, Match
from marginface.pipeline import Identification, Recognizer
from marginface.pipeline.batches import in_order
from marginface.reasons import Reason
from marginface.values import Candidate, Embedding


@dataclass(frozen=True)
class CollectionPeople:
    """A collection as a Searchable of the pipeline; a search sees what any process has written before."""

    collection: Collection

    @property
    def contract(self) -> str:
        """The contract of its embeddings."""
        return self.collection.contract

    def comparisons(self) -> int:
        """Return the number of its faces."""
        return self.collection.size()

    def nearest(self, probes: Sequence[Embedding], k: int) -> Sequence[tuple[Candidate, ...]]:
        """Return the k most similar people of each probe, best first; see Searchable.nearest."""
        found = self.collection.search_many(probes, k)
        return [tuple(candidate(one) for one in matches) for matches in found]


def candidate(match: Match) -> Candidate:
    """Return what a search of a collection found as what a recognizer decides on."""
    return Candidate(match.person.name, match.similarity, match.face, match.person.uid)


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How photos are identified; the words are those of Recognizer.identify."""

    fpir: float = DEFAULT_FPIR
    uncertain_fpir: float | None = None
    most: int = DEFAULT_CANDIDATES
    faces: str = "all"
    quality: str = DEFAULT_GATE
    workers: int = DEFAULT_WORKERS


@dataclass(frozen=True, slots=True, eq=False)
class PhotoAnswer:
    """Who a photo shows: ``bool()`` is true if any face is a match.

    Attributes:
        photo: its path.
        identification: the answer; None if the photo cannot be read.
        error: why it cannot be read; else empty.
    """

    photo: str
    identification: Identification | None
    error: str = ""

    def __bool__(self) -> bool:
        return bool(self.identification)

    @property
    def exit_status(self) -> int:
        """0 match, 1 no match, 3 cannot tell, 2 the photo cannot be read."""
        return 2 if self.identification is None else self.identification.exit_status

    def explain(self) -> str:
        """Say who was found, or why nobody could be."""
        return self.error if self.identification is None else self.identification.explain()

    def explain_after(self, earlier: Sequence[PhotoAnswer]) -> str:
        """Say what explain() says, without the threshold where it is the one of the answer before."""
        found = self.identification
        if found is None:
            return self.error
        rules = (one.identification.explain_rule() for one in reversed(earlier) if one.identification is not None)
        told = next(filter(None, rules), "")
        return found.explain_faces() if found.explain_rule() == told else found.explain()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        if self.identification is not None:
            return self.identification.to_dict()
        unreadable = {"decision": "cannot tell", "faces": [], "codes": [Reason.UNREADABLE.value]}
        return {"photo": self.photo, **unreadable, "reasons": [self.error]}


def identify_each(
    recognizer: Recognizer, collection: Collection, photos: Iterable[str | Path], settings: SearchSettings
) -> Iterator[PhotoAnswer]:
    """Yield who each photo shows, in order, on threads; one that cannot be read is an answer too.

    The threshold of a photo is that for the number of faces there are when it is searched for.

    Raises:
        ContractMismatch: The collection holds embeddings of another model.
        CalibrationError, InputError: No threshold for this rate and so many faces.
    """
    people = CollectionPeople(collection)

    def answer(photo: str | Path) -> PhotoAnswer:
        try:
            found = recognizer.identify(
                photo,
                people,
                fpir=settings.fpir,
                uncertain_fpir=settings.uncertain_fpir,
                most=settings.most,
                faces=settings.faces,
                quality=settings.quality,
            )
        except ImageError as error:
            return PhotoAnswer(str(photo), None, str(error))
        return PhotoAnswer(str(photo), found)

    return in_order(answer, photos, settings.workers)


def exit_status(answers: Sequence[PhotoAnswer]) -> int:
    """Return 2 if a photo cannot be read, else 3 if one cannot be told, else 1 if one has no match, else 0.

    >>> exit_status([])
    0
    """
    found = {answer.exit_status for answer in answers}
    return next((status for status in (2, 3, 1) if status in found), 0)
