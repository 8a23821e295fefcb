"""Recognizer: image → detector → aligner → embedder → decision, composed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.alignment import align
from marginface.cropping import FaceCropper
from marginface.embedding import Embedder, load_embedder
from marginface.errors import FaceCountError
from marginface.images import read_image
from marginface.matching.calibration import Calibration, shipped_calibrations
from marginface.similarity import similarity
from marginface.values import Decision, Embedding, Face, ImageArray, Threshold, Verification, check_image

Photo = ImageArray | str | Path | bytes

SMALL_FACE = 40  # pixels; such a face is enlarged more than twice to fill a crop
_FAINT_SCORE = 0.1


@dataclass(frozen=True)
class Recognizer:
    """A detector and an embedder behind three verbs: detect, embed, verify.

    Nothing changes after loading, so one recognizer serves any number of threads. A photo is RGB uint8 (H, W, 3), a
    path, or the bytes of an image file.

    >>> from marginface import Recognizer  # doctest: +SKIP
    >>> recognizer = Recognizer.load("sface")  # doctest: +SKIP
    >>> answer = recognizer.verify("first.jpg", "second.jpg", fmr=1e-3)  # doctest: +SKIP
    >>> answer.decision, answer.similarity  # doctest: +SKIP
    >>> print(answer.explain())  # doctest: +SKIP
    """

    cropper: FaceCropper
    embedder: Embedder
    calibration: Calibration | None = None

    @classmethod
    def load(
        cls,
        model: str | Path = "sface",
        *,
        detector: str = "yunet",
        mirror: bool = False,
        min_score: float = 0.6,
        calibration: Calibration | None = None,
    ) -> Recognizer:
        """Load a recognizer.

        Args:
            model: A registered name, an .onnx file with its card, a checkpoint folder or a run folder.
            detector: A name in the table of detectors.
            mirror: Sum the embeddings of crop and mirrored crop: slower, a little better, and another contract.
            min_score: Detector score below which nothing counts as a face.
            calibration: Thresholds (``read_calibration``); None: those that come with marginface for this model, or
                those of the model's card where there are none.

        Raises:
            ContractMismatch: The calibration is for another model.
        """
        embedder = load_embedder(model, mirror=mirror)
        if calibration is not None:
            calibration.require(embedder.contract.id)
        return cls(FaceCropper.load(detector, min_score=min_score), embedder, calibration)

    def detect(self, photo: Photo) -> tuple[Face, ...]:
        """Return all faces of a photo, largest first."""
        return self.cropper.detect(_open(photo))

    def embed(self, photo: Photo, face: Face | None = None) -> Embedding:
        """Return the embedding of a face of this photo; without ``face``, of its largest.

        Raises:
            FaceCountError: The photo has no face; the message names the photo and the best candidate.
        """
        image = _open(photo)
        if face is not None:
            return self._embed_crop(align(image, face.landmarks))
        result = self.cropper.crop(image)
        if result.crop is None:
            raise FaceCountError(self._why_none(image, result.faces_found, result.note, _name(photo, "this photo")))
        return self._embed_crop(result.crop)

    def verify(self, first: Photo, second: Photo, *, fmr: float = 1e-3) -> Verification:
        """Say whether the largest faces of two photos show the same person, at a stated false-match rate.

        Args:
            first: One photo.
            second: The other.
            fmr: How often two different persons may be called the same, at most.

        Returns:
            SAME or DIFFERENT, or CANNOT_TELL if a photo has no face; the reasons say what was found and used.

        Raises:
            ImageError: A photo cannot be read.
            CalibrationError: The data behind the thresholds does not support so small a rate.
            InputError: The model has a card alone, without a threshold for this rate.
        """
        table = self.calibration or shipped_calibrations().get(self.embedder.contract.id)
        threshold = self.embedder.card.threshold(fmr) if table is None else table.threshold(fmr)
        looks = [self._look(first, "first photo"), self._look(second, "second photo")]
        faces = looks[0].face, looks[1].face
        reasons = tuple(reason for look in looks for reason in look.reasons) + self._remarks(threshold)
        contract = self.embedder.contract.id
        one, two = looks[0].embedding, looks[1].embedding
        if one is None or two is None:
            return Verification(Decision.CANNOT_TELL, None, threshold, faces, contract, reasons)
        score = similarity(one, two)
        return Verification(_decide(score, threshold), score, threshold, faces, contract, reasons)

    def _remarks(self, threshold: Threshold) -> tuple[str, ...]:
        if not self.embedder.contract.mirror or threshold.fmr_bounds is not None:
            return ()  # only a card speaks of one contract and is asked about another
        return ("The threshold was set without the mirror sum; with it the false-match rate may be another.",)

    def _look(self, photo: Photo, role: str) -> _Look:
        image, name = _open(photo), _name(photo, role)
        result = self.cropper.crop(image)
        if result.crop is None or result.face is None:
            return _Look(None, None, (self._why_none(image, result.faces_found, result.note, name),))
        notes = [f"{name}: {result.note}."] if result.note else []
        width, height = round(result.face.box.width), round(result.face.box.height)
        if min(width, height) < SMALL_FACE:
            notes.append(
                f"{name}: the face is small, {width}×{height} px; below {SMALL_FACE} px trust the answer less."
            )
        return _Look(result.face, self._embed_crop(result.crop), tuple(notes))

    def _embed_crop(self, crop: ImageArray) -> Embedding:
        return Embedding(self.embedder.embed(crop[np.newaxis])[0], self.embedder.contract.id)

    def _why_none(self, image: ImageArray, faces_found: int, note: str, name: str) -> str:
        """Say in words why there is no crop; for no face, how good the best candidate was."""
        if faces_found:
            return f"{name}: {note}. Cut the photo to the face that is meant."
        needed = self.cropper.min_score
        faint = self.cropper.detector.detect(image, min_score=min(_FAINT_SCORE, needed))
        best = f"the best candidate scores {max(face.score for face in faint):.2f}" if faint else "not even a faint one"
        return f"{name}: no face found ({best}, {needed:.2f} is needed). Try a larger, sharper or better lit photo."


@dataclass(frozen=True, slots=True)
class _Look:
    """What one photo of a pair gave: its face and embedding, or None, and remarks in words."""

    face: Face | None
    embedding: Embedding | None
    reasons: tuple[str, ...]


def _decide(score: float, threshold: Threshold) -> Decision:
    return Decision.SAME if score >= threshold.similarity else Decision.DIFFERENT


def _open(photo: Photo) -> ImageArray:
    return check_image(photo) if isinstance(photo, np.ndarray) else read_image(photo)


def _name(photo: Photo, role: str) -> str:
    return str(photo) if isinstance(photo, str | Path) else role
