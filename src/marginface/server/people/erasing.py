"""Somebody erased, or a face deleted: by a second key where one is needed, and from what the service keeps besides."""

from __future__ import annotations

from marginface.enrolment import is_earlier
from marginface.gallery import Collection, Person, Receipt
from marginface.server.access import Caller
from marginface.server.events import EVERYONE
from marginface.server.people.acting import gallery_for
from marginface.server.service import Service


def erase_person(service: Service, caller: Caller, collection: Collection, person: Person) -> Receipt:
    """Erase a person; raise NeedsSecondKey where another key has to agree first."""
    require_agreed(service, caller, collection, person.uid)
    return service.forget_erased(collection.erase(person))


def erase_everybody(service: Service, caller: Caller, collection: Collection) -> Receipt | None:
    """Erase everybody of a collection, which stays; None if there is nobody. It raises what erase_person does."""
    people = collection.people()
    if not people:
        return None
    require_agreed(service, caller, collection, EVERYONE)
    return service.forget_erased(collection.erase(people))


def erase_collection(service: Service, caller: Caller, named: str) -> Receipt:
    """Erase a collection, by name or opaque id, with everyone in it. It raises what erase_person does."""
    gallery = gallery_for(service, caller)
    collection = gallery.collection(named)
    require_agreed(service, caller, collection, EVERYONE)
    return service.forget_erased(gallery.erase_collection(collection.uid))


def require_agreed(service: Service, caller: Caller, collection: Collection, subject: str) -> None:
    """Raise NeedsSecondKey where an erasure, or what comes to one, needs the word of another key.

    The subject is the opaque id of a person, or EVERYONE; after it there may be that of a face, and to whom it goes.
    """
    service.second_keys.require(caller.id, "erase", collection.uid, subject)


def merge_people(service: Service, caller: Caller, collection: Collection, source: Person, target: Person) -> Person:
    """Give all faces of a person to another one, and remove the first.

    Of two last days the earlier one stays: for whom it is earlier than their own, that is an erasure to come.

    Raises:
        NeedsSecondKey: So it is, and another key has to agree first.
    """
    for who, other in ((source, target), (target, source)):
        if is_earlier(other.about.retain_until, who.about.retain_until):
            require_agreed(service, caller, collection, who.uid)
    return collection.merge(source, target)


def delete_face(service: Service, caller: Caller, collection: Collection, face: str) -> Person:
    """Delete a face (its opaque id) and return its person: whose last face is deleted is found by nobody.

    Raises:
        NeedsSecondKey: Erasures need the word of another key here, and so does this.
    """
    if service.second_keys.needs("erase"):
        owner, _ = collection.embedding(face)
        require_agreed(service, caller, collection, _face_of(owner, face))
    return collection.delete_face(face)


def move_face(
    service: Service, caller: Caller, collection: Collection, face: str, who: str, other: Collection
) -> Person:
    """Give a face to another person, of this or another collection.

    Raises:
        NeedsSecondKey: They are kept for a shorter time than whose it was: that is an erasure to come.
    """
    (owner, _), new_owner = collection.embedding(face), other.person(who)
    if is_earlier(new_owner.about.retain_until, owner.about.retain_until):
        there = "" if other.uid == collection.uid else f" {other.uid}"  # with which the request goes too
        require_agreed(service, caller, collection, f"{_face_of(owner, face)} {new_owner.uid}{there}")
    return collection.move_face(face, who, other)


def _face_of(owner: Person, face: str) -> str:
    """Return a face as the subject of a request: with its person, so that the request goes when they are erased."""
    return f"{owner.uid} {face}"
