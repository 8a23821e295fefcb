"""What a request to CompreFace's paths asks: its parameters, and its photos as multipart or Base64."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.datastructures import UploadFile

from marginface.errors import InputError
from marginface.server.photos.uploads import UploadedPhoto, decoded, read_photos
from marginface.server.routes.compreface.refusals import NO_IMAGE, NO_PART, Refusal
from marginface.server.service import Service, service_of
from marginface.server.threads import all_or_first_error

_OF_COMPREFACE = frozenset({"age", "gender", "mask", "pose", "landmarks", "calculator"})
_MOST_FIELDS = 16
_MOST_PARTS = 64  # of JSON


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters that most paths share.

    Attributes:
        limit: so many faces, the largest; 0: all.
        least_score: of the detector.
        plugins: of CompreFace; landmarks and calculator are answered, age, gender, mask and pose left out.
        status: whether to say what found and embedded.
    """

    limit: int
    least_score: float
    plugins: frozenset[str]
    status: bool


def asked(
    limit: Annotated[int, Query(ge=0, description="so many faces, the largest; 0: all")] = 0,
    det_prob_threshold: Annotated[float, Query(ge=0, le=1, description="least score of the detector")] = 0.0,
    face_plugins: Annotated[str, Query(description="landmarks, calculator (needs scope templates)")] = "",
    status: Annotated[bool, Query(description="say what found and embedded")] = False,
) -> Asked:
    """Return the parameters of a request; raise InputError for a plugin that CompreFace has not either."""
    plugins = frozenset(name.strip() for name in face_plugins.split(",") if name.strip())
    unknown = sorted(plugins - _OF_COMPREFACE)
    if unknown:
        raise InputError(f"face_plugins: no plugin {', '.join(unknown)}; there are landmarks and calculator")
    return Asked(limit, det_prob_threshold, plugins, status)


Parameters = Annotated[Asked, Depends(asked)]
Photos = tuple[UploadedPhoto, ...]


def photos_named(*names: str) -> Callable[[Request, Service], Coroutine[Any, Any, Photos]]:
    """Return a dependency: the photos of these names, in order, from a multipart body or Base64 in JSON."""

    async def photos(request: Request, service: Annotated[Service, Depends(service_of)]) -> Photos:
        if request.headers.get("content-type", "").startswith("application/json"):
            return await _from_json(request, service, names)
        return await _from_form(request, service, names)

    return photos


def body_of(*names: str) -> dict[str, Any]:
    """Return what OpenAPI says of such a body."""

    def schema(kind: dict[str, Any]) -> dict[str, Any]:
        return {"schema": {"type": "object", "required": list(names), "properties": dict.fromkeys(names, kind)}}

    multipart = schema({"type": "string", "contentMediaType": "application/octet-stream"})
    in_json = schema({"type": "string", "contentEncoding": "base64"})
    in_json["example"] = dict.fromkeys(names, "iVBORw0KGgo…")
    content = {"multipart/form-data": multipart, "application/json": in_json}
    return {"requestBody": {"required": True, "content": content}}


async def _from_form(request: Request, service: Service, names: tuple[str, ...]) -> Photos:
    async with request.form(max_files=len(names), max_fields=_MOST_FIELDS) as form:
        parts = {name: _part(form.get(name), name) for name in names}
        return tuple(await read_photos(service.decoder, parts))


def _part(part: object, name: str) -> Any:
    if not isinstance(part, UploadFile):
        raise Refusal(f"Required part {name} is missing", NO_PART)
    return part


async def _from_json(request: Request, service: Service, names: tuple[str, ...]) -> Photos:
    said = _plain(await request.body(), names)
    contents = [(name, _bytes_in(said, name)) for name in names]
    photos = (decoded(service.decoder, content, name) for name, content in contents)
    return tuple(all_or_first_error(await asyncio.gather(*photos, return_exceptions=True)))


def _plain(body: bytes, names: tuple[str, ...]) -> object:
    """Return what the JSON of a body holds: few texts. What has many parts would become many times its size."""
    few = sum(map(body.count, (b"[", b"{", b","))) <= _MOST_PARTS
    with suppress(ValueError):  # no JSON, or no text
        if few:
            return json.loads(body)
    raise InputError("the body is not as expected: {" + ", ".join(f'"{name}": Base64' for name in names) + "}")


def _bytes_in(said: object, name: str) -> bytes:
    text = said.get(name) if isinstance(said, dict) else None
    if not isinstance(text, str):
        raise Refusal(f"Required part {name} is missing", NO_PART)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("Provided value is not Base64", NO_IMAGE) from None
