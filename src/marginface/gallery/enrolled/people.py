"""The people of a collection: add, find, list, rename, describe."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, func, insert, select, update

from marginface.errors import TakenName, UnknownGalleryName
from marginface.gallery.database.columns import damaged
from marginface.gallery.database.tables import FACES, PEOPLE, in_parts
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.names import checked_name
from marginface.gallery.records import About, Origin, Person, is_uid
from marginface.gallery.vault import Chamber
from marginface.registry import near_names, shown

PersonRef = str | Person  # a name, an opaque id, or what a verb returned
_HERE = Origin()
_COUNTED = select(func.count()).where(FACES.c.person_id == PEOPLE.c.id).scalar_subquery()
_PEOPLE = select(PEOPLE, _COUNTED.label("faces"))
_NEAR_AMONG = 1_000  # names that are opened to find near ones


def new_uid(kind: str) -> str:
    """Return an opaque id such as p-3f9a1c0b77d2e845."""
    return f"{kind}-{secrets.token_hex(8)}"


def add_person(transaction: Transaction, chamber: Chamber, name: str, about: About, origin: Origin = _HERE) -> Person:
    """Add a person; raise InputError if the name is taken."""
    if find_by_name(transaction.connection, chamber, checked_name(name)) is not None:
        raise TakenName(f"{chamber.name} has a person {name!r} already; add faces to them, or choose another name")
    return insert_person(transaction, chamber, checked_name(name), about, origin)


def insert_person(
    transaction: Transaction, chamber: Chamber, name: str, about: About, origin: Origin = _HERE
) -> Person:
    """Add a person whose name, as checked_name gives it, is known to be free."""
    number = transaction.numbers("person")[0]
    uid = free_uid(transaction.connection, PEOPLE.c.uid, origin.uid) or new_uid("p")
    created = origin.created or transaction.time
    values = described(chamber, number, name, about)
    row = {"id": number, "collection_id": chamber.id, "uid": uid, "created": created, **values}
    transaction.connection.execute(insert(PEOPLE), row)
    transaction.record("add-person", {"collection": chamber.uid, "person": uid})
    return Person(number, uid, name, chamber.name, 0, created, about)


def free_uid(connection: Connection, column: Column[str], uid: str) -> str:
    """Return the opaque id of an archive if it is given and free here, or an empty string."""
    if not uid or connection.execute(select(column).where(column == uid)).first() is not None:
        return ""
    return uid


def change_person(transaction: Transaction, chamber: Chamber, person: Person, name: str, about: About) -> Person:
    """Give a person another name or another record of consent, purpose and retention."""
    name = checked_name(name)
    other = find_by_name(transaction.connection, chamber, name)
    if other is not None and other.id != person.id:
        raise TakenName(f"{chamber.name} has a person {name!r} already; merge the two if they are one person")
    values = described(chamber, person.id, name, about)
    transaction.connection.execute(update(PEOPLE).where(PEOPLE.c.id == person.id).values(values))
    action = "describe-person" if name == person.name else "rename-person"
    transaction.record(action, {"collection": chamber.uid, "person": person.uid})
    return Person(person.id, person.uid, name, chamber.name, person.faces, person.created, about)


def find_person(connection: Connection, chamber: Chamber, who: PersonRef) -> Person:
    """Return a person by opaque id, name, or an earlier answer.

    What has the form of an opaque id and is one means that person, also where somebody was given it as a name.

    Raises:
        UnknownGalleryName: The collection has no such person; the message lists near names.
    """
    if isinstance(who, Person):
        found = _one(connection, chamber, _PEOPLE.where(PEOPLE.c.id == who.id))
    else:
        found = _one(connection, chamber, _PEOPLE.where(PEOPLE.c.uid == who)) if is_uid(who) else None
        found = found or find_by_name(connection, chamber, checked_name(who))
    if found is None:
        raise _unknown(connection, chamber, who.name if isinstance(who, Person) else who)
    return found


def _unknown(connection: Connection, chamber: Chamber, name: str) -> UnknownGalleryName:
    """Return the error for a person who is not there; near names are opened for who may read them alone."""
    brief, near = f"{chamber.name} has no person {shown(name)}", ""
    if chamber.suggests:
        near = near_names(name, [one.name for one in list_people(connection, chamber, limit=_NEAR_AMONG)])
    return UnknownGalleryName(f"{brief}. {near}'marginface gallery list' shows all", brief)


def find_by_name(connection: Connection, chamber: Chamber, name: str) -> Person | None:
    """Return the person of a name (as checked_name gives it), or None."""
    return _one(connection, chamber, _PEOPLE.where(PEOPLE.c.name_digest == chamber.seal.digest("name", name)))


def list_people(connection: Connection, chamber: Chamber, *, limit: int = 0) -> list[Person]:
    """Return all people by name, or the first ``limit`` that were added."""
    statement = _PEOPLE.where(PEOPLE.c.collection_id == chamber.id).order_by(PEOPLE.c.id)
    rows = connection.execute(statement.limit(limit) if limit else statement)
    return sorted((_person(row, chamber) for row in rows), key=lambda person: (person.name.casefold(), person.name))


def people_after(connection: Connection, chamber: Chamber, after: int, limit: int) -> list[Person]:
    """Return the first ``limit`` people whose number is above another one, in the order they were added."""
    wanted = _PEOPLE.where(PEOPLE.c.collection_id == chamber.id, PEOPLE.c.id > after)
    return [_person(row, chamber) for row in connection.execute(wanted.order_by(PEOPLE.c.id).limit(limit))]


def people_by_id(connection: Connection, chamber: Chamber, ids: Sequence[int]) -> dict[int, Person]:
    """Return those of these people who are in the collection."""
    people: dict[int, Person] = {}
    for part in in_parts(ids):
        rows = connection.execute(_PEOPLE.where(PEOPLE.c.id.in_(part)))
        people.update({row.id: _person(row, chamber) for row in rows if row.collection_id == chamber.id})
    return people


def due_people(connection: Connection, chamber: Chamber, today: date) -> list[Person]:
    """Return the people whose last day to be kept is before today."""
    statement = _PEOPLE.where(PEOPLE.c.collection_id == chamber.id, PEOPLE.c.retain_until < today.isoformat())
    return [_person(row, chamber) for row in connection.execute(statement.order_by(PEOPLE.c.id))]


def _one(connection: Connection, chamber: Chamber, statement: Select[Any]) -> Person | None:
    row = connection.execute(statement.where(PEOPLE.c.collection_id == chamber.id)).first()
    return None if row is None else _person(row, chamber)


def _person(row: Row[Any], chamber: Chamber) -> Person:
    values = chamber.seal.open_values("person", row.id, 0, bytes(row.details))
    try:
        until = date.fromisoformat(row.retain_until) if row.retain_until else None
    except ValueError:
        raise damaged(f"person {row.uid} is to be kept until {row.retain_until!r}, which is no date") from None
    about = About(values["consent"], values["purpose"], until)
    return Person(row.id, row.uid, values["name"], chamber.name, row.faces, row.created, about)


def described(chamber: Chamber, number: int, name: str, about: About) -> dict[str, Any]:
    """Return the columns that hold a person's name and what is recorded about them."""
    details = {"name": name, "consent": about.consent, "purpose": about.purpose}
    return {
        "name_digest": chamber.seal.digest("name", name),
        "details": chamber.seal.seal_values("person", number, 0, details),
        "retain_until": None if about.retain_until is None else about.retain_until.isoformat(),
    }
