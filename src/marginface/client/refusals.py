"""An answer that refuses → the exception that says so."""

from __future__ import annotations

from typing import Any

import httpx2

from marginface.errors import (
    AccessError,
    BusyError,
    ConflictError,
    NotFoundError,
    RequestError,
    ServiceError,
)

_BY_STATUS: dict[int, type[ServiceError]] = {
    400: RequestError,
    401: AccessError,
    403: AccessError,
    404: NotFoundError,
    409: ConflictError,
    411: RequestError,
    413: RequestError,
    415: RequestError,
    421: RequestError,
    422: RequestError,
    429: BusyError,
    503: BusyError,
}


def refusal(response: httpx2.Response) -> ServiceError:
    """Return the exception for an answer that is no success, from the error envelope where there is one."""
    envelope = _envelope(response)
    told = envelope.get("error", {})
    message = str(told.get("message") or f"the service answered {response.status_code} {response.reason_phrase}")
    kind = _BY_STATUS.get(response.status_code, ServiceError)
    return kind(
        message,
        status=response.status_code,
        code=str(told.get("code", "")),
        details=told.get("details") or {},
        request_id=str(envelope.get("request_id") or response.headers.get("x-request-id", "")),
    )


def _envelope(response: httpx2.Response) -> dict[str, Any]:
    """Return the envelope; empty where something else has answered, as a proxy does."""
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) and isinstance(said.get("error"), dict) else {}
