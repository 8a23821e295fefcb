"""The verbs of one collection: its people, their faces, and who is in a photo."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from marginface.client.gallery_answers import (
    Check,
    CollectionInfo,
    Enrolment,
    GalleryFace,
    Person,
    Receipt,
    Stats,
)
from marginface.client.pages import items
from marginface.client.parts import Photo, photo_part, photo_parts
from marginface.client.photo_answers import Identification
from marginface.client.reading import read
from marginface.client.transport import Call, Transport, path_of
from marginface.errors import ConflictError, StorageError

_UID = re.compile(r"p-[0-9a-f]{16}")
PersonRef = str | Person  # a name, an opaque id, or what a verb returned


@dataclass(frozen=True, slots=True)
class CollectionClient:
    """One collection of a service; made by ``Client.collection``.

    A person is said by name, by opaque id, or by the Person that a verb returned. Any verb raises NotFoundError for
    what is not there, and AccessError for what the key may not do.
    """

    transport: Transport = field(repr=False)
    name: str

    def info(self) -> CollectionInfo:
        """Return what it is and holds."""
        return read(CollectionInfo, self._json("GET"))

    def rename(self, name: str) -> CollectionInfo:
        """Give it another name; this object goes on under the old one, so take ``Client.collection(name)`` then."""
        return read(CollectionInfo, self._json("PATCH", said={"name": name}))

    def stats(self) -> Stats:
        """Count what it holds."""
        return read(Stats, self._json("GET", "stats"))

    def check(self) -> Check:
        """Say whether every record opens and fits."""
        return read(Check, self._json("GET", "check"))

    def people(self, *, named: str | None = None) -> Iterator[Person]:
        """Yield the people in the order they were added; ``named``: only those in whose name this text is."""
        return items(self.transport, self._path("persons"), Person, {"q": named})

    def person(self, who: PersonRef) -> Person:
        """Return a person as they are now."""
        return read(Person, self._json("GET", "persons", _ref(who)))

    def add_person(
        self, name: str, *, consent: str = "", purpose: str = "", retain_until: date | None = None
    ) -> Person:
        """Add a person without faces; raise ConflictError if the name is taken."""
        about = {"consent": consent, "purpose": purpose, "retain_until": _day(retain_until)}
        return read(Person, self._json("POST", "persons", said={"name": name, **about}))

    def change_person(
        self, who: PersonRef, *, name: str | None = None, consent: str | None = None, purpose: str | None = None
    ) -> Person:
        """Change name, consent or purpose, all in one write; what is not said stays.

        Raises:
            ConflictError: The name is taken.
        """
        texts = {"name": name, "consent": consent, "purpose": purpose}
        said = {what: text for what, text in texts.items() if text is not None}
        return read(Person, self._json("PATCH", "persons", _ref(who), said=said))

    def keep_until(self, who: PersonRef, day: date | None) -> Person:
        """Record the last day on which a person is kept; None: until they are erased."""
        return read(Person, self._json("PATCH", "persons", _ref(who), said={"retain_until": _day(day)}))

    def merge(self, who: PersonRef, into: PersonRef) -> Person:
        """Give all faces of one person to another, and remove the first: both are one human being."""
        return read(Person, self._json("POST", "persons", _ref(who), "merge", said={"into": _ref(into)}))

    def move(self, who: PersonRef, to: str) -> Person:
        """Move a person with all faces to another collection, by its name or opaque id."""
        return read(Person, self._json("POST", "persons", _ref(who), "move", said={"to": to}))

    def erase(self, who: PersonRef) -> Receipt:
        """Erase a person: templates, crops, index, logs and free pages; the receipt says what was found afterwards."""
        return read(Receipt, self._json("DELETE", "persons", _ref(who)))

    def enrol(
        self,
        who: PersonRef,
        photos: Iterable[Photo],
        *,
        review: str | None = None,
        faces: str | None = None,
        keep_crops: bool | None = None,
    ) -> Enrolment:
        """Add the faces of photos to a person; one who is not there yet is added.

        Args:
            who: The person.
            photos: Paths, or bytes of image files.
            review: ``off``, ``standard`` or ``strict``; strict refuses a face that looks like another person.
            faces: Which face of a photo: ``one`` (several give none), ``largest``, ``center``.
            keep_crops: Keep the aligned faces, sealed, for a later model.

        Returns:
            What came of each photo; some may be enrolled and others not.
        """
        parts = photo_parts("images", photos)
        if isinstance(who, str) and not _UID.fullmatch(who):
            who = self._there(who)
        form = {"review": review, "faces": faces, "keep_crops": keep_crops}
        call = Call("POST", self._path("persons", _ref(who), "faces"), form=form, parts=parts)
        return read(Enrolment, self.transport.json(call))

    def faces(self, who: PersonRef) -> Iterator[GalleryFace]:
        """Yield the faces of a person in the order they were added."""
        return items(self.transport, self._path("persons", _ref(who), "faces"), GalleryFace)

    def crop(self, face: str) -> bytes:
        """Return the kept crop of a face (its opaque id) as PNG; raise NotFoundError if none was kept."""
        return self.transport.content(Call("GET", self._path("faces", face, "crop")))

    def delete_face(self, face: str) -> Person:
        """Delete a face (its opaque id); return its person."""
        return read(Person, self._json("DELETE", "faces", face))

    def move_face(self, face: str, to: PersonRef, *, collection: str | None = None) -> Person:
        """Give a face (its opaque id) to another person, here or in another collection."""
        said = {"person": _ref(to), "collection": collection}
        return read(Person, self._json("POST", "faces", face, "move", said=said))

    def identify(
        self,
        photo: Photo,
        *,
        fpir: float | None = None,
        uncertain_fpir: float | None = None,
        most: int | None = None,
        faces: str | None = None,
        quality: str | None = None,
    ) -> Identification:
        """Say who of the collection the faces of a photo are; see Recognizer.identify."""
        rates = {"fpir": fpir, "uncertain_fpir": uncertain_fpir}
        form = {**rates, "most": most, "faces": faces, "quality": quality}
        call = Call("POST", self._path("identify"), form=form, parts=[photo_part("image", photo)])
        return read(Identification, self.transport.json(call))

    def export(self, file: str | Path, *, passphrase: str | None, people: Iterable[PersonRef] | None = None) -> Path:
        """Write the collection, or some of its people, into a new file that its owner alone can read.

        Args:
            file: Where nothing is yet.
            passphrase: Seals the archive; None writes it in clear, for a key with scope ``templates`` too.
            people: Only these.

        Raises:
            StorageError: It cannot be written.
        """
        persons = None if people is None else [_ref(who) for who in people]
        said = {"persons": persons, "passphrase": passphrase}
        call = Call("POST", self._path("export"), json=said)
        with _new_file(Path(file)) as stream, self.transport.stream(call) as pieces:
            for piece in pieces:
                stream.write(piece)
        return Path(file)

    def _there(self, name: str) -> Person | str:
        """Return the person of a name, added if there is none."""
        try:
            return self.add_person(name)
        except ConflictError:
            return name

    def _path(self, *below: str) -> str:
        return path_of("v1", "collections", self.name, *below)

    def _json(self, method: str, *below: str, said: Any = None) -> Any:
        return self.transport.json(Call(method, self._path(*below), json=said))


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a new file that its owner alone can read; it is removed where what is to be written does not come."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StorageError(f"{path}: cannot make this file: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"{path}: cannot write this file: {error.strerror}") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _ref(who: PersonRef) -> str:
    return who.uid if isinstance(who, Person) else who


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
