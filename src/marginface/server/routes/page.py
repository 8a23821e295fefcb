"""The web page: a few files of this package, and nothing of anybody else's.

What may be asked for is a table made from the folder once, so no path of a request ever reaches the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page: its bytes, its media type, and a tag that changes with it."""

    content: bytes
    media_type: str
    tag: str


@cache
def page_files() -> Mapping[str, PageFile]:
    """Return every file of the page by its path below web/."""
    return dict(_below(files("marginface.server").joinpath("web"), ""))


@router.get("/")
async def page(request: Request) -> Response:
    """Answer with the page. It holds nothing that needs a key; what it shows it asks for with one."""
    return _answer(request, "index.html")


@router.get("/web/{name:path}")
async def file(request: Request, name: str) -> Response:
    """Answer with a file that the page is made of."""
    return _answer(request, name)


def _answer(request: Request, path: str) -> Response:
    """Answer with a file, or that the browser has it already: it asks each time, so an update is seen at once."""
    file = page_files().get(path)
    if file is None:
        raise HTTPException(404)
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=f"{file.media_type}; charset=utf-8", headers=headers)


def _below(folder: Traversable, path: str) -> list[tuple[str, PageFile]]:
    found: list[tuple[str, PageFile]] = []
    for entry in folder.iterdir():
        inner = f"{path}{entry.name}"
        if entry.is_dir():
            found += _below(entry, f"{inner}/")
        elif (kind := entry.name.rpartition(".")[2]) in _KINDS:
            content = entry.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
            found.append((inner, PageFile(content, _KINDS[kind], tag)))
    return found
