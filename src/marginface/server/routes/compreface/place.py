"""The collection that a key stands for: CompreFace has one for each key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Depends, Request

from marginface.errors import InputError
from marginface.gallery import Collection
from marginface.server.access import Caller, Scope
from marginface.server.gate import Gate
from marginface.server.people.acting import gallery_for
from marginface.server.service import Service, service_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request belongs: who asks, and about which collection."""

    service: Service
    caller: Caller
    collection: Collection


def place_for(scope: Scope) -> Callable[..., Place]:
    """Return a dependency: the caller who has a scope, with the one collection of the key.

    It raises what the Gate does; InputError for a key that is for several collections, or for all where there are
    several; UnknownName where the collection of the key is not there.
    """
    gate = Depends(Gate(scope))

    def place(request: Request, caller: Caller = gate) -> Place:
        service = service_of(request)
        gallery = gallery_for(service, caller)
        names = caller.collections or tuple(info.name for info in gallery.collections())
        if len(names) != 1:
            raise InputError(
                f"on CompreFace's paths a key stands for one collection; this one is for {len(names)}. Make one: "
                "marginface keys create --scope … --collection NAME"
            )
        return Place(service, caller, gallery.collection(names[0]))

    return place
