"""One call over HTTP: sent, tried again, answered or raised."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO
from urllib.parse import quote
from uuid import uuid4

import httpx2

from marginface.client.refusals import refusal
from marginface.errors import InputError, ServiceError, ServiceUnreachable

Part = tuple[str, tuple[str, Any, str]]  # name of the part, (file name, bytes or a seekable file, content type)

_TRY_AGAIN = {429, 503}
_PIECE = 1 << 20
_ONCE = {"POST", "DELETE"}  # these carry an idempotency key; to repeat the others changes nothing


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried: so many attempts, and no single wait longer than this many seconds.

    The wait is what the service asks for (Retry-After); where it asks for nothing, it doubles from ``first_wait`` on,
    with chance in it so that many clients do not come back at once.
    """

    attempts: int = 5
    longest_wait: float = 30.0
    first_wait: float = 0.2

    def wait(self, attempt: int, asked: float | None) -> float:
        """Return the seconds to wait after this attempt, counted from 1."""
        doubled = self.first_wait * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 not a secret
        return min(doubled if asked is None else asked, self.longest_wait)


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked: a verb, a path below the service's address, and what goes with it.

    Attributes:
        query: parameters of the address; those that are None are left out.
        json: a JSON body.
        form: fields of a multipart body; those that are None are left out.
        parts: files of a multipart body.
        content: an open file, sent as it is.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    content: BinaryIO | None = None


def path_of(*steps: str) -> str:
    """Return the path of a call from its steps.

    >>> path_of("v1", "collections", "night shift", "persons")
    'v1/collections/night%20shift/persons'

    Raises:
        InputError: A step is ``.`` or ``..``: on its way it would become the path of something else.
    """
    if {".", ".."} & set(steps):
        raise InputError("'.' and '..' name nothing in an address: say the opaque id instead")
    return "/".join(quote(step, safe="") for step in steps)


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends calls. A POST or DELETE carries one idempotency key over all attempts, so that it happens once."""

    http: httpx2.Client
    patience: Patience

    def json(self, call: Call) -> Any:
        """Return the JSON of the answer.

        Raises:
            ServiceError: The service refuses, or its answer is no JSON.
            ServiceUnreachable: There is no answer.
        """
        response = self._answered(call)
        try:
            return response.json() if response.content else None
        except ValueError:
            raise _not_understood(response) from None

    def content(self, call: Call) -> bytes:
        """Return the bytes of the answer."""
        return self._answered(call).content

    @contextmanager
    def stream(self, call: Call) -> Iterator[Iterator[bytes]]:
        """Give the answer piece by piece, for what does not fit into memory."""
        response = self._answered(call, streamed=True)
        try:
            yield response.iter_bytes()
        except httpx2.TransportError as error:
            raise ServiceUnreachable(f"{self.http.base_url}: the answer broke off: {_words(error)}") from None
        finally:
            response.close()

    def _answered(self, call: Call, *, streamed: bool = False) -> httpx2.Response:
        request = self._request(call)
        attempt = 1
        while True:
            outcome = self._attempt(request, streamed=streamed)
            if attempt >= self.patience.attempts or not _comes_again(outcome):
                break
            if isinstance(outcome, httpx2.Response):
                outcome.close()
            time.sleep(self.patience.wait(attempt, _asked_wait(outcome)))
            attempt += 1
        if isinstance(outcome, httpx2.TransportError):
            raise ServiceUnreachable(self._unreachable(request, outcome, attempt)) from None
        if not outcome.is_success:
            outcome.read()
            raise refusal(outcome)
        return outcome

    def _attempt(self, request: httpx2.Request, *, streamed: bool) -> httpx2.Response | httpx2.TransportError:
        try:
            return self.http.send(request, stream=streamed)
        except httpx2.TransportError as error:
            return error

    def _request(self, call: Call) -> httpx2.Request:
        headers = {"Idempotency-Key": str(uuid4())} if call.method in _ONCE else {}
        build, query = self.http.build_request, _said(call.query)
        if call.parts:
            form, files = _said(call.form), list(call.parts)
            return build(call.method, call.path, params=query, headers=headers, data=form, files=files)
        if call.content is not None:
            headers["Content-Type"] = "application/octet-stream"
            return build(call.method, call.path, params=query, headers=headers, content=_Again(call.content))
        return build(call.method, call.path, params=query, headers=headers, json=call.json)

    def _unreachable(self, request: httpx2.Request, error: httpx2.TransportError, attempts: int) -> str:
        what = f"{request.method} {request.url.copy_with(query=None)}"
        tries = f" after {attempts} attempts" if attempts > 1 else ""
        if _never_sent(error):
            return f"{what}: no answer{tries}: {_words(error)}. Is the service running, and is this its address?"
        return (
            f"{what}: no answer{tries}: {_words(error)}. Whether it happened cannot be told from here: look before you "
            "ask again."
        )


def report_address(transport: Transport, kind: str, shown: str) -> str:
    """Return an address under which a browser sees a report for a minute, without a key.

    Args:
        transport: To the service.
        kind: runs or evaluations.
        shown: The opaque id of one.
    """
    ticket = transport.json(Call("POST", path_of("v1", kind, shown, "ticket")))["ticket"]
    return f"{transport.http.base_url}{path_of('v1', 'reports', shown)}?ticket={quote(ticket, safe='')}"


class _Again:
    """A file that can be sent more than once: each time from its beginning, in pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(0)
        return iter(lambda: self._stream.read(_PIECE), b"")


def _never_sent(error: httpx2.TransportError) -> bool:
    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _comes_again(outcome: httpx2.Response | httpx2.TransportError) -> bool:
    """Say whether a call is tried again: also while its first attempt, which broke off here, is still carried out."""
    if isinstance(outcome, httpx2.TransportError):
        return True
    return outcome.status_code in _TRY_AGAIN or (outcome.status_code == 409 and "retry-after" in outcome.headers)


def _asked_wait(outcome: httpx2.Response | httpx2.TransportError) -> float | None:
    """Return the seconds that the service asks to wait: Retry-After in seconds or as a date."""
    said = outcome.headers.get("retry-after") if isinstance(outcome, httpx2.Response) else None
    if said is None:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a time zone
        return None


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not said, and write truth values as JSON does."""
    plain = {True: "true", False: "false"}
    return {
        name: plain[value] if isinstance(value, bool) else value for name, value in values.items() if value is not None
    }


def _words(error: httpx2.TransportError) -> str:
    return str(error) or type(error).__name__


def _not_understood(response: httpx2.Response) -> ServiceError:
    kind = response.headers.get("content-type", "nothing")
    return ServiceError(
        f"{response.url.copy_with(query=None)} answered {kind}, where JSON is expected. Is this marginface's address?",
        status=response.status_code,
    )
