"""A batch of faces → those that are to be written: look-alikes and shared photos found, as if they came one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from marginface.enrolment.lookalikes import LookalikeRule, Neighborhood, known_neighbors, lookalikes
from marginface.enrolment.looking import Looked
from marginface.enrolment.outcomes import Outcome, PhotoOutcome
from marginface.gallery import Collection, NewFace
from marginface.reasons import Reason, Remark, codes_of
from marginface.values import Candidate

_DOUBTS = {Reason.LOOKS_LIKE, Reason.PHOTO_OF_ANOTHER}


@dataclass(frozen=True, slots=True)
class Judged:
    """A photo that was looked at, and whom else it may be of.

    Attributes:
        looked: the photo.
        alike: the people who look alike.
        remarks: that, in words.
        is_refused: whether its face is not to be written for that.
    """

    looked: Looked
    alike: tuple[Candidate, ...] = ()
    remarks: tuple[Remark, ...] = ()
    is_refused: bool = False

    @property
    def face(self) -> NewFace | None:
        """What is to be written; None if nothing."""
        return None if self.is_refused else self.looked.face

    @property
    def outcome(self) -> PhotoOutcome:
        """What came of it where nothing is written."""
        decided = self.looked.decided
        return self._outcome(Outcome.REFUSED, "") if decided is None else decided

    def written(self, face: str, *, is_new: bool) -> PhotoOutcome:
        """Return the outcome of a face that is in the gallery now; not new: the person had this photo."""
        return self._outcome(Outcome.ENROLLED if is_new else Outcome.KNOWN, face)

    def _outcome(self, outcome: Outcome, face: str) -> PhotoOutcome:
        text = f"{self.looked.photo}: {self.looked.person} has this photo already."
        same = (Remark(Reason.SAME_PHOTO, text),) if outcome is Outcome.KNOWN else ()
        remarks = (*same, *self.looked.remarks, *self.remarks)
        return PhotoOutcome(self.looked.person, self.looked.photo, outcome, face, remarks, self.alike)


@dataclass(frozen=True, slots=True)
class Judge:
    """Finds out whom else a face may be of.

    Attributes:
        collection: what it is compared with.
        rule: from which similarity on another person is too similar.
        refuses: whether a face that may be of another is refused; else it is told.
    """

    collection: Collection
    rule: LookalikeRule
    refuses: bool

    def judge(self, part: Sequence[Looked]) -> list[Judged]:
        """Decide on the photos of a batch, in order: each is compared with those before it too."""
        faces = [one.face for one in part if one.face is not None]
        if not faces:
            return [Judged(one) for one in part]
        size, neighbors = self.collection.size(), iter(known_neighbors(self.collection, faces))
        return list(self._judged(part, size, neighbors))

    def _judged(self, part: Sequence[Looked], size: int, neighbors: Iterator[list[Candidate]]) -> Iterator[Judged]:
        batch = Neighborhood()
        for looked in part:
            if looked.face is None:
                yield Judged(looked)
                continue
            near = [*next(neighbors), *batch.near(looked.person, looked.face)]
            threshold = self.rule.similarity(size + len(batch.faces))
            alike = () if threshold is None else lookalikes(looked.person, near, threshold)
            others = {*self._owners(looked.face), *batch.with_photo(looked.face)} - {looked.person}
            judged = Judged(looked, alike, (*_shared(looked, sorted(others)), *_similar(looked, alike)))
            if self.refuses and _DOUBTS & set(codes_of(judged.remarks)):
                yield replace(judged, is_refused=True)
                continue
            batch.add(looked.person, looked.face)
            yield judged

    def _owners(self, face: NewFace) -> list[str]:
        return [person.name for person, _ in self.collection.find_photo(face.photo)]


def _shared(looked: Looked, others: Sequence[str]) -> tuple[Remark, ...]:
    text = f"{looked.photo}: the same photo is enrolled as "
    return tuple(Remark(Reason.PHOTO_OF_ANOTHER, f"{text}{other}.") for other in others)


def _similar(looked: Looked, alike: Sequence[Candidate]) -> tuple[Remark, ...]:
    text = f"{looked.photo}: looks like "
    return tuple(Remark(Reason.LOOKS_LIKE, f"{text}{one.person}, {one.similarity:.2f}.") for one in alike)
