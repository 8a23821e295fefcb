"""Protocols run on a model, and the report of what came out.

pairs, variants      verification: LFW, CFP, packs; what a paper means by accuracy
protocols            which of them a path is
templates, pooling   IJB-B and IJB-C: images → templates → 1:1 and 1:N
open_set             enrol people, search others and strangers; identification, distances: its search
scores, slices       similarities → every figure of a table, of all and of parts
score_file           the same from a CSV file
two_models           is one better? comparison: several losses over seeds (comparison_files, comparison_report)
suite/               a list of protocols, once
reading, memory      photos → crops → embeddings, and those that are kept
report, single       the page of runs, of one result (runs, sections, markup, glossary, environment); audit_page
score_lines, cells   rows of the terminal's tables; cells of CSV files
"""

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
