"""People taken out as an archive that 'marginface gallery import' reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse

from marginface.server.access import Caller, Scope
from marginface.server.events import EVERYONE
from marginface.server.gate import Gate
from marginface.server.people.acting import gallery_for
from marginface.server.people.exports import archive_of
from marginface.server.routes.parameters import Here, InCollection
from marginface.server.schemas.removal import ExportRequest

router = APIRouter(prefix="/v1/collections/{collection}", tags=["archives"])

Exporting = Annotated[Caller, Depends(Gate(Scope.EXPORT))]
_BINARY = "application/octet-stream"
_ANSWER = {"description": "The archive.", "content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}}}


@router.post("/export", response_class=Response, responses={200: _ANSWER})
async def export_people(
    service: Here, caller: Exporting, collection: InCollection, body: ExportRequest
) -> StreamingResponse:
    """Take people of a collection out as one file, sealed by a passphrase of the caller's.

    Without a passphrase it is in clear, with vectors and names; that needs scope templates besides.
    """
    if body.passphrase is None:
        caller.require(Scope.TEMPLATES)

    def packed() -> Iterator[bytes]:
        gallery = gallery_for(service, caller)
        known = gallery.collection(collection)
        people = tuple(sorted(known.person(who).uid for who in body.persons or ()))
        service.second_keys.require(caller.id, "export", known.uid, _subject(people, body.passphrase))
        return archive_of(gallery, known, people, body.passphrase)

    pieces = await service.long_work.run(packed)
    name = "marginface-export" + (".jsonl" if body.passphrase is None else ".archive")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=_BINARY, headers=headers)


def _subject(people: Sequence[str], passphrase: str | None) -> str:
    """Return of whom an export is, and whether in clear: what a second key agrees to is that and nothing else."""
    whom = ",".join(people) or EVERYONE
    return whom if passphrase is not None else f"{whom} in clear"
