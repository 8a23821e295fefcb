"""Protocols run on a model, and the report of what came out."""

from __future__ import annotations

from marginface.evaluation.pairs import PairResult, evaluate_pairs
from marginface.evaluation.reading import ImageStore, Reader, crop_reader, protocol_cropper
from marginface.evaluation.report import write_report
from marginface.evaluation.runs import Measurement, RunReport, RunSummary, measure
from marginface.evaluation.scores import PairScores, score_pairs

__all__ = [
    "ImageStore",
    "Measurement",
    "PairResult",
    "PairScores",
    "Reader",
    "RunReport",
    "RunSummary",
    "crop_reader",
    "evaluate_pairs",
    "measure",
    "protocol_cropper",
    "score_pairs",
    "write_report",
]
