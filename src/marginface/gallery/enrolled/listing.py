"""The people of a collection a page at a time: names are sealed, so a database can neither sort nor search them."""

from __future__ import annotations

import unicodedata

from sqlalchemy import Connection

from marginface.errors import InputError
from marginface.gallery.enrolled.people import people_after
from marginface.gallery.records import Person
from marginface.gallery.vault import Chamber

_READ_AT_ONCE = 500


def people_page(connection: Connection, chamber: Chamber, last: int, limit: int, named: str = "") -> list[Person]:
    """Return up to ``limit`` people with a number above ``last``, in whose name a text is; in the order they came.

    Raises:
        InputError: ``limit`` is below 1.
    """
    if limit < 1:
        raise InputError(f"a page has at least 1 person; got {limit}")
    if not named:
        return people_after(connection, chamber, last, limit)
    wanted = unicodedata.normalize("NFC", named).casefold()  # as names are kept
    found: list[Person] = []
    while part := people_after(connection, chamber, last, _READ_AT_ONCE):
        found += [person for person in part if wanted in person.name.casefold()]
        if len(found) >= limit:
            break
        last = part[-1].id
    return found[:limit]
