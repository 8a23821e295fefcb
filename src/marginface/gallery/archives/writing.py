"""A gallery as one file: lines of JSON, sealed by a passphrase or, by explicit wish, in clear.

    {"format": "marginface-gallery", "version": 1, "made": time}
    {"collection": {"uid", "name", "contract", "embedding_size", "rotated"}}
    {"person": {"uid", "name", "consent", "purpose", "retain_until", "created"}}           of the collection above
    {"face": {"uid", "created", "photo", "quality", "vector": base64, "crop": base64}}     of the person above
    {"end": {"collections": …, "people": …, "faces": …}}

A vector is float32, least byte first, not rotated. Without the last line the file is cut off. The audit stays where it
is: it tells what happened to one gallery.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Row, select

from marginface.clock import now_text
from marginface.errors import StorageError
from marginface.files import write_whole
from marginface.gallery.archives.envelope import SealedWriter
from marginface.gallery.database.tables import COLLECTIONS, CROPS, FACES, TEMPLATES
from marginface.gallery.enrolled.people import list_people
from marginface.gallery.records import Person
from marginface.gallery.sealing.template import stored_bytes, stored_vectors
from marginface.gallery.vault import Chamber, Vault

FORMAT, VERSION = "marginface-gallery", 1
_PEOPLE_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class ArchiveCounts:
    """How much went into an archive or came out of it; ``faces_known`` were there already."""

    collections: int
    people: int
    faces: int
    faces_known: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return plain values for JSON."""
        return asdict(self)


def write_archive(
    vault: Vault, path: Path, chosen: Sequence[tuple[int, Sequence[Person] | None]], passphrase: str | None
) -> ArchiveCounts:
    """Write collections, or some people of them, as they are at one moment; the file is whole or not there.

    Args:
        vault: The gallery.
        path: A new file, or one to replace; its owner alone can read it.
        chosen: Collections, each with the people that are wanted, None for all.
        passphrase: Seals the file; None writes it in clear.
    """
    counts = {"collections": 0, "people": 0, "faces": 0}

    def fill(stream: IO[bytes]) -> None:
        with vault.reading() as connection:
            _write(_lines(connection, vault, chosen, counts), stream, passphrase)

    try:
        write_whole(path, fill, mode=0o600)
    except OSError as error:
        raise StorageError(f"{path}: cannot write the archive: {error.strerror}") from None
    return ArchiveCounts(**counts)


def _lines(
    connection: Connection,
    vault: Vault,
    chosen: Sequence[tuple[int, Sequence[Person] | None]],
    counts: dict[str, int],
) -> Iterator[dict[str, Any]]:
    """Give the lines of an archive, and count what is in them."""
    yield {"format": FORMAT, "version": VERSION, "made": now_text()}
    for number, people in chosen:
        chamber = vault.chamber(connection, number)
        yield {"collection": _about(connection, chamber)}
        counts["collections"] += 1
        wanted = sorted(people or list_people(connection, chamber), key=lambda person: person.id)
        for start in range(0, len(wanted), _PEOPLE_AT_ONCE):
            part = wanted[start : start + _PEOPLE_AT_ONCE]
            faces = _faces(connection, chamber, part)
            for person in part:
                yield {"person": _described(person)}
                yield from ({"face": face} for face in faces.get(person.id, []))
                counts["people"] += 1
                counts["faces"] += len(faces.get(person.id, []))
    yield {"end": dict(counts)}


def _write(lines: Iterator[dict[str, Any]], stream: IO[bytes], passphrase: str | None) -> None:
    sealed = None if passphrase is None else SealedWriter(stream, passphrase)
    put = stream.write if sealed is None else sealed.write
    for line in lines:
        put(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    if sealed is not None:
        sealed.finish()


def _about(connection: Connection, chamber: Chamber) -> dict[str, Any]:
    rotated = connection.execute(select(COLLECTIONS.c.rotated).where(COLLECTIONS.c.id == chamber.id)).scalar_one()
    named = {"uid": chamber.uid, "name": chamber.name, "contract": chamber.contract}
    return {**named, "embedding_size": chamber.embedding_size, "rotated": bool(rotated)}


def _described(person: Person) -> dict[str, Any]:
    left_out = ("collection", "faces")
    return {name: value for name, value in person.to_dict().items() if name not in left_out}


def _faces(connection: Connection, chamber: Chamber, people: Sequence[Person]) -> dict[int, list[dict[str, Any]]]:
    """Return the faces of people, by the number of the person."""
    joined = FACES.join(TEMPLATES, TEMPLATES.c.face_id == FACES.c.id).outerjoin(CROPS, CROPS.c.face_id == FACES.c.id)
    columns = (FACES, TEMPLATES.c.sealed.label("template"), CROPS.c.sealed.label("crop"))
    wanted = select(*columns).select_from(joined).where(FACES.c.person_id.in_([person.id for person in people]))
    found: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(wanted.order_by(FACES.c.id)):
        found.setdefault(row.person_id, []).append(_face(row, chamber))
    return found


def _face(row: Row[Any], chamber: Chamber) -> dict[str, Any]:
    seal, owner = chamber.seal, row.person_id
    details = seal.open_values("face", owner, row.id, bytes(row.details))
    stored = stored_vectors(seal.open("template", owner, row.id, bytes(row.template)), chamber.embedding_size)
    (vector,) = stored_bytes(chamber.turned_back(stored))
    crop = b"" if row.crop is None else seal.open("crop", owner, row.id, bytes(row.crop))
    encoded = {"vector": base64.b64encode(vector).decode(), "crop": base64.b64encode(crop).decode()}
    return {"uid": row.uid, "created": row.created, **details, **encoded}
