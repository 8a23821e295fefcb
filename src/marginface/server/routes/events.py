"""How the service was used, and the word of second keys; options of the service."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from marginface.server.access import Caller, Scope
from marginface.server.events import Event
from marginface.server.events.log import Action, no_event
from marginface.server.gate import Gate
from marginface.server.routes.audit import Head
from marginface.server.routes.parameters import Here, Limit, OneTime, Part
from marginface.server.schemas import events as schemas
from marginface.server.schemas.audit import AuditCheck
from marginface.server.service import Service

router = APIRouter(prefix="/v1/events", tags=["events"])

Auditing = Annotated[Caller, Depends(Gate(Scope.AUDIT))]
AuditingAll = Annotated[Caller, Depends(Gate(Scope.AUDIT, whole=True))]
Confirming = Annotated[Caller, Depends(Gate(Scope.CONFIRM))]
OfAction = Annotated[Action | None, Query(description="only of this kind")]
TheEvent = Annotated[str, Path(description="opaque id of an event", examples=["e-5d0c9be1f2a34877"])]


@router.get("", response_model=schemas.EventPage)
async def list_events(service: Here, caller: Auditing, part: Part, action: OfAction = None) -> dict[str, Any]:
    """List how the service was used, the newest first; a key for some collections sees what is about those."""

    def newest(before: int | None, count: int) -> Sequence[Event]:
        return service.events.log.newest(_collections(service, caller), count, before, action)

    listing = "events" if action is None else f"events {action}"
    return await service.work.run(part.page, listing, newest, attrgetter("seq"), lambda event: _told(service, event))


@router.get("/check", response_model=AuditCheck)
async def check_events(service: Here, _: AuditingAll, head: Head = None) -> dict[str, Any]:
    """Walk the whole record and say whether its chain holds, and whether an entry kept elsewhere is in it."""
    return await service.long_work.run(lambda: service.events.log.verify(head or "").to_dict())


@router.get("/waiting", response_model=schemas.EventPage)
async def list_waiting(service: Here, caller: Confirming, limit: Limit = 50) -> dict[str, Any]:
    """List what waits for the word of a key, the newest first: matches, erasures and exports of the last week."""

    def page() -> dict[str, Any]:
        events = service.second_keys.waiting(_collections(service, caller), limit)
        return {"items": [_told(service, event) for event in events], "next_cursor": None}

    return await service.work.run(page)


@router.get("/{event}", response_model=schemas.Event)
async def show_event(service: Here, caller: Confirming, event: TheEvent) -> dict[str, Any]:
    """Show one event to who is to give their word about it, with what others have said."""
    return await service.work.run(lambda: _told(service, _found(service, caller, event)))


@router.post("/{event}/confirm", response_model=schemas.Event)
async def confirm_event(
    service: Here, caller: Confirming, once: OneTime, event: TheEvent, body: schemas.Answer
) -> Response:
    """Give the word of this key about a match, or about an erasure or an export that another key has asked for.

    A match is confirmed when two different keys have agreed; what was asked for, when another key has.
    """
    found = await service.work.run(_found, service, caller, event)

    def confirmed() -> dict[str, Any]:
        return _told(service, service.second_keys.confirm(event, caller.id, agrees=body.agree))

    return await once.naming(found.collection).answer(schemas.Event, 200, lambda: service.work.run(confirmed))


def _collections(service: Service, caller: Caller) -> Sequence[str] | None:
    """Return the opaque ids of the collections that a caller may ask about; None: all."""
    if not caller.collections:
        return None
    return [info.uid for info in service.gallery.collections() if caller.sees(info.name)]


def _found(service: Service, caller: Caller, uid: str) -> Event:
    """Return an event that the caller may see; another one is not there for them."""
    event = service.events.log.event(uid)
    if caller.collections and not caller.sees(service.collection_name(event.collection)):
        raise no_event(uid)
    return event


def _told(service: Service, event: Event) -> dict[str, Any]:
    return {**event.to_dict(), **service.second_keys.confirmation(event).to_dict()}
