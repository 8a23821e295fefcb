"""The faces of a collection: add, find, list, take out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, delete, insert, select

from marginface.errors import ContractMismatch, UnknownGalleryName
from marginface.gallery.database.tables import CROPS, FACES, PEOPLE, TEMPLATES, in_parts
from marginface.gallery.database.transaction import PUT, Transaction
from marginface.gallery.enrolled.people import free_uid, new_uid
from marginface.gallery.records import Enrolled, GalleryFace, NewFace, Person
from marginface.gallery.sealing.template import stored_bytes
from marginface.gallery.vault import Chamber


def add_faces(
    transaction: Transaction, chamber: Chamber, person: Person, faces: Sequence[NewFace]
) -> tuple[Enrolled, ...]:
    """Add faces to a person as found in this transaction; those they have already are passed over and said so.

    Raises:
        ContractMismatch: An embedding of another contract or size.
    """
    check_contract(chamber, faces)
    digests = [chamber.seal.digest("photo", face.photo) for face in faces]
    known = known_photos(transaction.connection, person) if person.faces else {}
    fresh: dict[bytes, NewFace] = {}
    for digest, face in zip(digests, faces, strict=True):
        if digest not in known:
            fresh.setdefault(digest, face)
    numbers = transaction.numbers("face", len(fresh)) if fresh else range(0)
    uids = [free_uid(transaction.connection, FACES.c.uid, face.origin.uid) or new_uid("f") for face in fresh.values()]
    new = dict(zip(fresh, zip(numbers, uids, strict=True), strict=True))
    if new:
        _write(transaction, chamber, person, [(*new[digest], digest, face) for digest, face in fresh.items()])
    first = {digest: place for place, digest in reversed(list(enumerate(digests)))}
    return tuple(
        Enrolled(*(new.get(digest) or known[digest]), created=digest in new and first[digest] == place)
        for place, digest in enumerate(digests)
    )


def check_contract(chamber: Chamber, faces: Iterable[NewFace]) -> None:
    """Raise ContractMismatch if a face was embedded under another contract than the collection's."""
    for face in faces:
        got, size = face.embedding.contract, len(face.embedding.vector)
        if got != chamber.contract or size != chamber.embedding_size:
            raise ContractMismatch(
                f"collection {chamber.name} holds embeddings of contract {chamber.contract} ({chamber.embedding_size} "
                f"numbers); got one of {got} ({size} numbers). Embed with the model that the collection was made for, "
                "or make a collection for this one"
            )


def faces_of(connection: Connection, chamber: Chamber, person: Person) -> list[GalleryFace]:
    """Return the faces of a person, in the order they were added."""
    return [_face(row, chamber) for row in connection.execute(_faces().where(FACES.c.person_id == person.id))]


