"""What evaluations wrote below a folder, read again for those who look: nothing is written, and one may be running.

figures      a figure with its interval, and the protocol that it is of
numbers      a file of numbers → its kind and its figures
comparisons  the table of several losses, and of two models, as figures
calibrations thresholds that a user made, as figures
audits       what was found in a data set, as figures
suites       the folder of a suite: what is done, what runs, what waits
folders      which of them there are, and what lies beside: tables, the page
"""

from __future__ import annotations

from marginface.evaluation.browse.figures import Figure, Part
from marginface.evaluation.browse.folders import KINDS, Evaluation, Kind, find_evaluations

__all__ = ["KINDS", "Evaluation", "Figure", "Kind", "Part", "find_evaluations"]
