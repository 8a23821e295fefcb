"""Every error in one form: {"error": {"code", "message", "details"}, "request_id"}.

The code is for programs and stays what it is; the message says what was expected, what came and what to do. What is
no error of ours ends in middleware/bugs.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from marginface import errors
from marginface.server.access import Forbidden, NoKey
from marginface.server.access.rates import TooOften
from marginface.server.discretion import told
from marginface.server.events import NeedsSecondKey, NotConfirmable
from marginface.server.jobs import AlreadySending, TooManyJobs, WrongState
from marginface.server.once import AnswerDropped, OtherRequest, StillRunning
from marginface.server.threads import RETRY_AFTER, Overloaded


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error of ours is told by HTTP."""

    status: int
    code: str


# The first that fits counts: subclasses stand before their parents.
KINDS: tuple[tuple[type[errors.MarginfaceError], Kind], ...] = (
    (NoKey, Kind(401, "no_key")),
    (Forbidden, Kind(403, "forbidden")),
    (TooOften, Kind(429, "too_often")),
    (Overloaded, Kind(503, "overloaded")),
    (OtherRequest, Kind(422, "idempotency_other_request")),
    (StillRunning, Kind(409, "idempotency_running")),
    (AnswerDropped, Kind(409, "idempotency_dropped")),
    (NeedsSecondKey, Kind(409, "needs_second_key")),
    (NotConfirmable, Kind(409, "not_confirmable")),
    (WrongState, Kind(409, "wrong_state")),
    (AlreadySending, Kind(429, "already_sending")),
    (TooManyJobs, Kind(503, "too_many_jobs")),
    (errors.UnknownName, Kind(404, "not_found")),
    (errors.CollectionGoneError, Kind(404, "not_found")),
    (errors.TakenName, Kind(409, "name_taken")),
    (errors.ImageTooLarge, Kind(413, "image_too_large")),
    (errors.UnreadableImage, Kind(422, "unreadable_image")),
    (errors.FaceCountError, Kind(422, "face_count")),
    (errors.CalibrationError, Kind(422, "no_threshold")),
    (errors.InputError, Kind(422, "bad_input")),
    (errors.ContractMismatch, Kind(409, "contract_mismatch")),
    (errors.GalleryBusy, Kind(503, "gallery_busy")),
    (errors.FolderBusy, Kind(503, "busy")),
    (errors.StorageError, Kind(507, "storage")),
    (errors.GalleryError, Kind(409, "gallery")),
    (errors.DataError, Kind(422, "bad_data")),
    (errors.MissingExtra, Kind(501, "not_installed")),
    (errors.MarginfaceError, Kind(422, "refused")),
)
OF_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "media_type",
    421: "wrong_host",
    503: "overloaded",
}
COMPREFACE = "/api/"  # where answers have CompreFace's form too
_UNKNOWN = "staff has no person 'Anne Example'"
_MOST_FIELDS = 20  # that are told
_BUSY = frozenset({429, 503})
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str = Field(description="for programs; it stays what it is", examples=["not_found"])
    message: str = Field(description="what was expected, what came, what to do", examples=[_UNKNOWN])
    details: dict[str, Any] = {}


class ErrorAnswer(BaseModel):
    """The form of every error."""

    error: ErrorBody
    request_id: str = Field(description="as in the log, and in X-Request-ID", examples=["9f72484268b90b2d"])


def error_answer(
    scope: Scope,
    status: int,
    code: str,
    message: str,
    *,
    details: Mapping[str, Any] | None = None,
    retry: int = 0,
    number: int = 0,
) -> JSONResponse:
    """Return an error as the answer to a request.

    Args:
        scope: Of the request.
        status: Of HTTP.
        code: For programs.
        message: What was expected, what came, what to do.
        details: Plain values.
        retry: Seconds after which to come again; 0: it is not said.
        number: CompreFace's code, which its programs look for on its paths; 0: it has none for this.
    """
    request_id = scope.get("state", {}).get("request_id", "")
    told_of = {"code": code, "message": message, "details": dict(details or {})}
    body: dict[str, Any] = {"error": told_of, "request_id": request_id}
    if scope["path"].startswith(COMPREFACE):
        body = {"message": message, "code": number, **body}
    headers = {"Retry-After": str(retry)} if retry else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status, headers)


def kind_of(error: errors.MarginfaceError) -> Kind:
    """Return how an error is told."""
    return next(kind for cls, kind in KINDS if isinstance(error, cls))


def add_handlers(app: FastAPI) -> None:
    """Let the app tell every error in the one form."""
    app.add_exception_handler(errors.MarginfaceError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)


def answer_of(error: errors.MarginfaceError, request: Request) -> JSONResponse:
    """Return an error of ours as the answer to a request."""
    kind, details = kind_of(error), getattr(error, "details", None)
    text = said(error, request)
    return error_answer(request.scope, kind.status, kind.code, text, details=details, retry=wait_of(error))


def wait_of(error: errors.MarginfaceError) -> int:
    """Return after how many seconds a caller may come again; 0: coming again is of no use."""
    return int(getattr(error, "retry_after", RETRY_AFTER if kind_of(error).status in _BUSY else 0))


def said(error: errors.MarginfaceError, request: Request) -> str:
    """Return what an error says to who sent a request."""
    return told(error, request.app.state.service.gallery)


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.MarginfaceError)
    return answer_of(error, request)


def _invalid(request: Request, error: Exception) -> Response:
    """Tell what FastAPI found wrong, without what came: that may be a picture or a name."""
    assert isinstance(error, RequestValidationError)
    fields = [_field(one) for one in error.errors()[:_MOST_FIELDS]]
    what = "; ".join(f"{one['field']}: {one['what']}" for one in fields[:3]) or "the request is not as described"
    return error_answer(request.scope, 422, "bad_input", what, details={"fields": fields})


def _field(problem: Mapping[str, Any]) -> dict[str, str]:
    """Return a problem in words: where, and what is wrong."""
    where = ".".join(map(str, problem["loc"][1:] or problem["loc"]))
    if problem["type"] == "json_invalid":
        return {"field": "body", "what": "this is no JSON"}
    if problem["type"] == "model_attributes_type":
        return {"field": where, "what": "expected an object in JSON, with Content-Type: application/json"}
    what = str(problem["msg"]).removeprefix("Value error, ")
    if what.startswith("Expected UploadFile"):
        what = f"expected the bytes of a file; got text. With curl: -F {where}=@photo.jpg"
    return {"field": where, "what": what}


def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = OF_STATUS.get(error.status_code, "refused")
    message, headers = str(error.detail), dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_taken_at(request))
        message = f"{request.method} is nothing that can be asked here; this path takes {headers['Allow']}"
    if error.status_code == 404:
        message = f"there is nothing at {request.url.path}; /openapi.json lists the paths"
    answer = error_answer(request.scope, error.status_code, code, message)
    answer.headers.update(headers)
    return answer


def _taken_at(request: Request) -> list[str]:
    """Return the methods that a path takes: its routes are one for each, and the error has those of the first alone."""
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    routes = request.app.routes
    return [one for one, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]
