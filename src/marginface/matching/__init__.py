"""Decisions on vectors and scores.

calibration    thresholds with the rates they were set for
index          the most similar faces of a probe: exact, by sketch, in a server
cluster        groups of unknown people
"""

from __future__ import annotations

from marginface.matching.calibration import Calibration, read_calibration, shipped_calibration, write_calibration
from marginface.matching.index import VectorIndex, choose_index, open_index, recall_at

__all__ = [
    "Calibration",
    "VectorIndex",
    "choose_index",
    "open_index",
    "read_calibration",
    "recall_at",
    "shipped_calibration",
    "write_calibration",
]
