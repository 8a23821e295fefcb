"""CompreFace's numbers of errors: what its programs look for in {"message", "code"}.

The form is that of refusals.error_answer, which all errors on these paths have, also those that no route tells.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from marginface import errors
from marginface.server.access import NoKey
from marginface.server.refusals import error_answer, kind_of, said, wait_of

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
                return error_answer(request.scope, 400, "bad_input", _first(error), number=WRONG_VALUE)

        return handled


def refusal(error: errors.MarginfaceError, request: Request) -> JSONResponse:
    """Return what an error of ours is answered by on these paths."""
    kind, text, details = kind_of(error), said(error, request), getattr(error, "details", None)
    if isinstance(error, Refusal):
        return error_answer(request.scope, error.status, kind.code, text, number=error.number)
    number, instead = next((one[1:] for one in _NUMBERS if isinstance(error, one[0])), (UNDEFINED, None))
    status, retry = instead or kind.status, wait_of(error)
    return error_answer(request.scope, status, kind.code, text, details=details, retry=retry, number=number)


def _first(error: RequestValidationError) -> str:
    first = error.errors()[0]
    return f"{first['loc'][-1]}: {first['msg']}"
