"""The routes of an app with the Gate before each, found in the app itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from marginface.server.gate import Gate

NOBODY = {"person": "p-0000000000000000", "face": "f-0000000000000000"}


@dataclass(frozen=True)
class Door:
    """One method of one path, and its Gate."""

    method: str
    path: str
    gate: Gate | None

    @property
    def names_collection(self) -> bool:
        return "{collection}" in self.path

    def address(self, collection: str, **names: str) -> str:
        """Return the path with these names in it; where none is given, with those of nobody."""
        values = {**NOBODY, **names, "collection": collection}
        return re.sub(r"{(\w+)(:\w+)?}", lambda found: values.get(found[1], "nothing"), self.path)


def doors_of(app: FastAPI) -> list[Door]:
    """Return every method of every path; a route that is no function of ours has no Gate."""
    return list(_doors(app))


def _doors(app: FastAPI) -> Iterator[Door]:
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        gates = [] if dependant is None else list(_gates(dependant))
        assert len(gates) <= 1, f"{route.path} has several gates"
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield Door(method, route.path or "", gates[0] if gates else None)


def _gates(dependant: Dependant) -> Iterator[Gate]:
    if isinstance(dependant.call, Gate):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _gates(inner)
