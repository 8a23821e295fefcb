"""Photos of people → thresholds for stated false-match rates (matching.calibration), and their page."""

from __future__ import annotations

from marginface.evaluation.calibration.photos import (
    CalibrationResult,
    PeoplePhotos,
    calibrate_photos,
    people_photos,
    require_enough_photos,
)

__all__ = [
    "CalibrationResult",
    "PeoplePhotos",
    "calibrate_photos",
    "people_photos",
    "require_enough_photos",
]
