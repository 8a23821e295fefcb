"""What several routes ask for in the same words."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, File, Form, Header, Path, Query, Request, UploadFile

from marginface.gallery.names import LONGEST_TEXT
from marginface.pipeline.reader import CHOICES
from marginface.quality import GATES
from marginface.server.access import Caller, Scope
from marginface.server.gate import Gate, token_in
from marginface.server.once import Once, Sent, content_of
from marginface.server.routes.cursors import Paging
from marginface.server.schemas.fields import OneOf
from marginface.server.service import Service, service_of

LARGEST_PAGE = 500

Here = Annotated[Service, Depends(service_of)]
Enrolling = Annotated[Caller, Depends(Gate(Scope.ENROL))]
Managing = Annotated[Caller, Depends(Gate(Scope.MANAGE))]
Erasing = Annotated[Caller, Depends(Gate(Scope.ERASE))]
InCollection = Annotated[str, Path(description="name or opaque id of a collection", examples=["staff"])]
ThePerson = Annotated[str, Path(description="opaque id or name of a person", examples=["p-3f9a1c0b77d2e845"])]
TheFace = Annotated[str, Path(description="opaque id of a face", examples=["f-b1946ac92492d234"])]
Cursor = Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many at most")]
Consent = Annotated[str, Form(max_length=LONGEST_TEXT, description="what is recorded of it; empty: as it was")]
Purpose = Annotated[str, Form(max_length=LONGEST_TEXT, description="what the person is kept for; empty: as it was")]
RetainUntil = Annotated[
    date | None, Form(description="the last day the person is kept; none: as it was", examples=["2029-01-31"])
]


def paging(service: Here, cursor: Cursor = None, limit: Limit = 50) -> Paging:
    """Return what part of a listing is asked for."""
    return Paging(service.state, cursor, limit)


Part = Annotated[Paging, Depends(paging)]


async def once_of(
    request: Request,
    service: Here,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=16,
            max_length=255,
            pattern=r"^[\x21-\x7e]+$",
            description="a random text, as a UUID: the same request with the same text is carried out once",
            examples=["0b0f2f6e-6f0f-4a3b-9d5a-2f1d7c9e8a10"],
        ),
    ] = None,
) -> Once:
    """Return what carries this request out once; a dependency after the Gate, which says who asks."""
    once = Once(service.answers, service.gallery)
    if idempotency_key is None:
        return once
    sent = Sent(idempotency_key, request.state.caller, token_in(request), await content_of(request))
    return await to_thread.run_sync(once.known, sent, request.path_params.get("collection"))


OneTime = Annotated[Once, Depends(once_of)]


Image = Annotated[UploadFile, File(description="a photo: JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF, JPEG 2000")]
FacePolicy = Annotated[str, Form(description="which faces of a photo"), OneOf(CHOICES)]
QualityGate = Annotated[str, Form(description="faces below it cannot be told"), OneOf(GATES)]
