"""The recognizer that the settings of a service name; apart from the service, so that a job needs no web framework."""

from __future__ import annotations

from marginface.matching.calibration import read_calibration
from marginface.pipeline import Recognizer
from marginface.server.settings import ServerSettings


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
