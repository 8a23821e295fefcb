"""What evaluations wrote below a folder, read again for those who look: nothing is written, and one may be running.

numbers      a file of numbers → its kind and its figures (kinds)
suites       the folder of a suite: what is done, what runs, what waits
folders      which of them there are, and what lies beside: tables, the page
"""

from __future__ import annotations

from marginface.evaluation.browse.folders import KIND_NAMES, Evaluation, find_evaluations
from marginface.evaluation.kinds import Figure, Part

__all__ = ["KIND_NAMES", "Evaluation", "Figure", "Part", "find_evaluations"]
