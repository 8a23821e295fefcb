"""The recognizer that the settings of a service name; apart from the service, so that a job needs no web framework."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marginface.defaults import DEFAULT_MIN_SCORE
from marginface.detection import Detector
from marginface.errors import ImageTooLarge
from marginface.matching.calibration import read_calibration
from marginface.pipeline import Recognizer
from marginface.server.settings import ServerSettings
from marginface.values import Face, ImageArray


@dataclass(frozen=True)
class CappedDetector:
    """A detector that refuses a photo with more faces than may be: each costs an embedding, and a row of a table.

    Attributes:
        detector: Finds the faces.
        most: In one photo.
    """

    detector: Detector
    most: int

    @property
    def network(self) -> str:
        """The name of the network of the detector: the contract is the same."""
        return self.detector.network

    def detect(self, image: ImageArray, *, min_score: float = DEFAULT_MIN_SCORE) -> tuple[Face, ...]:
        """Return the faces, largest first; raise ImageTooLarge if there are too many."""
        faces = self.detector.detect(image, min_score=min_score)
        if len(faces) > self.most:
            raise ImageTooLarge(f"{len(faces):,} faces in one photo; {self.most:,} may be. Cut the photo into parts")
        return faces


def load_recognizer(settings: ServerSettings) -> Recognizer:
    """Return the recognizer that the settings name."""
    thresholds = None if settings.calibration is None else read_calibration(settings.calibration)
    return Recognizer.load(
        settings.model,
        mirror=settings.mirror,
        min_score=settings.min_score,
        calibration=thresholds,
        engine=settings.engine,
    )


def capped(recognizer: Recognizer, faces: int) -> Recognizer:
    """Return a recognizer that refuses photos with more faces than that."""
    cropper = recognizer.cropper
    return replace(recognizer, cropper=replace(cropper, detector=CappedDetector(cropper.detector, faces)))
