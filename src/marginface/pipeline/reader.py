"""PhotoReader: a photo → its faces found, chosen, aligned, judged and embedded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from marginface.alignment import align
from marginface.cropping import FACE_POLICIES, USED, FaceCropper, FacePolicy
from marginface.embedding import Embedder, unit_rows
from marginface.errors import ImageError, InputError
from marginface.images import read_image
from marginface.pipeline.photos import EmbeddedFace, EmbeddedPhoto
from marginface.quality import Quality, measure, shortfalls
from marginface.reasons import Reason, Remark
from marginface.registry import Registry
from marginface.values import Embedding, Face, FloatArray, ImageArray, check_image


@dataclass(frozen=True, slots=True)
class NamedPhoto:
    """The bytes of an image file that lies in no folder, what it is called, and what turns it into pixels.

    ``decode`` is called where the pixels are wanted, and raises ImageError for what is no image.
    """

    name: str
    content: bytes = field(repr=False)
    decode: Callable[[bytes], ImageArray] = field(default=read_image, repr=False)


Photo = ImageArray | str | Path | bytes | NamedPhoto
Choice = Callable[[tuple[Face, ...], tuple[int, int]], tuple[Face, ...]]

_FAINT_SCORE = 0.1
_OF_ONE = 3  # dimensions of the pixels of a photo: an array of more is an array of photos


def several(photos: Iterable[Photo], whose: str = "") -> Iterable[Photo]:
    """Return photos; raise InputError where one is given for several: the letters of its path are no photos."""
    is_pixels = isinstance(photos, np.ndarray) and photos.ndim <= _OF_ONE
    if is_pixels or isinstance(photos, str | bytes | Path | NamedPhoto):
        what = type(photos).__name__ if is_pixels or not isinstance(photos, str | Path) else repr(str(photos))
        raise InputError(f"{whose}photos are several: give a list, as ['ann.jpg']; got {what}")
    return photos


def named_photos(people: Mapping[str, Iterable[Photo]]) -> list[tuple[str, Photo]]:
    """Return (name, photo) of each photo of people; raise InputError where they are no names with photos."""
    if not isinstance(people, Mapping):
        raise InputError(f"people are names with their photos, as {{'Ann': ['ann.jpg']}}; got {type(people).__name__}")
    return [(person, photo) for person, photos in people.items() for photo in several(photos, f"{person}: ")]


def _at_most_one(policy: FacePolicy) -> Choice:
    def choose(faces: tuple[Face, ...], shape: tuple[int, int]) -> tuple[Face, ...]:
        face = policy(faces, shape)
        return () if face is None else (face,)

    return choose


CHOICES: Registry[Choice] = Registry("face policy")
for _name, _policy in FACE_POLICIES.items():
    CHOICES.add(_name, _at_most_one(_policy))
CHOICES.add("all", lambda faces, _shape: faces)


@dataclass(frozen=True, slots=True)
class PhotoReader:
    """Photos → EmbeddedPhoto. Nothing changes after it is made, so threads may share one.

    Attributes:
        cropper: Finds the faces.
        embedder: Crops → features.
        contract: The id that embeddings carry.
    """

    cropper: FaceCropper
    embedder: Embedder
    contract: str

    def outcome(self, photo: Photo, role: str, policy: str, gate: str) -> EmbeddedPhoto:
        """Return what comes of a photo; that it cannot be read is an outcome too."""
        name = name_of(photo, role)
        try:
            return self.read(open_photo(photo), name, policy, gate)
        except ImageError as error:
            text = str(error) if str(error).startswith(name) else f"{name}: {error}"
            return EmbeddedPhoto(name, (), 0, (Remark(Reason.UNREADABLE, text),))

    def look(self, photo: Photo, role: str, policy: str, gate: str) -> EmbeddedPhoto:
        """Return what comes of a photo; raise ImageError if it cannot be read."""
        return self.read(open_photo(photo), name_of(photo, role), policy, gate)

    def read(self, image: ImageArray, name: str, policy: str, gate: str) -> EmbeddedPhoto:
        """Return the faces that the policy means, embedded, and what the gate says of them."""
        found = self.cropper.detect(image)
        chosen = CHOICES[policy](found, (image.shape[0], image.shape[1]))
        if not chosen:
            return EmbeddedPhoto(name, (), len(found), (self._why_none(image, name, len(found)),))
        photo = self.embed(image, name, chosen, gate)
        remarks = _others(name, len(found), policy) + photo.remarks
        return EmbeddedPhoto(name, photo.faces, len(found), remarks)

    def embed(self, image: ImageArray, name: str, faces: Sequence[Face], gate: str) -> EmbeddedPhoto:
        """Return these faces of a photo, embedded; those whose landmarks form none are left out."""
        aligned = _aligned(image, faces)
        remarks = _odd(name, len(faces) - len(aligned))
        if not aligned:
            return EmbeddedPhoto(name, (), len(faces), remarks)
        features = self.embedder.features(np.stack([crop for _, crop in aligned]))
        lengths = feature_norms(self.embedder, features)
        made = tuple(
            self._judged(face, measure(face, crop, feature_norm=length), vector, name, gate)
            for (face, crop), vector, length in zip(aligned, unit_rows(features), lengths, strict=True)
        )
        return EmbeddedPhoto(name, made, len(faces), remarks)

    def _judged(self, face: Face, quality: Quality, vector: FloatArray, name: str, gate: str) -> EmbeddedFace:
        refusals = tuple(Remark(one.reason, f"{name}: {one.text}") for one in shortfalls(quality, gate))
        return EmbeddedFace(face, quality, Embedding(vector, self.contract), refusals)

    def _why_none(self, image: ImageArray, name: str, found: int) -> Remark:
        """Say why no face was chosen; where there is none, how good the best candidate was."""
        if found:
            text = f"{name}: {found} faces found, exactly one is wanted. Cut the photo to the face that is meant."
            return Remark(Reason.SEVERAL_FACES, text)
        needed = self.cropper.min_score
        faint = self.cropper.detector.detect(image, min_score=min(_FAINT_SCORE, needed))
        best = f"the best candidate scores {max(face.score for face in faint):.2f}" if faint else "not even a faint one"
        text = f"{name}: no face found ({best}, {needed:.2f} is needed). Try a larger, sharper or better lit photo."
        return Remark(Reason.NO_FACE, text)


def assess(image: ImageArray, cropper: FaceCropper) -> tuple[tuple[Face, Quality], ...]:
    """Return all faces of a photo with their quality, largest first, without embedding them."""
    return tuple((face, measure(face, crop)) for face, crop in _aligned(image, cropper.detect(image)))


def open_photo(photo: Photo) -> ImageArray:
    """Return the pixels of a photo; the errors are those of images.read_image."""
    if isinstance(photo, NamedPhoto):
        return photo.decode(photo.content)
    return check_image(photo) if isinstance(photo, np.ndarray) else read_image(photo)


def name_of(photo: Photo, role: str) -> str:
    """Return the path of a photo, or its name; for pixels and bytes, their role."""
    if isinstance(photo, NamedPhoto):
        return photo.name
    return str(photo) if isinstance(photo, str | Path) else role


def _others(name: str, found: int, policy: str) -> tuple[Remark, ...]:
    """Return the remark that a policy took one face of several; none where it took the only one, or all."""
    if found < 2 or policy not in USED:
        return ()
    return (Remark(Reason.OTHER_FACES, f"{name}: {found} faces found, {USED[policy]}."),)


def _odd(name: str, count: int) -> tuple[Remark, ...]:
    if not count:
        return ()
    return (Remark(Reason.ODD_LANDMARKS, f"{name}: {Reason.ODD_LANDMARKS.sentence} Faces left out: {count}."),)


def feature_norms(embedder: Embedder, features: FloatArray) -> list[float]:
    """Return the lengths of features (N, D) as shares of the usual one, the cue ``feature_norm``.

    NaN where the card does not say how long a feature usually is; the mirror sum is twice as long.
    """
    usual = embedder.card.usual_norm
    whole = math.nan if usual is None else usual * (2 if embedder.contract.mirror else 1)
    shares: list[float] = (np.linalg.norm(features, axis=1) / whole).tolist()
    return shares


def _aligned(image: ImageArray, faces: Sequence[Face]) -> list[tuple[Face, ImageArray]]:
    """Return the faces with their crops; one whose landmarks no transform follows from is left out."""
    aligned = []
    for face in faces:
        try:
            aligned.append((face, align(image, face.landmarks)))
        except InputError:
            continue
    return aligned
