"""Protocols run on a model, and the report of what came out.

reading       photos → crops → embeddings, and those that are kept
scoring       embeddings → similarities → figures: what several protocols share
protocols     one a file: pairs, templates, open-set identification, distractors, TinyFace, groups, all pairs
reports       the page of runs, and the rows of the terminal's tables
comparison    is one better? several losses over seeds; two models
calibration   photos of people → thresholds, and their page
kinds         one a file: how a suite asks for an evaluation, and which figures its file of numbers has
suite         a list of protocols, once
browse        what all of them wrote below a folder, found and read again
"""

from __future__ import annotations

from marginface.evaluation.calibration import CalibrationResult, calibrate_photos, people_photos
from marginface.evaluation.protocols.pair_files import OpenProtocol, open_protocol
from marginface.evaluation.protocols.pairs import PairResult, evaluate_pairs
from marginface.evaluation.reading import ImageStore, Reader, crop_reader, protocol_cropper
from marginface.evaluation.reports.report import write_report
from marginface.evaluation.reports.runs import Measurement, RunReport, RunSummary, measure
from marginface.evaluation.scoring.scores import PairScores, score_pairs

__all__ = [
    "CalibrationResult",
    "ImageStore",
    "Measurement",
    "OpenProtocol",
    "PairResult",
    "PairScores",
    "Reader",
    "RunReport",
    "RunSummary",
    "calibrate_photos",
    "crop_reader",
    "evaluate_pairs",
    "measure",
    "open_protocol",
    "people_photos",
    "protocol_cropper",
    "score_pairs",
    "write_report",
]
