"""Uploaded photos of one person → faces in a collection, with what came of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import UploadFile

from marginface.enrolment import DecodedPhoto, Enroller, EnrolReport, EnrolSettings, Outcome, PersonPhoto, PhotoOutcome
from marginface.errors import ImageError
from marginface.gallery import Collection, Person
from marginface.reasons import Reason
from marginface.server.access import Caller, Scope
from marginface.server.photos.uploads import UploadedPhoto, read_each
from marginface.server.service import Service

_NAMING = (Reason.SAME_PHOTO, Reason.LOOKS_LIKE, Reason.PHOTO_OF_ANOTHER)  # remarks that name people


async def enrol_uploads(
    service: Service,
    caller: Caller,
    collection: Collection,
    who: str,
    parts: Sequence[UploadFile],
    settings: EnrolSettings,
) -> dict[str, Any]:
    """Enrol photos of a person who is there, and return what came of each as plain values.

    People are named to a caller with scope people alone; to others they have opaque ids. Whom a face looks like is told
    to who may search: with scope identify or people; others are told that it looks like somebody.

    Raises:
        UnknownGalleryName: There is no such person, or they were erased meanwhile.
        ContractMismatch: The collection is of another contract than the service's recognizer.
    """
    enroller = Enroller(collection, service.recognizer, settings)
    person = await service.work.run(collection.person, who)
    read: dict[int, UploadedPhoto] = {}
    rejected: dict[int, dict[str, Any]] = {}
    named = {_called(index): part for index, part in enumerate(parts)}
    for index, photo in enumerate(await read_each(service.decoder, named)):
        if isinstance(photo, ImageError):
            rejected[index] = _entry(index, [Reason.UNREADABLE.value], [str(photo)], [])
        else:
            read[index] = photo
    report = await service.work.run(_enrol, enroller, person, read)
    told = _told(person, collection.contract, read, rejected, report, names=Scope.PEOPLE in caller.scopes)
    return told if {Scope.PEOPLE, Scope.IDENTIFY} & caller.scopes else _without_lookalikes(told)


def _called(index: int) -> str:
    return f"images[{index}]"


def _enrol(enroller: Enroller, person: Person, read: dict[int, UploadedPhoto]) -> EnrolReport:
    photos = [
        PersonPhoto(person.name, Path(photo.name), decoded=DecodedPhoto(photo.image, photo.sha256))
        for photo in read.values()
    ]
    return enroller.enrol_known(person, photos)


def _told(
    person: Person,
    contract: str,
    read: dict[int, UploadedPhoto],
    rejected: dict[int, dict[str, Any]],
    report: EnrolReport,
    *,
    names: bool,
) -> dict[str, Any]:
    faces = []
    for index, outcome in zip(read, report.photos, strict=True):
        entry = _entry(
            index, [code.value for code in outcome.codes], _reasons(outcome, names), _lookalikes(outcome, names)
        )
        if outcome:
            faces.append({**entry, "face": outcome.face, "is_new": outcome.outcome is Outcome.ENROLLED})
        else:
            rejected[index] = entry
    return {
        "person": person.uid,
        "contract": contract,
        "complete": not rejected,
        "faces": faces,
        "rejected": [rejected[index] for index in sorted(rejected)],
        "remarks": list(report.remarks),
    }


def _without_lookalikes(told: dict[str, Any]) -> dict[str, Any]:
    parts = {name: [{**entry, "lookalikes": []} for entry in told[name]] for name in ("faces", "rejected")}
    return {**told, **parts}


def _entry(index: int, codes: list[str], reasons: list[str], lookalikes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"index": index, "codes": codes, "reasons": reasons, "lookalikes": lookalikes}


def _reasons(outcome: PhotoOutcome, names: bool) -> list[str]:
    return [
        remark.text if names or remark.reason not in _NAMING else remark.reason.sentence for remark in outcome.remarks
    ]


def _lookalikes(outcome: PhotoOutcome, names: bool) -> list[dict[str, Any]]:
    return [{**one.to_dict(), "person": one.person if names else None} for one in outcome.lookalikes]