def faces_by_id(connection: Connection, chamber: Chamber, ids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Return opaque id and person number of those of these faces that are there."""
    faces: dict[int, tuple[str, int]] = {}
    wanted = select(FACES.c.id, FACES.c.uid, FACES.c.person_id).where(FACES.c.collection_id == chamber.id)
    for part in in_parts(ids):
        rows = connection.execute(wanted.where(FACES.c.id.in_(part)))
        faces.update({row.id: (row.uid, row.person_id) for row in rows})
    return faces


def find_face(connection: Connection, chamber: Chamber, uid: str) -> tuple[GalleryFace, int]:
    """Return a face by its opaque id, and the number of its person; raise UnknownGalleryName if there is none."""
    statement = _faces().where(FACES.c.uid == uid, FACES.c.collection_id == chamber.id)
    row = connection.execute(statement).first()
    if row is None:
        brief = f"{chamber.name} has no face {uid!r}"
        raise UnknownGalleryName(f"{brief}; 'marginface gallery show' lists those of a person", brief)
    return _face(row, chamber), row.person_id


def faces_of_photo(connection: Connection, chamber: Chamber, photo: str) -> list[tuple[GalleryFace, int]]:
    """Return the faces of a photo (its sha256) and the numbers of their persons."""
    digest = chamber.seal.digest("photo", photo)
    statement = _faces().where(FACES.c.collection_id == chamber.id, FACES.c.photo_digest == digest)
    return [(_face(row, chamber), row.person_id) for row in connection.execute(statement)]


def crop_of(connection: Connection, chamber: Chamber, face: int, person: int) -> bytes:
    """Return the kept crop of a face, empty if there is none."""
    sealed = connection.execute(select(CROPS.c.sealed).where(CROPS.c.face_id == face)).scalar()
    return b"" if sealed is None else chamber.seal.open("crop", person, face, bytes(sealed))


def known_photos(connection: Connection, person: Person) -> dict[bytes, tuple[int, str]]:
    """Return number and opaque id of the faces of a person, by the digest of their photo."""
    statement = select(FACES.c.photo_digest, FACES.c.id, FACES.c.uid).where(FACES.c.person_id == person.id)
    return {bytes(row.photo_digest): (row.id, row.uid) for row in connection.execute(statement)}


def remove_faces(connection: Connection, faces: Sequence[int]) -> None:
    """Delete faces with template and crop."""
    for ids in in_parts(faces):
        for column in (CROPS.c.face_id, TEMPLATES.c.face_id, FACES.c.id):
            connection.execute(delete(column.table).where(column.in_(ids)))


def remove_people(connection: Connection, people: Sequence[int]) -> None:
    """Delete people, whose faces are gone already."""
    for ids in in_parts(people):
        connection.execute(delete(PEOPLE).where(PEOPLE.c.id.in_(ids)))


def _write(
    transaction: Transaction, chamber: Chamber, person: Person, faces: list[tuple[int, str, bytes, NewFace]]
) -> None:
    seal, connection = chamber.seal, transaction.connection
    vectors = chamber.turned(np.stack([face.embedding.vector for *_, face in faces]))
    about = {"collection_id": chamber.id, "person_id": person.id}
    rows = [
        {
            **about,
            "id": number,
            "uid": uid,
            "created": face.origin.created or transaction.time,
            "photo_digest": digest,
            "details": seal.seal_values("face", person.id, number, _details(face)),
        }
        for number, uid, digest, face in faces
    ]
    connection.execute(insert(FACES), rows)
    templates = zip(faces, stored_bytes(vectors), strict=True)
    sealed = [
        {"face_id": face[0], "sealed": seal.seal("template", person.id, face[0], content)}
        for face, content in templates
    ]
    connection.execute(insert(TEMPLATES), sealed)
    crops = [
        {"face_id": number, "sealed": seal.seal("crop", person.id, number, face.crop)}
        for number, _, _, face in faces
        if face.crop
    ]
    if crops:
        connection.execute(insert(CROPS), crops)
    transaction.changed(chamber.id, [number for number, *_ in faces], PUT)
    subject = {"collection": chamber.uid, "person": person.uid, "faces": [uid for _, uid, *_ in faces]}
    transaction.record("add-faces", subject)


def _details(face: NewFace) -> dict[str, Any]:
    quality = {name: float(value) for name, value in face.quality.items() if math.isfinite(value)}
    return {"photo": face.photo, "quality": quality}


def _faces() -> Select[Any]:
    joined = FACES.join(PEOPLE, PEOPLE.c.id == FACES.c.person_id).outerjoin(CROPS, CROPS.c.face_id == FACES.c.id)
    columns = (FACES, PEOPLE.c.uid.label("person_uid"), CROPS.c.face_id.label("crop"))
    return select(*columns).select_from(joined).order_by(FACES.c.id)


def _face(row: Row[Any], chamber: Chamber) -> GalleryFace:
    values = chamber.seal.open_values("face", row.person_id, row.id, bytes(row.details))
    has_crop = row.crop is not None
    return GalleryFace(row.id, row.uid, row.person_uid, row.created, values["photo"], values["quality"], has_crop)
