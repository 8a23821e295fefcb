"""CompreFace's form of an error: {"message", "code"}, with its number where it has one for what happened.

Our own envelope is in the same body.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from marginface import errors
from marginface.server.access import NoKey
from marginface.server.refusals import kind_of, said
from marginface.server.threads import RETRY_AFTER

NO_FACE, SEVERAL_FACES, SUBJECT_UNKNOWN, SUBJECT_TAKEN, IMAGE_UNKNOWN = 28, 31, 42, 43, 44
WRONG_VALUE, NO_PART, WRONG_ARGUMENT, NO_HEADER, NO_IMAGE, UNDEFINED = 26, 34, 36, 20, 21, 0

_NUMBERS: tuple[tuple[type[errors.MarginfaceError], int, int | None], ...] = (  # status None: that of our envelope
    (NoKey, NO_HEADER, None),
    (errors.ImageTooLarge, NO_IMAGE, None),
    (errors.ImageError, NO_IMAGE, 400),
    (errors.InputError, WRONG_ARGUMENT, 400),
)


class Refusal(errors.MarginfaceError):
    """What CompreFace has a number for.

    Attributes:
        status: of HTTP.
        number: CompreFace's code.
    """

    def __init__(self, message: str, number: int, status: int = 400) -> None:
        super().__init__(message)
        self.number = number
        self.status = status


class CompreFaceRoute(APIRoute):
    """A route that tells errors as CompreFace does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the errors told."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except errors.MarginfaceError as error:
                return refusal(error, request)
            except RequestValidationError as error:
                return _answer(request, 400, WRONG_VALUE, _first(error))
            except HTTPException as error:
                return _answer(request, error.status_code, UNDEFINED, str(error.detail), dict(error.headers or {}))

        return handled


def refusal(error: errors.MarginfaceError, request: Request) -> JSONResponse:
    """Return what an error of ours is answered by on these paths."""
    kind = kind_of(error)
    if isinstance(error, Refusal):
        return _answer(request, error.status, error.number, str(error))
    number, instead = next((one[1:] for one in _NUMBERS if isinstance(error, one[0])), (UNDEFINED, None))
    waits = kind.status in (429, 503)
    headers = {"Retry-After": str(getattr(error, "retry_after", RETRY_AFTER))} if waits else {}
    return _answer(request, instead or kind.status, number, said(error, request), headers, kind.code)


def _first(error: RequestValidationError) -> str:
    first = error.errors()[0]
    return f"{first['loc'][-1]}: {first['msg']}"


def _answer(
    request: Request,
    status: int,
    number: int,
    message: str,
    headers: Mapping[str, str] | None = None,
    code: str = "refused",
) -> JSONResponse:
    """Return both forms of an error in one body: that of CompreFace, and our envelope."""
    envelope = {"error": {"code": code, "message": message, "details": {}}, "request_id": request.state.request_id}
    return JSONResponse({"message": message, "code": number, **envelope}, status, dict(headers or {}))
