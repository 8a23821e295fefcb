"""A request that is sent again gets the first answer again: the header Idempotency-Key, over all workers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from anyio import to_thread
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from marginface.errors import UnknownGalleryName
from marginface.gallery import Gallery
from marginface.server.once.answers import AnswerDropped, Asked, KeptAnswer, KeptAnswers, Sent


@dataclass(frozen=True, slots=True)
class Once:
    """Carries a request out once, where it came with an Idempotency-Key.

    Attributes:
        answers: Those of the service that are kept.
        gallery: Whose audit says who was erased since.
        asked: The request; None: it came without a key, and is carried out as often as it comes.
    """

    answers: KeptAnswers
    gallery: Gallery
    asked: Asked | None = None

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
        kept = await to_thread.run_sync(self._kept, self.asked)
        if kept is not None:
            return _response(kept, {"Idempotent-Replay": "true"})
        try:
            answer = await _made(model, status, make)
        except asyncio.CancelledError:  # what a thread is at goes on: it may be carried out, as by a worker that dies
            raise
        except BaseException:
            await to_thread.run_sync(self.answers.release, self.asked)
            raise
        await to_thread.run_sync(self.answers.keep, self.asked, answer)
        return _response(answer, {})

    def known(self, sent: Sent, named: str | None) -> Once:
        """Return what carries a request out once; ``named``: the collection of its path, by name or opaque id."""
        collection = "" if named is None else self._uid(named)
        return replace(self, asked=self.answers.asked(sent, collection, self.gallery.audit(1)[0].seq))

    def _uid(self, named: str) -> str:
        """Return the opaque id of a collection; empty if there is none: the first request may have erased it."""
        try:
            return self.gallery.collection(named).uid
        except UnknownGalleryName:
            return ""

    def _kept(self, asked: Asked) -> KeptAnswer | None:
        """Return the first answer, unless somebody whom it may name was erased since, here or by the command line."""
        kept = self.answers.claim(asked)
        if kept is not None and kept.collection and self._erased_since(kept):
            self.answers.forget(kept.collection)
            raise AnswerDropped
        return kept

    def _erased_since(self, kept: KeptAnswer) -> bool:
        try:
            return self.gallery.collection(kept.collection).has_lost_since(kept.audited)
        except UnknownGalleryName:
            return True


async def content_of(request: Request) -> bytes:
    """Return what stands for a request: method, address, and the body, or for a form the hash of each part."""
    return f"{request.method} {request.url.path}?{request.url.query}|".encode() + await _body_of(request)


async def _body_of(request: Request) -> bytes:
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


async def _made(
    model: type[BaseModel], status: int | Callable[[Any], int], make: Callable[[], Awaitable[Any]]
) -> KeptAnswer:
    values = await make()
    told = status if isinstance(status, int) else status(values)
    return KeptAnswer(told, model.model_validate(values).model_dump_json().encode())


def _response(answer: KeptAnswer, headers: dict[str, str]) -> Response:
    return Response(answer.body, answer.status, headers, "application/json")
