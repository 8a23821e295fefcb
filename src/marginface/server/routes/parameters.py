"""What several routes ask for in the same words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, File, Form, Path, Query, UploadFile
from pydantic import AfterValidator

from marginface.pipeline.reader import CHOICES
from marginface.quality import GATES
from marginface.server.once.requests import Once, once_of
from marginface.server.service import Service, service_of

LARGEST_PAGE = 500
_TEXT = 2_000

Here = Annotated[Service, Depends(service_of)]
OneTime = Annotated[Once, Depends(once_of)]
InCollection = Annotated[str, Path(description="name or opaque id of a collection", examples=["staff"])]
ThePerson = Annotated[str, Path(description="opaque id or name of a person", examples=["p-3f9a1c0b77d2e845"])]
TheFace = Annotated[str, Path(description="opaque id of a face", examples=["f-b1946ac92492d234"])]
Cursor = Annotated[str | None, Query(max_length=200, description="next_cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="how many at most")]
Consent = Annotated[str, Form(max_length=_TEXT, description="what is recorded of it; empty: as it was")]
Purpose = Annotated[str, Form(max_length=_TEXT, description="what the person is kept for; empty: as it was")]
RetainUntil = Annotated[
    date | None, Form(description="the last day the person is kept; none: as it was", examples=["2029-01-31"])
]


def one_of(names: Collection[str]) -> Callable[[str | None], str | None]:
    """Return what lets pass these names and None alone; FastAPI answers 422 and says which there are."""

    def check(name: str | None) -> str | None:
        if name is not None and name not in names:
            raise ValueError(f"expected one of {', '.join(names)}")
        return name

    return check


def named_in(table: Mapping[str, Any]) -> AfterValidator:
    """Return what lets pass the names of a table alone: the error of the table says which there are."""

    def check(name: str) -> str:
        table[name]  # raises UnknownName, which is a ValueError: FastAPI answers 422 and says so
        return name

    return AfterValidator(check)


Image = Annotated[UploadFile, File(description="a photo: JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF, JPEG 2000")]
FacePolicy = Annotated[
    str, Form(description="which faces of a photo", json_schema_extra={"enum": list(CHOICES)}), named_in(CHOICES)
]
QualityGate = Annotated[
    str, Form(description="faces below it cannot be told", json_schema_extra={"enum": list(GATES)}), named_in(GATES)
]
