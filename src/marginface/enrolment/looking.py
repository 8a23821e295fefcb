"""One photo → a face that may be enrolled, or why not: the part that runs on threads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from marginface.alignment import align
from marginface.enrolment.outcomes import Outcome, PhotoOutcome
from marginface.enrolment.sources import PersonPhoto
from marginface.errors import ImageError, InputError, UnreadableImage
from marginface.gallery import Collection, NewFace
from marginface.gallery.names import checked_name
from marginface.pipeline import Recognizer
from marginface.reasons import Reason, Remark
from marginface.values import Face, ImageArray

LARGEST_PHOTO = 500_000_000  # bytes: a file is read once, whole, so that its hash is that of what was seen


@dataclass(frozen=True, slots=True)
class Looked:
    """A photo that was looked at.

    Attributes:
        person: the name in its one form; as it was given if it cannot be a name.
        photo: its path.
        face: what may be enrolled; None where ``decided`` says what came of the photo.
        decided: refused, or known.
        remarks: on a face that may be enrolled.
    """

    person: str
    photo: str
    face: NewFace | None = None
    decided: PhotoOutcome | None = None
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Examiner:
    """Looks at photos before they are enrolled. Nothing changes after it is made, so threads may share one.

    Attributes:
        recognizer: finds, judges and embeds.
        collection: asked whether it has a photo already, so that such a one costs no embedding.
        faces: which face of a photo is meant: one, largest, center.
        gate: the quality gate.
        keeps_crops: whether the aligned face goes with the embedding, for a later model.
    """

    recognizer: Recognizer
    collection: Collection
    faces: str
    gate: str
    keeps_crops: bool

    def look(self, item: PersonPhoto) -> Looked:
        """Return the face of a photo, or what came of it; what is wrong with one photo is never an exception."""
        photo = str(item.path)
        if not item.person:
            return _refused(item.person, photo, Remark(Reason.NO_PERSON, f"{photo}: {Reason.NO_PERSON.sentence}"))
        try:
            person = checked_name(item.person)
        except InputError as error:
            return _refused(item.person, photo, Remark(Reason.BAD_NAME, f"{photo}: {error}"))
        try:
            digest, pixels = _opened(item)
            known = self._known(person, digest)
            if known:
                remark = Remark(Reason.SAME_PHOTO, f"{photo}: {person} has this photo already.")
                return Looked(person, photo, decided=PhotoOutcome(person, photo, Outcome.KNOWN, known, (remark,)))
            return self._of_image(person, photo, pixels(), digest)
        except ImageError as error:
            said = re.sub(r"^image of [\d,]+ bytes: ", "", str(error).removeprefix(f"{photo}: "))
            return _refused(person, photo, Remark(Reason.UNREADABLE, f"{photo}: {said}"))

    def _known(self, person: str, digest: str) -> str:
        """Return the opaque id of the face that a person has from this photo; empty if there is none."""
        found = self.collection.find_photo(digest)
        return next((face.uid for owner, face in found if owner.name == person), "")

    def _of_image(self, person: str, photo: str, image: ImageArray, digest: str) -> Looked:
        seen = self.recognizer.embed_photo(image, faces=self.faces, quality=self.gate, name=photo)
        if not seen:
            return _refused(person, photo, *seen.reasons)
        used = seen.usable[0]
        crop = encoded_crop(image, used.face) if self.keeps_crops else b""
        face = NewFace(used.embedding, photo=digest, quality=dict(used.quality), crop=crop)
        return Looked(person, photo, face, remarks=seen.remarks)


def encoded_crop(image: ImageArray, face: Face) -> bytes:
    """Return the aligned face as PNG: bit for bit what the model saw."""
    stream = BytesIO()
    Image.fromarray(align(image, face.landmarks)).save(stream, "PNG")
    return stream.getvalue()


def _refused(person: str, photo: str, *remarks: Remark) -> Looked:
    return Looked(person, photo, decided=PhotoOutcome(person, photo, Outcome.REFUSED, "", remarks))


def _opened(item: PersonPhoto) -> tuple[str, Callable[[], ImageArray]]:
    """Return the sha256 of a photo, and what gives its pixels: a photo that is known need not be decoded."""
    if item.decoded is not None:
        image = item.decoded.image
        return item.decoded.sha256, lambda: image
    content = _content(item.path) if item.content is None else item.content
    return hashlib.sha256(content).hexdigest(), lambda: item.decode(content)


def _content(path: Path) -> bytes:
    """Return the bytes of a file; raise UnreadableImage for what is none, or is too large to be a photo."""
    try:
        if not path.exists():
            raise UnreadableImage(f"{path}: no such file")
        if not path.is_file():
            raise UnreadableImage(f"{path}: this is no file; give the path of one photo")
        size = path.stat().st_size
        if size > LARGEST_PHOTO:
            raise UnreadableImage(f"{path}: {size:,} bytes; a photo has at most {LARGEST_PHOTO:,}")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise UnreadableImage(f"{path}: cannot open this file: {reason}") from None
