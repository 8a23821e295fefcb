"""Read an archive of a gallery (writing.py) into a gallery: all of it or nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Any

from marginface.documents import parse_json
from marginface.errors import DataError, InputError
from marginface.gallery.archives.envelope import MAGIC, sealed_blocks
from marginface.gallery.archives.writing import FORMAT, VERSION, ArchiveCounts
from marginface.gallery.database.transaction import Transaction
from marginface.gallery.enrolled.chambers import chamber_for
from marginface.gallery.enrolled.faces import add_faces
from marginface.gallery.enrolled.people import find_by_name, insert_person
from marginface.gallery.names import checked_name
from marginface.gallery.records import About, NewFace, Origin, Person
from marginface.gallery.sealing.template import stored_vectors
from marginface.gallery.vault import Chamber, Vault
from marginface.values import Embedding

_LONGEST_LINE = 1 << 26


def read_archive(transaction: Transaction, vault: Vault, path: Path, passphrase: str | None) -> ArchiveCounts:
    """Add what is in an archive. People are known by name, faces by photo: importing twice changes nothing.

    Args:
        transaction: What writes; an error undoes all of it.
        vault: The gallery.
        path: The archive.
        passphrase: For a sealed one.

    Raises:
        DataError: It is no archive, is damaged, or cut off.
        GalleryKeyError: The passphrase does not open it.
        ContractMismatch: The collection of that name here holds embeddings of another contract.
    """
    with _opened(path) as stream:
        lines = _Lines(path.name, _texts(stream, passphrase, path.name))
        head = lines.next_line()
        if head.get("format") != FORMAT or head.get("version") != VERSION:
            raise DataError(
                f"{path.name}: expected an archive of format {FORMAT}, version {VERSION}; got {head.get('format')!r}, "
                f"version {head.get('version')!r}"
            )
        arrival = _Arrival(transaction, vault, lines)
        while (line := lines.next_line()).get("end") is None:
            arrival.take(line)
        return arrival.finished(line["end"])


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: the archive cannot be read: {error.strerror}") from None


class _Lines:
    """The JSON objects of an archive, with the number of the line for messages."""

    def __init__(self, name: str, texts: Iterator[bytes]) -> None:
        self._name = name
        self._texts = texts
        self._number = 0

    def next_line(self) -> dict[str, Any]:
        """Return the next object; raise DataError at the end of the file."""
        text = next(self._texts, None)
        self._number += 1
        if text is None:
            raise self.error("is missing: the archive is cut off")
        try:
            line = parse_json(text)
        except ValueError:
            raise self.error("is no JSON") from None
        if not isinstance(line, dict):
            raise self.error("is no JSON object")
        return line

    def error(self, what: str) -> DataError:
        """Return an error about the present line."""
        doubt = ". Is it an archive that 'marginface gallery export' wrote?" if self._number == 1 else ""
        return DataError(f"{self._name}: line {self._number} {what}. Nothing was imported{doubt}")


@dataclass
class _Arrival:
    """What is being imported: faces wait until all of their person are there."""

    transaction: Transaction
    vault: Vault
    lines: _Lines
    chamber: Chamber | None = None
    person: Person | None = None
    waiting: list[NewFace] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=lambda: {"collections": 0, "people": 0, "faces": 0})
    people: int = 0
    added: int = 0

    def take(self, line: dict[str, Any]) -> None:
        """Take in a collection, a person or a face."""
        try:
            if "collection" in line:
                self._put()
                self.chamber, self.person = chamber_for(self.transaction, self.vault, line["collection"]), None
                self.said["collections"] += 1
            elif "person" in line:
                self._put()
                self.person = self._person(line["person"])
                self.said["people"] += 1
            elif "face" in line:
                self.waiting.append(self._face(line["face"]))
                self.said["faces"] += 1
            else:
                raise self.lines.error("is no collection, person, face or end")
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise self.lines.error(f"is not as described ({type(error).__name__}: {error})") from None
        except ValueError as error:  # InputError is one
            raise self.lines.error(f"cannot be taken: {error}") from None

    def finished(self, end: dict[str, int]) -> ArchiveCounts:
        """Write what is left; compare the counts with what the last line says."""
        self._put()
        if end != self.said:
            raise self.lines.error(f"says {end}, and {self.said} came before it")
        known = self.said["faces"] - self.added
        return ArchiveCounts(self.said["collections"], self.said["people"], self.added, known)

    def _person(self, values: dict[str, Any]) -> Person:
        if self.chamber is None:
            raise self.lines.error("is a person outside a collection")
        name = checked_name(values["name"])
        found = find_by_name(self.transaction.connection, self.chamber, name)
        until = date.fromisoformat(values["retain_until"]) if values["retain_until"] else None
        about = About(values["consent"], values["purpose"], until)
        origin = Origin(str(values["uid"]), str(values["created"]))
        return found or insert_person(self.transaction, self.chamber, name, about, origin)

    def _face(self, values: dict[str, Any]) -> NewFace:
        if self.chamber is None or self.person is None:
            raise self.lines.error("is a face without a person")
        content = base64.b64decode(values["vector"], validate=True)
        if len(content) != 4 * self.chamber.embedding_size:
            raise self.lines.error(f"has a vector that is not {self.chamber.embedding_size} numbers of float32")
        origin = Origin(str(values["uid"]), str(values["created"]))
        crop = base64.b64decode(values["crop"], validate=True)
        embedding = Embedding(stored_vectors(content, self.chamber.embedding_size)[0], self.chamber.contract)
        return NewFace(embedding, values["photo"], dict(values["quality"]), crop, origin)

    def _put(self) -> None:
        if self.waiting and self.chamber is not None and self.person is not None:
            answers = add_faces(self.transaction, self.chamber, self.person, self.waiting)
            self.added += sum(answer.created for answer in answers)
        self.waiting = []


def _texts(stream: IO[bytes], passphrase: str | None, name: str) -> Iterator[bytes]:
    """Give the lines of an archive, opened if it is sealed."""
    start = stream.read(len(MAGIC))
    stream.seek(0)
    if start != MAGIC:
        yield from iter(lambda: stream.readline(_LONGEST_LINE), b"")
        return
    if passphrase is None:
        raise InputError(f"{name}: the archive is sealed; give its passphrase")
    rest = b""
    for block in sealed_blocks(stream, passphrase, name):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest
