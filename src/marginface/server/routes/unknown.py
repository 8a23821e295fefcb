"""A request says nothing that its route does not ask for: a misspelled rate would decide at the default, unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.params import Form
from fastapi.routing import APIRoute

from marginface.errors import InputError
from marginface.registry import near_names

_OURS = "/v1/"  # other systems' paths, the page and what monitors ask take more than they know
_SHOWN = 40  # characters of a name that is told back


async def require_known_names(request: Request) -> None:
    """Raise InputError for a parameter of the address, or a field of the form, that the route does not have."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not request.url.path.startswith(_OURS):
        return
    parameters, fields = _names(route)
    for name in request.query_params:
        if name in fields:
            raise InputError(f"{name}: it came in the address, and is a field of the form here (curl: -F {name}=…)")
        _require(name, parameters, "parameter")
    for name in (await request.form()) if fields else ():
        _require(name, fields, "field")


def _names(route: APIRoute) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the parameters in the address, and of the fields of the form, that a route asks for."""
    parts = list(_parts(route.dependant))
    fields = tuple(one.alias for part in parts for one in part.body_params if isinstance(one.field_info, Form))
    return tuple(one.alias for part in parts for one in part.query_params), fields


def _parts(asked: Dependant) -> Iterator[Dependant]:
    """Yield what a route asks for itself, and what its dependencies ask for."""
    yield asked
    for part in asked.dependencies:
        yield from _parts(part)


def _require(name: str, known: Sequence[str], what: str) -> None:
    if name not in known:
        there = f"Known: {', '.join(known)}" if known else f"There is no {what} here"
        raise InputError(f"unknown {what} {name[:_SHOWN]!r}. {near_names(name, list(known))}{there}")
