"""Faces that get another owner: merge two people, move a face or a person.

A record is bound to its collection, person and face, so each one that moves is opened and sealed anew. A photo that the
new owner has already is dropped: it is one face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select, update

from marginface.errors import ContractMismatch, InputError, TakenName
from marginface.gallery.database.tables import CROPS, FACES, PEOPLE, TEMPLATES, in_parts
from marginface.gallery.database.transaction import GONE, PUT, Transaction
from marginface.gallery.enrolled.faces import find_face, known_photos, remove_faces, remove_people
from marginface.gallery.enrolled.people import change_person, described, find_by_name, find_person, people_by_id
from marginface.gallery.records import Person
from marginface.gallery.sealing.template import stored_bytes, stored_vectors
from marginface.gallery.vault import Chamber


@dataclass(frozen=True, slots=True)
class Home:
    """Where faces belong: a person of a collection."""

    chamber: Chamber
    person: Person


def merge_people(transaction: Transaction, chamber: Chamber, source: Person, target: Person) -> Person:
    """Give all faces of one person to another and remove the first; both are one human being.

    Name, consent and purpose of the target stay; of two dates of retention the earlier one.
    """
    if source.id == target.id:
        raise InputError(f"{source.name!r} cannot be merged with themselves; name two people")
    home, other = Home(chamber, source), Home(chamber, target)
    _rehome(transaction, _face_numbers(transaction.connection, source), home, other)
    remove_people(transaction.connection, [source.id])
    dates = [person.about.retain_until for person in (source, target) if person.about.retain_until]
    if dates and min(dates) != target.about.retain_until:
        about = replace(target.about, retain_until=min(dates))
        change_person(transaction, chamber, target, target.name, about)
    subject = {"collection": chamber.uid, "person": source.uid, "into": target.uid}
    transaction.record("merge-people", subject)
    return find_person(transaction.connection, chamber, target)


def move_face(transaction: Transaction, chamber: Chamber, face: str, other: Home) -> Person:
    """Give a face (its opaque id) to another person, of this collection or of one of the same contract."""
    found, owner = find_face(transaction.connection, chamber, face)
    source = people_by_id(transaction.connection, chamber, [owner])[owner]
    _check_same_contract(chamber, other.chamber)
    if source.id != other.person.id:
        _rehome(transaction, [found.id], Home(chamber, source), other)
        where = {"collection": other.chamber.uid, "to": other.person.uid}
        transaction.record("move-face", {"face": face, "person": source.uid, **where})
    return find_person(transaction.connection, other.chamber, other.person)


def move_person(transaction: Transaction, chamber: Chamber, person: Person, other: Chamber) -> Person:
    """Move a person with all faces to another collection of the same contract; the opaque ids stay.

    Raises:
        ContractMismatch: The other collection holds embeddings of another contract.
        InputError: It is the same collection.
        TakenName: It has a person of this name.
    """
    connection = transaction.connection
    _check_same_contract(chamber, other)
    if chamber.id == other.id:
        raise InputError(f"{person.name!r} is in collection {chamber.name} already")
    if find_by_name(connection, other, person.name) is not None:
        raise TakenName(
            f"collection {other.name} has a person {person.name!r}: rename one of the two, or move the faces one by one"
        )
    values = {"collection_id": other.id, **described(other, person.id, person.name, person.about)}
    connection.execute(update(PEOPLE).where(PEOPLE.c.id == person.id).values(values))
    moved = replace(person, collection=other.name)
    _rehome(transaction, _face_numbers(connection, person), Home(chamber, person), Home(other, moved))
    transaction.record("move-person", {"collection": chamber.uid, "person": person.uid, "to": other.uid})
    return find_person(connection, other, moved)


def _check_same_contract(first: Chamber, second: Chamber) -> None:
    if (first.contract, first.embedding_size) != (second.contract, second.embedding_size):
        raise ContractMismatch(
            f"collection {first.name} holds embeddings of contract {first.contract}, {second.name} of "
            f"{second.contract}: faces cannot move between them. Enrol the photos again"
        )


def _face_numbers(connection: Connection, person: Person) -> list[int]:
    statement = select(FACES.c.id).where(FACES.c.person_id == person.id).order_by(FACES.c.id)
    return list(connection.execute(statement).scalars())


def _rehome(transaction: Transaction, faces: Sequence[int], old: Home, new: Home) -> None:
    """Seal faces anew under their new home; drop those whose photo the new owner has."""
    same_person = old.person.id == new.person.id
    known = set() if same_person else set(known_photos(transaction.connection, new.person))
    dropped: list[int] = []
    for part in in_parts(faces):
        for row in transaction.connection.execute(select(FACES).where(FACES.c.id.in_(part))).all():
            details = old.chamber.seal.open_values("face", old.person.id, row.id, bytes(row.details))
            digest = new.chamber.seal.digest("photo", details["photo"])
            if digest in known:
                dropped.append(row.id)
                continue
            known.add(digest)
            _reseal(transaction.connection, row.id, details, old, new)
    remove_faces(transaction.connection, dropped)
    away = faces if old.chamber.id != new.chamber.id else dropped
    transaction.changed(old.chamber.id, away, GONE)
    transaction.changed(new.chamber.id, sorted(set(faces) - set(dropped)), PUT)


def _reseal(connection: Connection, face: int, details: dict[str, Any], old: Home, new: Home) -> None:
    """Write the records of one face as they are under its new home."""
    before, after, person = old.chamber.seal, new.chamber.seal, new.person.id
    values = {
        "collection_id": new.chamber.id,
        "person_id": person,
        "photo_digest": after.digest("photo", details["photo"]),
        "details": after.seal_values("face", person, face, details),
    }
    connection.execute(update(FACES).where(FACES.c.id == face).values(values))
    sealed = connection.execute(select(TEMPLATES.c.sealed).where(TEMPLATES.c.face_id == face)).scalar_one()
    content = before.open("template", old.person.id, face, bytes(sealed))
    if old.chamber.id != new.chamber.id:
        vector = old.chamber.turned_back(stored_vectors(content, old.chamber.embedding_size))
        (content,) = stored_bytes(new.chamber.turned(vector))
    sealed = after.seal("template", person, face, content)
    connection.execute(update(TEMPLATES).where(TEMPLATES.c.face_id == face).values(sealed=sealed))
    crop = connection.execute(select(CROPS.c.sealed).where(CROPS.c.face_id == face)).scalar()
    if crop is not None:
        opened = before.open("crop", old.person.id, face, bytes(crop))
        sealed = after.seal("crop", person, face, opened)
        connection.execute(update(CROPS).where(CROPS.c.face_id == face).values(sealed=sealed))
