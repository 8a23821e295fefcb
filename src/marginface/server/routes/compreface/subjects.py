"""Subjects: the people of the key's collection."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from marginface.errors import TakenName, UnknownName
from marginface.gallery import Collection, Person, Receipt
from marginface.gallery.names import checked_name
from marginface.server.access import Scope
from marginface.server.people.erasing import erase_everybody, erase_person, merge_people
from marginface.server.routes.compreface.place import Place, place_for
from marginface.server.routes.compreface.receipts import tell_receipt
from marginface.server.routes.compreface.refusals import SUBJECT_TAKEN, SUBJECT_UNKNOWN, CompreFaceRoute, Refusal
from marginface.server.routes.compreface.shapes import Deleted, Subject, Subjects, Updated

router = APIRouter(prefix="/recognition/subjects", route_class=CompreFaceRoute)

_Name = Annotated[str, Path(description="the name of a person", examples=["Ann Example"])]
_Enrols = Annotated[Place, Depends(place_for(Scope.ENROL))]
_Sees = Annotated[Place, Depends(place_for(Scope.PEOPLE))]
_Manages = Annotated[Place, Depends(place_for(Scope.MANAGE))]
_Erases = Annotated[Place, Depends(place_for(Scope.ERASE))]


@router.post("", response_model=Subject, status_code=201)
async def add_subject(place: _Enrols, subject: Subject) -> dict[str, Any]:
    """Add a person without faces."""
    try:
        person = await place.service.work.run(place.collection.add_person, subject.subject)
    except TakenName:
        raise Refusal("Subject already exists", SUBJECT_TAKEN) from None
    return {"subject": person.name}


@router.get("", response_model=Subjects)
@router.get("/", response_model=Subjects, include_in_schema=False)
async def list_subjects(place: _Sees) -> dict[str, Any]:
    """List all people by name."""
    people = await place.service.work.run(place.collection.people)
    return {"subjects": [person.name for person in people]}


@router.put("/{subject}", response_model=Updated)
async def rename_subject(place: _Manages, subject: _Name, new: Subject) -> dict[str, Any]:
    """Rename a person; where the new name is that of another, both become that one."""
    return {"updated": await place.service.work.run(_renamed, place, subject, new.subject)}


@router.delete("/{subject}", response_model=Subject)
async def delete_subject(place: _Erases, subject: _Name, response: Response) -> dict[str, Any]:
    """Erase a person: faces, crops, index, logs and free pages."""
    person, receipt = await place.service.work.run(_erased, place, subject)
    tell_receipt(response, receipt)
    return {"subject": person.name}


@router.delete("", response_model=Deleted)
async def delete_subjects(place: _Erases, response: Response) -> dict[str, Any]:
    """Erase everybody of the collection."""
    receipt = await place.service.work.run(erase_everybody, place.service, place.caller, place.collection)
    return {"deleted": 0 if receipt is None else len(tell_receipt(response, receipt).people)}


def _erased(place: Place, subject: str) -> tuple[Person, Receipt]:
    person = _found(place.collection, subject)
    return person, erase_person(place.service, place.caller, place.collection, person)


def _found(collection: Collection, subject: str) -> Person:
    try:
        return collection.person(subject)
    except UnknownName:
        raise Refusal(f"Subject {subject} not found", SUBJECT_UNKNOWN, 404) from None


def _renamed(place: Place, old: str, new: str) -> bool:
    collection = place.collection
    person = _found(collection, old)
    if checked_name(new) == person.name:
        return False
    try:
        collection.rename(person, new)
    except TakenName:
        merge_people(place.service, place.caller, collection, person, collection.person(new))
    return True
