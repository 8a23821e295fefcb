"""The recognizer that a command asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marginface.pipeline import Recognizer


def recognizer_for(model: str, calibration: Path | None, *, mirror: bool, min_score: float, engine: str) -> Recognizer:
    """Return a recognizer with the thresholds of a file, or those that come with its model."""
    from marginface.matching.calibration import read_calibration
    from marginface.pipeline import Recognizer

    thresholds = None if calibration is None else read_calibration(calibration)
    return Recognizer.load(model, mirror=mirror, min_score=min_score, calibration=thresholds, engine=engine)
