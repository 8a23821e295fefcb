"""A request says nothing that its route does not ask for: a misspelled rate would decide at the default, unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anyio import to_thread
from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute

from marginface.errors import InputError
from marginface.registry import near_names
from marginface.server.gate import Gate

_OURS = "/v1/"  # other systems' paths, the page and what monitors ask take more than they know
_SHOWN = 40  # characters of a name that is told back


async def require_known_names(request: Request) -> None:
    """Raise InputError for a parameter of the address, or a field of the form, that the route does not have.

    Who has no key is told that, as by the Gate.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not request.url.path.startswith(_OURS):
        return
    wrong = await _wrong(request, route)
    if wrong:
        await to_thread.run_sync(Gate(None), request)
        raise InputError(wrong)


async def _wrong(request: Request, route: APIRoute) -> str:
    """Return what is wrong with the first unknown name; empty where there is none."""
    parts = list(_parts(route.dependant))
    parameters = [one.alias for part in parts for one in part.query_params]
    fields = [one.alias for part in parts for one in part.body_params if isinstance(one.field_info, Form)]
    for name in request.query_params:
        if name in fields:
            return f"{name}: it came in the address, and is a field of the form here (curl: -F {name}=…)"
        if name not in parameters:
            return _unknown("parameter", name, parameters)
    for name in (await request.form()) if fields else ():
        if name not in fields:
            return _unknown("field", name, fields)
    return ""


def _parts(asked: Dependant) -> Iterator[Dependant]:
    """Yield what a route asks for itself, and what its dependencies ask for."""
    yield asked
    for part in asked.dependencies:
        yield from _parts(part)


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    there = f"Known: {', '.join(known)}" if known else f"There is no {what} here"
    return f"unknown {what} {name[:_SHOWN]!r}. {near_names(name, list(known))}{there}"
