"""The people of a collection: list, add, change, merge, move, erase."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from marginface.enrolment import is_earlier
from marginface.gallery import About, Collection, Person
from marginface.gallery.names import LONGEST_NAME
from marginface.server.access import Scope
from marginface.server.discretion import receipt_values
from marginface.server.gate import needs
from marginface.server.people import erasing
from marginface.server.people.acting import collection_for, other_collection
from marginface.server.routes.cursors import Paging
from marginface.server.routes.parameters import (
    Enrolling,
    Erasing,
    Here,
    InCollection,
    Managing,
    OneTime,
    Part,
    ThePerson,
)
from marginface.server.schemas import persons as schemas
from marginface.server.schemas.removal import Receipt

router = APIRouter(prefix="/v1/collections/{collection}/persons", tags=["persons"])

Named = Annotated[
    str, Query(max_length=LONGEST_NAME, description="only people in whose name this is, whatever its case")
]


@router.get("", response_model=schemas.PersonPage, dependencies=[needs(Scope.PEOPLE)])
async def list_persons(service: Here, collection: InCollection, part: Part, q: Named = "") -> dict[str, Any]:
    """List people in the order they were added, a page at a time."""
    return await service.work.run(lambda: _page(service.collection(collection), part, q))


def _page(collection: Collection, part: Paging, named: str) -> dict[str, Any]:
    def after(last: int | None, count: int) -> Sequence[Person]:
        return collection.people_after(last or 0, count, named=named)

    return part.page(f"persons|{collection.uid}|{named}", after, attrgetter("id"), Person.to_dict)


@router.post("", response_model=schemas.Person, status_code=201)
async def add_person(
    service: Here, caller: Enrolling, once: OneTime, collection: InCollection, body: schemas.NewPerson
) -> Response:
    """Add a person, with consent, purpose and the last day they are kept; photos are added after."""
    about = About(body.consent, body.purpose, body.retain_until)

    def added() -> dict[str, Any]:
        return collection_for(service, caller, collection).add_person(body.name, about).to_dict()

    return await once.answer(schemas.Person, 201, lambda: service.work.run(added))


@router.get("/{person}", response_model=schemas.Person, dependencies=[needs(Scope.PEOPLE)])
async def show_person(service: Here, collection: InCollection, person: ThePerson) -> dict[str, Any]:
    """Show a person, with what is recorded about them."""
    return await service.work.run(lambda: service.collection(collection).person(person).to_dict())


@router.patch("/{person}", response_model=schemas.Person)
async def change_person(
    service: Here, caller: Managing, collection: InCollection, person: ThePerson, body: schemas.PersonChange
) -> dict[str, Any]:
    """Change name, consent, purpose or the last day to be kept, all that is said in one write.

    An earlier last day is an erasure to come: where erasures need a second key, it does too.
    """
    said = body.model_dump(exclude_unset=True)
    name = said.pop("name", None)

    def changed() -> dict[str, Any]:
        known = collection_for(service, caller, collection)
        who = known.person(person)
        if is_earlier(said.get("retain_until"), who.about.retain_until):
            erasing.require_agreed(service, caller, known, who.uid)
        return known.revise(who, name, said).to_dict()

    return await service.work.run(changed)


@router.post("/{person}/merge", response_model=schemas.Person)
async def merge_person(
    service: Here, caller: Managing, once: OneTime, collection: InCollection, person: ThePerson, body: schemas.Merge
) -> Response:
    """Give all faces of this person to another one, and remove this one: both are one human being.

    Of two last days the earlier one stays; where erasures need a second key, that does too.
    """

    def merged() -> dict[str, Any]:
        known = collection_for(service, caller, collection)
        source, target = known.person(person), known.person(body.into)
        return erasing.merge_people(service, caller, known, source, target).to_dict()

    return await once.answer(schemas.Person, 200, lambda: service.work.run(merged))


@router.post("/{person}/move", response_model=schemas.Person)
async def move_person(
    service: Here, caller: Managing, once: OneTime, collection: InCollection, person: ThePerson, body: schemas.Move
) -> Response:
    """Move a person with all faces to another collection of the same contract, which the key must be for too."""
    there, uid = await service.work.run(other_collection, service, caller, body.to)

    def moved() -> dict[str, Any]:
        return collection_for(service, caller, collection).move(person, there).to_dict()

    return await once.naming(uid).answer(schemas.Person, 200, lambda: service.work.run(moved))


@router.delete("/{person}", response_model=Receipt)
async def erase_person(
    service: Here, caller: Erasing, once: OneTime, collection: InCollection, person: ThePerson
) -> Response:
    """Erase a person from records, crops, index, logs and free pages, and look in the files whether they are gone."""

    def erased() -> dict[str, Any]:
        known = collection_for(service, caller, collection)
        return receipt_values(erasing.erase_person(service, caller, known, known.person(person)))

    return await once.naming("").answer(Receipt, 200, lambda: service.work.run(erased))
