"""Several protocols on one model: a list in TOML, each protocol done once, a page and tables of all.

plan        the list: which protocols, where their data is
run         do what is not done, with embeddings remembered; a folder of results
tables      CSV, JSON and LaTeX of the results
published   numbers of the literature, to lay beside ours
page        the report
"""

from __future__ import annotations

from marginface.evaluation.suite.plan import IdentifyEntry, PairsEntry, Suite, TemplatesEntry, read_suite
from marginface.evaluation.suite.run import SuiteResult, run_suite

__all__ = ["IdentifyEntry", "PairsEntry", "Suite", "SuiteResult", "TemplatesEntry", "read_suite", "run_suite"]
