"""The check before every route: a valid key, often enough but not too often, with the scope, for the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import Depends
from starlette.requests import Request

from marginface.server.access import Caller, NoKey, Scope
from marginface.server.service import Service, service_of

_FORWARDED = {"forwarded", "x-forwarded-for", "x-real-ip", "via"}  # who asks through a proxy is not this machine


@dataclass(frozen=True, slots=True)
class Gate:
    """A dependency of a route: it lets a caller pass who has the scope, and the collection if the path names one.

    Attributes:
        scope: What the key must be for; None: any valid key will do.
        whole: What is asked is about the whole gallery: a key that is for some collections alone does not pass.
    """

    scope: Scope | None
    whole: bool = False

    def __call__(self, request: Request) -> Caller:
        """Return who asks.

        Raises:
            NoKey: No valid key came, and one is needed.
            TooOften: The key has asked too often, or its address with wrong keys.
            Forbidden: The key has not the scope, or is not for the collection of the path, or not for all of them.
        """
        service = service_of(request)
        known = getattr(request.state, "recognized", None)  # by middleware.keys, where a body came
        caller = known if isinstance(known, Caller) else recognized(service, request)
        request.state.caller = caller.id
        if caller.key is not None:
            service.rates.count(caller.key.id, caller.key.made_for.per_minute)
        if self.scope is not None:
            caller.require(self.scope)
        if self.whole:
            caller.require_whole()
        named = request.path_params.get("collection")
        if named is not None and caller.collections:
            caller.require_collection(service.collection_name(named))
        return caller


def recognized(service: Service, request: Request) -> Caller:
    """Return who asks by the key in the request's headers; see Gate."""
    token = token_in(request)
    if not token and not _FORWARDED & set(request.headers) and service.is_open:
        return Caller(None)
    address = request.client.host if request.client else ""
    key = service.keys.recognize(token) if token else None
    if key is None:
        service.rates.check_address(address)  # a valid key passes whoever else guesses behind the same proxy
        service.rates.count_wrong(address)
        what = "no valid key" if token else "no key"
        raise NoKey(
            f"{what} came: send 'Authorization: Bearer mf_…'. 'marginface keys create' makes one, and shows it once"
        )
    return Caller(key)


def token_in(request: Request) -> str:
    """Return the token of a request: from Authorization, or from x-api-key as users of CompreFace send it."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    return request.headers.get("x-api-key", "")


def needs(scope: Scope | None) -> Any:
    """Return what a route lists under ``dependencies`` that has to check the caller and does not ask who it is."""
    return Depends(Gate(scope))
