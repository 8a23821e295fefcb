"""A request that is sent again gets the first answer again: the header Idempotency-Key, over all workers."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Header
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from marginface.errors import UnknownGalleryName
from marginface.server.gate import token_in
from marginface.server.once.answers import AnswerDropped, Asked, KeptAnswer
from marginface.server.service import Service, service_of


@dataclass(frozen=True, slots=True)
class Once:
    """Carries a request out once, where it came with an Idempotency-Key; a dependency, after the Gate."""

    service: Service
    asked: Asked | None

    def naming(self, collection: str) -> Once:
        """Return what keeps an answer with names from this collection (its opaque id), not from that of the path.

        Empty: it names nobody, as a receipt, and is kept whoever is erased.
        """
        return self if self.asked is None else replace(self, asked=replace(self.asked, collection=collection))

    async def answer(
        self, model: type[BaseModel], status: int | Callable[[Any], int], make: Callable[[], Awaitable[Any]]
    ) -> Response:
        """Return the answer that is kept, or what ``make`` gives, as JSON of a model.

        Args:
            model: What the answer is.
            status: Of the answer, or what tells it from the values.
            make: Carries the request out and returns plain values.
        """
        if self.asked is None:
            return _response(await _made(model, status, make), {})
        kept = await to_thread.run_sync(_kept, self.service, self.asked)
        if kept is not None:
            return _response(kept, {"Idempotent-Replay": "true"})
        answers = self.service.answers
        try:
            answer = await _made(model, status, make)
        except BaseException:
            await to_thread.run_sync(answers.release, self.asked)
            raise
        await to_thread.run_sync(answers.keep, self.asked, answer)
        return _response(answer, {})


async def once_of(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
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
    """Return what carries this request out once."""
    if idempotency_key is None:
        return Once(service, None)
    content = await _content(request)
    named = request.path_params.get("collection")
    return Once(service, await to_thread.run_sync(_asked, service, request, idempotency_key, content, named))


async def _made(
    model: type[BaseModel], status: int | Callable[[Any], int], make: Callable[[], Awaitable[Any]]
) -> KeptAnswer:
    values = await make()
    told = status if isinstance(status, int) else status(values)
    return KeptAnswer(told, model.model_validate(values).model_dump_json().encode())


def _kept(service: Service, asked: Asked) -> KeptAnswer | None:
    """Return the first answer, unless somebody whom it may name was erased since, here or by the command line."""
    kept = service.answers.claim(asked)
    if kept is not None and kept.collection and _erased_since(service, kept):
        service.answers.forget(kept.collection)
        raise AnswerDropped
    return kept


def _erased_since(service: Service, kept: KeptAnswer) -> bool:
    try:
        return service.collection(kept.collection).has_lost_since(kept.audited)
    except UnknownGalleryName:
        return True


def _asked(service: Service, request: Request, key: str, content: bytes, named: str | None) -> Asked:
    state, token = service.state, token_in(request)
    owner = f"{request.state.caller}|{key}".encode()
    secret = hashlib.sha256(f"{len(token)}|{token}|{key}".encode()).hexdigest()
    what = f"{request.method} {request.url.path}?{request.url.query}|".encode() + content
    return Asked(
        state.fingerprint("idempotency key", owner),
        state.fingerprint("idempotency request", what),
        "" if named is None else _uid(service, named),
        service.gallery.audit(1)[0].seq,
        f"idempotent answer|{secret}",
    )


def _uid(service: Service, named: str) -> str:
    """Return the opaque id of a collection; empty if there is none: it may have been erased by the first request."""
    try:
        return service.collection(named).uid
    except UnknownGalleryName:
        return ""


async def _content(request: Request) -> bytes:
    """Return what stands for the body of a request: the bytes, or for a form the hash of each part."""
    if not request.headers.get("content-type", "").startswith(("multipart/", "application/x-www-form-urlencoded")):
        return await request.body()
    parts = []
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            await value.seek(0)
        else:
            content = value.encode()
        parts.append(f"{len(name)}|{name}|{hashlib.sha256(content).hexdigest()}")
    return "\n".join(parts).encode()


def _response(answer: KeptAnswer, headers: dict[str, str]) -> Response:
    return Response(answer.body, answer.status, headers, "application/json")
