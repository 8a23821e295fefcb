"""The gallery as a caller works with it: the audit says whose key acted, and what a caller may not see stays unseen."""

from __future__ import annotations

from marginface.gallery import Collection, Gallery
from marginface.gallery.names import checked_name
from marginface.server.access import Caller
from marginface.server.service import Service


def gallery_for(service: Service, caller: Caller) -> Gallery:
    """Return the gallery, with the caller as the actor of its audit."""
    return service.gallery.acting(caller.actor)


def collection_for(service: Service, caller: Caller, named: str) -> Collection:
    """Return a collection by name or opaque id, with the caller as the actor; the Gate has let the name pass."""
    return gallery_for(service, caller).collection(named)


def other_collection(service: Service, caller: Caller, named: str) -> tuple[Collection, str]:
    """Return a collection that the body of a request names, and its opaque id.

    Raises:
        Forbidden: The key is not for it, whether there is one or not.
    """
    caller.require_collection(service.collection_name(named))
    collection = collection_for(service, caller, named)
    return collection, collection.uid


def allowed_name(caller: Caller, name: str) -> str:
    """Return the name of a collection that is to be; raise Forbidden if the key is not for one of that name."""
    clean = checked_name(name, "the name of a collection")
    caller.require_collection(clean)
    return clean
