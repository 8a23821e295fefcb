"""What came of an identification, written down: an entry for each face that was searched for.

Article 12(3) of the EU AI Act asks of remote biometric identification: the period of each use (``started``, ``ended``),
the reference database (collection and contract), the input data of a search that led to a match (a keyed hash of the
photo: who has the photo can tell whether it was this one, and the hash gives no photo back), and who verified the
results (confirming.py). Of a search without a match nothing is kept that tells of a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marginface.clock import now_text
from marginface.gallery import Collection
from marginface.pipeline import Identification, IdentifiedFace
from marginface.server.events.log import IDENTIFICATION, EventLog, NewEvent
from marginface.server.state.columns import new_uid

_PHOTOS = "photos of events"


@dataclass(frozen=True, slots=True)
class Search:
    """A search as it is written down.

    Attributes:
        asked_by: The id of the key that asked.
        collection: In which was searched.
        photo: sha256 of the photo's bytes, 64 hex digits; what is kept of it is a keyed hash.
        started: When the photo came, ISO 8601 in UTC.
    """

    asked_by: str
    collection: Collection
    photo: str
    started: str


class Recorder:
    """Writes identifications into the record, where there is to be one."""

    def __init__(self, log: EventLog, *, is_on: bool) -> None:
        self.log = log
        self.is_on = is_on

    def identified(self, search: Search, found: Identification) -> tuple[str, ...]:
        """Write what came of a search; return the opaque id of the entry of each face. Without a record: nothing.

        The entries are on the disk when this returns: call it before the answer is given.
        """
        if not self.is_on:
            return ()
        told = {
            "search": new_uid("s"),
            "started": search.started,
            "ended": now_text(),
            "contract": found.contract,
            "fpir": found.fpir,
            "comparisons": found.comparisons,
            "threshold": round(found.threshold.similarity, 4),
            "fmr": found.threshold.fmr,
        }
        uid, photo = search.collection.uid, self._keyed(search.photo)
        new = [_entry(search.asked_by, uid, photo, told, face) for face in found.faces]
        with self.log.state.writing() as connection:
            added = self.log.add(connection, new or [_without_face(search.asked_by, uid, told, found)])
        return added[: len(found.faces)]

    def _keyed(self, photo: str) -> str:
        return self.log.state.fingerprint(_PHOTOS, bytes.fromhex(photo))


def _entry(asked_by: str, collection: str, photo: str, told: dict[str, Any], face: IdentifiedFace) -> NewEvent:
    best: Sequence[Any] = face.candidates[:1]
    details = {**told, "decision": face.decision.value, "similarity": _rounded(best[0].similarity) if best else None}
    if not face:
        return NewEvent(asked_by, IDENTIFICATION, details, collection)
    private = {"person": best[0].uid, "face": best[0].face, "photo": photo}
    return NewEvent(asked_by, IDENTIFICATION, details, collection, private=private, person=best[0].uid)


def _without_face(asked_by: str, collection: str, told: dict[str, Any], found: Identification) -> NewEvent:
    details = {**told, "decision": found.decision.value, "similarity": None}
    return NewEvent(asked_by, IDENTIFICATION, details, collection)


def _rounded(similarity: float) -> float:
    return round(similarity, 4)
