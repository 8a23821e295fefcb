"""Thresholds from data: embeddings of people's photos → thresholds by false-match rate, bound to a contract.

table      Calibration: the thresholds, their rates with bounds, the data; any rate, and searches of any size
fitting    embeddings of people's photos → Calibration
file       a Calibration in a TOML file
card       the few thresholds of a model card, asked in the same way
shipped    the tables that come with this package
"""

from __future__ import annotations

from marginface.matching.calibration.card import CardThresholds
from marginface.matching.calibration.file import read_calibration, write_calibration
from marginface.matching.calibration.fitting import Fitted, Origin, calibrate, ladder
from marginface.matching.calibration.shipped import known_thresholds, shipped_calibration, shipped_calibrations
from marginface.matching.calibration.table import Calibration, CalibrationData, Making, Rung

__all__ = [
    "Calibration",
    "CalibrationData",
    "CardThresholds",
    "Fitted",
    "Making",
    "Origin",
    "Rung",
    "calibrate",
    "known_thresholds",
    "ladder",
    "read_calibration",
    "shipped_calibration",
    "shipped_calibrations",
    "write_calibration",
]
