"""Protocols run on a model, and the report of what came out.

pairs, variants      verification: LFW, CFP, packs; what a paper means by accuracy
protocols            which of them a path is
templates, pooling   IJB-B and IJB-C: images → templates → 1:1 and 1:N
open_set             enrol people, search others and strangers; identification, distances: its search
distractors          one photo of a person enrolled among up to a million others (MegaFace)
tinyface             searches with several right answers
groups               pairs by group (RFW, BFW): thresholds of a group's own, and one for all
all_pairs            every pair of a set and of its groups (MFR-ongoing); impostors: which of them decide
scores, slices       similarities → every figure of a table, of all and of parts
score_file           the same from a CSV file
two_models           is one better? comparison: several losses over seeds (comparison_files, comparison_report)
calibration          photos of people → thresholds (matching.calibration); calibration_report: their page
suite/               a list of protocols, once
browse/              what all of them wrote below a folder, found and read again
reading, memory      photos → crops → embeddings, and those that are kept; faces: or embeddings of a file
report, single       the page of runs, of one result (runs, sections, glossary); audit_page
score_lines          rows of the terminal's tables (protocol_lines: of the later protocols)
"""

from __future__ import annotations

from marginface.evaluation.pairs import PairResult, evaluate_pairs
from marginface.evaluation.protocols import OpenProtocol, open_protocol
from marginface.evaluation.reading import ImageStore, Reader, crop_reader, protocol_cropper
from marginface.evaluation.report import write_report
from marginface.evaluation.runs import Measurement, RunReport, RunSummary, measure
from marginface.evaluation.scores import PairScores, score_pairs

__all__ = [
    "ImageStore",
    "Measurement",
    "OpenProtocol",
    "PairResult",
    "PairScores",
    "Reader",
    "RunReport",
    "RunSummary",
    "crop_reader",
    "evaluate_pairs",
    "measure",
    "open_protocol",
    "protocol_cropper",
    "score_pairs",
    "write_report",
]
