"""A collection takes the place of another: its name, and the opaque ids of its people and faces, in one write.

That is how a collection gets embeddings of another model: a new one is filled beside it for as long as that takes, the
old one being searched all the while, and then both change places at once.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, bindparam, update

from marginface.gallery.database.tables import COLLECTIONS, FACES, PEOPLE
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.enrolled.faces import faces_of
from marginface.gallery.enrolled.people import list_people, new_uid
from marginface.gallery.records import Person
from marginface.gallery.vault import Chamber

Pair = tuple[int, str, int]  # number and opaque id of what is replaced, number of what replaces it


def succeed(transaction: Transaction, old: Chamber, new: Chamber, retired: str, faces_left: Mapping[str, int]) -> bool:
    """Give the name and the opaque ids of a collection to another one, if that is ready for it.

    Args:
        transaction: What writes.
        old: The collection whose place is taken.
        new: Its successor: the same people with the same record of consent.
        retired: The name of the old one from now on; its people and faces get new opaque ids.
        faces_left: How many faces of a person, by name, the successor has not and is not to have; missing: none.

    Returns:
        False, and nothing is changed, where people or faces of the old one came or went and the successor lags behind.
    """
    connection = transaction.connection
    before = {person.name: person for person in list_people(connection, old)}
    after = {person.name: person for person in list_people(connection, new)}
    if {name: one.about for name, one in before.items()} != {name: one.about for name, one in after.items()}:
        return False
    faces: list[Pair] = []
    for name, person in before.items():
        pairs = _face_pairs(connection, (old, person), (new, after[name]))
        if len(pairs) != after[name].faces or len(pairs) + faces_left.get(name, 0) != person.faces:
            return False
        faces += pairs
    people = [(person.id, person.uid, after[name].id) for name, person in before.items()]
    _give_ids(connection, PEOPLE, "p", people)
    since = [{"number": after[name].id, "given": person.created} for name, person in before.items()]
    if since:
        named = update(PEOPLE).where(PEOPLE.c.id == bindparam("number"))
        connection.execute(named.values(created=bindparam("given")), since)
    _give_ids(connection, FACES, "f", faces)
    _name(connection, old, retired)
    _name(connection, new, old.name)
    subject = {"collection": old.uid, "successor": new.uid, "people": len(people), "faces": len(faces)}
    transaction.record("succeed-collection", {**subject, "contract": new.contract})
    return True


def _face_pairs(connection: Connection, before: tuple[Chamber, Person], after: tuple[Chamber, Person]) -> list[Pair]:
    """Return the faces of a person in both collections, by their photo."""
    theirs = {face.photo: face for face in faces_of(connection, *after)}
    return [
        (face.id, face.uid, theirs[face.photo].id) for face in faces_of(connection, *before) if face.photo in theirs
    ]


def _give_ids(connection: Connection, table: Table, kind: str, pairs: list[Pair]) -> None:
    """Give opaque ids to rows that take the place of others; those get new ones."""
    if not pairs:
        return
    statement = update(table).where(table.c.id == bindparam("number")).values(uid=bindparam("given"))
    connection.execute(statement, [{"number": old, "given": new_uid(kind)} for old, _, _ in pairs])
    connection.execute(statement, [{"number": new, "given": uid} for _, uid, new in pairs])


def _name(connection: Connection, chamber: Chamber, name: str) -> None:
    connection.execute(update(COLLECTIONS).where(COLLECTIONS.c.id == chamber.id).values(name=name))
