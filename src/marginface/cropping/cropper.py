"""One photo → an aligned crop, of the face that a policy means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from marginface.alignment import align
from marginface.contract import TEMPLATE_NAME
from marginface.defaults import DEFAULT_DETECTOR, DEFAULT_MIN_SCORE
from marginface.detection import Detector, largest, load_detector, nearest_center
from marginface.detection.second_look import padded
from marginface.errors import ImageError, InputError
from marginface.images import read_image
from marginface.reasons import Reason
from marginface.registry import Registry
from marginface.values import Face, ImageArray, check_image

FacePolicy = Callable[[tuple[Face, ...], tuple[int, int]], Face | None]
Outcome = Literal["cropped", "no face", "several faces", "unreadable"]


def _largest(faces: tuple[Face, ...], _shape: tuple[int, int]) -> Face | None:
    return largest(faces)


def _only_one(faces: tuple[Face, ...], _shape: tuple[int, int]) -> Face | None:
    return faces[0] if len(faces) == 1 else None


FACE_POLICIES: Registry[FacePolicy] = Registry("face policy")
FACE_POLICIES.add("largest", _largest)
FACE_POLICIES.add("center", nearest_center)
FACE_POLICIES.add("one", _only_one)

USED = {"largest": "the largest was used", "center": "the one nearest the center was used"}


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """What came of one photo: the crop (112, 112, 3) and its face, or None and a note that says why."""

    crop: ImageArray | None
    face: Face | None
    faces_found: int
    note: str = ""


@dataclass(frozen=True)
class FaceCropper:
    """Detect, choose, align: one photo → one crop, never of the background.

    Attributes:
        detector: Finds the faces.
        policy: Which face is meant if there are several: ``largest``, ``center``, or ``one`` (several give no crop).
        min_score: Detector score in (0, 1) below which nothing counts as a face.
        pad: Black border added on every side before detection, as a fraction of the longer side. Tight crops need it: a
            detector wants to see what is around a face. Landmarks are moved back: the crop is cut from the photo.
        detector_name: Part of the settings of a tree of crops: another name, and every photo is cropped again.
    """

    detector: Detector
    policy: str = "largest"
    min_score: float = DEFAULT_MIN_SCORE
    pad: float = 0.0
    detector_name: str = "custom"

    @classmethod
    def load(
        cls,
        detector: str = DEFAULT_DETECTOR,
        *,
        policy: str = "largest",
        min_score: float = DEFAULT_MIN_SCORE,
        pad: float = 0.0,
    ) -> FaceCropper:
        """Return a cropper with a detector from the table."""
        return cls(load_detector(detector), policy, min_score, pad, detector)

    def __str__(self) -> str:
        border = f", border {self.pad:g}" if self.pad else ""
        return f"{self.detector_name}, face: {self.policy}, score {self.min_score:g} or more{border}"

    def __post_init__(self) -> None:
        FACE_POLICIES[self.policy]  # raises UnknownName
        if not 0 < self.min_score < 1:
            raise InputError(f"min_score is between 0 and 1; got {self.min_score}")
        if not 0 <= self.pad <= 2:
            raise InputError(f"pad is a fraction of the longer side, 0 to 2; got {self.pad}")

    def detect(self, image: ImageArray) -> tuple[Face, ...]:
        """Return all faces of a photo, largest first, in its own coordinates."""
        check_image(image)
        if self.pad == 0:
            return self.detector.detect(image, min_score=self.min_score)
        view = padded(image, self.pad)
        return tuple(view.restore(face) for face in self.detector.detect(view.image, min_score=self.min_score))

    def crop(self, image: ImageArray) -> Crop:
        """Return the crop of the face the policy means, or a Crop without one and the reason."""
        faces = self.detect(image)
        if not faces:
            return Crop(None, None, 0, "no face found")
        height, width = image.shape[:2]
        face = FACE_POLICIES[self.policy](faces, (height, width))
        if face is None:
            return Crop(None, None, len(faces), f"{len(faces)} faces found, exactly one is wanted")
        note = "" if len(faces) == 1 else f"{len(faces)} faces found, {USED[self.policy]}"
        try:
            return Crop(align(image, face.landmarks), face, len(faces), note)
        except InputError:  # a photo in thousands is not to end the work on all
            return Crop(None, None, 0, Reason.ODD_LANDMARKS.sentence)


@dataclass(frozen=True, slots=True)
class CroppedPhoto:
    """What came of one photo, ready to be written: a PNG file's bytes, or None and a note that says why."""

    outcome: Outcome
    png: bytes | None
    faces: int
    note: str


def crop_photo(photo: Path | bytes, cropper: FaceCropper) -> CroppedPhoto:
    """Read a photo and crop it; what cannot be read is an outcome and no error."""
    try:
        image = read_image(photo)
    except ImageError as error:
        return CroppedPhoto("unreadable", None, 0, str(error))
    result = cropper.crop(image)
    if result.crop is None:
        return CroppedPhoto("several faces" if result.faces_found else "no face", None, result.faces_found, result.note)
    content = BytesIO()
    Image.fromarray(result.crop).save(content, "PNG", compress_level=1)
    return CroppedPhoto("cropped", content.getvalue(), result.faces_found, result.note)


def crop_settings(cropper: FaceCropper) -> dict[str, Any]:
    """Return what decides a crop besides the photo: if any of it changes, every photo is cropped again."""
    return {
        "detector": cropper.detector_name,
        "policy": cropper.policy,
        "min_score": cropper.min_score,
        "pad": cropper.pad,
        "template": TEMPLATE_NAME,
    }
