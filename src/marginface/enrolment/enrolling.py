"""Photos of people → faces in a collection: looked at on threads, written in batches, each with its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from marginface.contract import LANDMARKS_NAME
from marginface.cropping import FACE_POLICIES
from marginface.defaults import DEFAULT_FPIR, DEFAULT_WORKERS, ENROLMENT_GATE
from marginface.enrolment.judging import Judge, Judged
from marginface.enrolment.lookalikes import LookalikeRule, require_rate
from marginface.enrolment.looking import Examiner, Looked
from marginface.enrolment.outcomes import EnrolReport, PhotoOutcome
from marginface.enrolment.sources import PersonPhoto
from marginface.errors import ContractMismatch, InputError
from marginface.gallery import About, Collection, Enrolled, NewFace, Person
from marginface.pipeline import Recognizer
from marginface.pipeline.batches import in_order
from marginface.quality import GATES

_NOTHING = About()
BATCH = 32  # photos in one write: what a kill can cost

Progress = Callable[[PhotoOutcome, int], None]  # what came of a photo, and how many are done


@dataclass(frozen=True, slots=True)
class EnrolSettings:
    """How photos are enrolled.

    Attributes:
        faces: which face of a photo is meant: one (several give none), largest, center.
        quality: the gate: off, usable, standard, strict.
        keep_crops: keep the aligned face, sealed, so that a later model can embed it anew.
        refuse_lookalikes: refuse a face that is as similar to another person as a search asks for; else it is told.
        fpir: the rate of such a search.
        about: consent, purpose and retention, recorded of everybody who is enrolled.
        workers: threads.
        shortens: a person who is there already may get an earlier last day than they have; a purge erases after it.
    """

    faces: str = "one"
    quality: str = ENROLMENT_GATE
    keep_crops: bool = False
    refuse_lookalikes: bool = False
    fpir: float = DEFAULT_FPIR
    about: About = _NOTHING
    workers: int = DEFAULT_WORKERS
    shortens: bool = True

    def __post_init__(self) -> None:
        FACE_POLICIES[self.faces], GATES[self.quality]  # raise UnknownName
        require_rate(self.fpir)


class Enroller:
    """Enrols photos into one collection.

    Another process may enrol into it at the same time. A photo that the collection has is not embedded again, so a run
    that was stopped, by whatever, is simply repeated.
    """

    def __init__(self, collection: Collection, recognizer: Recognizer, settings: EnrolSettings) -> None:
        if collection.contract != recognizer.contract.id:
            raise ContractMismatch(
                f"collection {collection.name!r} holds embeddings of contract {collection.contract}, this recognizer "
                f"makes those of {recognizer.contract.id}"
            )
        if settings.keep_crops and recognizer.contract.landmarks != LANDMARKS_NAME:
            raise InputError(
                f"crops are kept as the landmarks of {LANDMARKS_NAME} align them, for any later model; this recognizer "
                f"aligns by {recognizer.contract.landmarks}. Enrol without keeping crops"
            )
        self.collection = collection
        self.settings = settings
        self._examiner = Examiner(recognizer, collection, settings.faces, settings.quality, settings.keep_crops)
        self._rule = LookalikeRule(recognizer.thresholds, settings.fpir)
        self._judge = Judge(collection, self._rule, settings.refuse_lookalikes)
        self._described: set[str] = set()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be known of all that was enrolled so far, such as a threshold that could not be had."""
        return (self._rule.remark,) if self._rule.remark else ()

    def enrol_each(self, photos: Iterable[PersonPhoto]) -> Iterator[PhotoOutcome]:
        """Yield what came of each photo, in order; when it comes, the face is on the disk.

        Raises:
            GalleryBusy: Another process writes for too long.
            StorageError: The disk is full or read-only.
        """
        looked = in_order(self._examiner.look, photos, self.settings.workers)
        while part := list(islice(looked, BATCH)):
            yield from self._write(part)

    def enrol(
        self, photos: Iterable[PersonPhoto], *, without_photos: Sequence[str] = (), progress: Progress | None = None
    ) -> EnrolReport:
        """Enrol photos and return what came of all of them; see enrol_each."""
        done: list[PhotoOutcome] = []
        for outcome in self.enrol_each(photos):
            done.append(outcome)
            if progress is not None:
                progress(outcome, len(done))
        return self._report(done, without_photos)

    def enrol_known(self, person: Person, photos: Iterable[PersonPhoto]) -> EnrolReport:
        """Enrol photos of one person who is in the collection: all that pass in one write.

        Raises:
            UnknownGalleryName: The person is gone; they are not made anew.
        """
        looked = tuple(in_order(self._examiner.look, photos, self.settings.workers))
        judged = self._judge.judge(looked)
        faces = [one.face for one in judged if one.face is not None]
        answers = {person.name: iter(self.collection.add_faces(person, faces))}
        done = [_outcome(one, answers) for one in judged]
        if any(done):
            self._describe({person.name})
        return self._report(done)

    def _write(self, part: Sequence[Looked]) -> list[PhotoOutcome]:
        """Enrol what was looked at, in one write, and return what came of each photo."""
        judged = self._judge.judge(part)
        faces: dict[str, list[NewFace]] = {}
        for one in judged:
            if one.face is not None:
                faces.setdefault(one.looked.person, []).append(one.face)
        self._describe({*faces, *(one.person for one in part if one.decided)})
        written = self.collection.add_many(faces, self.settings.about) if faces else {}
        answers = {person: iter(enrolled) for person, enrolled in written.items()}
        return [_outcome(one, answers) for one in judged]

    def _report(self, done: Sequence[PhotoOutcome], without_photos: Sequence[str] = ()) -> EnrolReport:
        return EnrolReport(tuple(done), tuple(without_photos), self.remarks)

    def _describe(self, people: set[str]) -> None:
        """Record consent, purpose and retention of people who are there already; what was not said stays as it is."""
        said = self.settings.about
        if said == _NOTHING:
            return
        for name in sorted(people - self._described):
            if self.collection.has_person(name):
                person = self.collection.person(name)
                now = person.about
                until = said.retain_until or now.retain_until
                if not self.settings.shortens and is_earlier(until, now.retain_until):
                    until = now.retain_until
                about = About(said.consent or now.consent, said.purpose or now.purpose, until)
                if about != now:
                    self.collection.describe(person, about)
            self._described.add(name)


def is_earlier(until: date | None, now: date | None) -> bool:
    """Say whether a person would be kept for a shorter time; None: until they are erased."""
    return until is not None and (now is None or until < now)


def _outcome(one: Judged, answers: Mapping[str, Iterator[Enrolled]]) -> PhotoOutcome:
    if one.face is None:
        return one.outcome
    answer = next(answers[one.looked.person])
    return one.written(answer.uid, is_new=answer.created)
