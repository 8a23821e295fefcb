"""Collections: list, make, rename, erase; how much they hold, and whether they are whole."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from marginface.errors import MarginfaceError
from marginface.gallery import Collection
from marginface.server.access import Caller, Scope
from marginface.server.discretion import receipt_values
from marginface.server.gate import Gate, needs
from marginface.server.people import erasing
from marginface.server.people.acting import allowed_name, gallery_for
from marginface.server.routes.parameters import Erasing, Here, InCollection, Managing, OneTime
from marginface.server.schemas import collections as schemas
from marginface.server.schemas.removal import Receipt

router = APIRouter(prefix="/v1/collections", tags=["collections"])

Anybody = Annotated[Caller, Depends(Gate(None))]


@router.get("", response_model=schemas.CollectionPage)
async def list_collections(service: Here, caller: Anybody) -> dict[str, Any]:
    """List the collections that the key may ask about, by name. Any key will do."""
    found = await service.work.run(service.gallery.collections)
    return {"items": [info.to_dict() for info in found if caller.sees(info.name)], "next_cursor": None}


@router.post("", response_model=schemas.Collection, status_code=201)
async def make_collection(service: Here, caller: Managing, once: OneTime, body: schemas.NewCollection) -> Response:
    """Make a collection for the contract of this service's recognizer: its model, detector and preprocessing."""
    name = allowed_name(caller, body.name)
    gallery, contract = gallery_for(service, caller), service.recognizer.contract

    def made() -> dict[str, Any]:
        size = contract.embedding_size
        return gallery.create_collection(name, contract=contract.id, embedding_size=size).info().to_dict()

    return await once.answer(schemas.Collection, 201, lambda: service.work.run(made))


@router.get("/{collection}", response_model=schemas.Collection, dependencies=[needs(None)])
async def show_collection(service: Here, collection: InCollection) -> dict[str, Any]:
    """Say what a collection is and how much it holds. Any key will do that may ask about it."""
    return await service.work.run(lambda: service.collection(collection).info().to_dict())


@router.patch("/{collection}", response_model=schemas.Collection)
async def rename_collection(
    service: Here, caller: Managing, collection: InCollection, body: schemas.CollectionChange
) -> dict[str, Any]:
    """Give a collection another name. The keys for it follow; a key for some collections has to be for both names."""
    name = allowed_name(caller, body.name)

    def renamed() -> dict[str, Any]:
        gallery = gallery_for(service, caller)
        old = gallery.collection(collection).name
        there = gallery.rename_collection(collection, name)
        try:
            service.keys.follow(old, name)
        except MarginfaceError:  # others write, the disk is full …: keys for a name that is free open the next one
            gallery.rename_collection(name, old)
            raise
        return there.info().to_dict()

    return await service.work.run(renamed)


@router.delete("/{collection}", response_model=Receipt)
async def erase_collection(service: Here, caller: Erasing, once: OneTime, collection: InCollection) -> Response:
    """Erase a collection with everyone in it; its data key is destroyed. The answer is a receipt."""

    def erased() -> dict[str, Any]:
        return receipt_values(erasing.erase_collection(service, caller, collection))

    return await once.naming("").answer(Receipt, 200, lambda: service.work.run(erased))


@router.get("/{collection}/stats", response_model=schemas.CollectionStats, dependencies=[needs(Scope.STATS)])
async def count_collection(service: Here, collection: InCollection) -> dict[str, Any]:
    """Count what a collection holds, and say how it is searched."""
    return await service.work.run(lambda: service.collection(collection).stats().to_dict())


@router.get("/{collection}/check", response_model=schemas.CollectionCheck, dependencies=[needs(Scope.STATS)])
async def check_collection(service: Here, collection: InCollection) -> dict[str, Any]:
    """Open every record of a collection and see whether it fits; a million faces take some tens of seconds."""
    return await service.long_work.run(lambda: _checked(service.collection(collection)))


def _checked(collection: Collection) -> dict[str, Any]:
    info, findings = collection.info(), collection.check()
    counts = {"people": info.people, "faces": info.faces}
    return {"ok": not findings, "collection": info.uid, **counts, "findings": list(findings)}
