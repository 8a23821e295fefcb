"""People of the key's collection erased: by a second key where one is needed, from the service's records too."""

from __future__ import annotations

from fastapi import Response

from marginface.gallery import Person, Receipt
from marginface.server.events import EVERYONE
from marginface.server.routes.compreface.place import Place


def erase_person(place: Place, person: Person) -> Receipt:
    """Erase a person; raise NeedsSecondKey where another key has to agree first."""
    _require(place, person.uid)
    return _followed(place, place.collection.erase(person))


def erase_everybody(place: Place) -> Receipt | None:
    """Erase everybody of the collection; None if there is nobody. It raises what erase_person does."""
    people = place.collection.people()
    if not people:
        return None
    _require(place, EVERYONE)
    return _followed(place, place.collection.erase(people))


def tell_receipt(response: Response, receipt: Receipt) -> Receipt:
    """Say in headers what CompreFace has no place for: whether the disk is clean too, and the entry of the audit."""
    response.headers["X-Erasure-Complete"] = "true" if receipt else "false"
    response.headers["X-Audit-Head"] = receipt.audit_head
    return receipt


def _require(place: Place, subject: str) -> None:
    place.service.second_keys.require(place.caller.id, "erase", place.collection.uid, subject)


def _followed(place: Place, receipt: Receipt) -> Receipt:
    """Take who was erased out of what the service keeps beside the gallery."""
    place.service.forget_erased(receipt)
    return receipt
