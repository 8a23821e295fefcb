"""Several protocols on one model: a list in TOML, each protocol done once, a page and tables of all.

plan        the list: which protocols, where their data is
run         do what is not done; a folder of results
measure     one of them, with embeddings remembered
progress    how far it is, for those who look
headline    the rows of the table of all
tables      CSV, JSON and LaTeX of the results
published   numbers of the literature, to lay beside ours
page        the report
state, kept what the data are now, and what of a result its page needs again
"""

from __future__ import annotations

from marginface.evaluation.suite.plan import (
    AllPairsEntry,
    DistractorsEntry,
    GroupsEntry,
    IdentifyEntry,
    PairsEntry,
    Suite,
    TemplatesEntry,
    TinyFaceEntry,
    read_suite,
)
from marginface.evaluation.suite.run import SuiteResult, run_suite

__all__ = [
    "AllPairsEntry",
    "DistractorsEntry",
    "GroupsEntry",
    "IdentifyEntry",
    "PairsEntry",
    "Suite",
    "SuiteResult",
    "TemplatesEntry",
    "TinyFaceEntry",
    "read_suite",
    "run_suite",
]
