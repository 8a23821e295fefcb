"""Several protocols on one model: a list in TOML, each protocol done once, a page and tables of all.

plan        the list: which protocols, where their data is
run         do what is not done; a folder of results
progress    how far it is, for those who look
tables      CSV, JSON and LaTeX of the results
published   numbers of the literature, to lay beside ours
page        the report
state       what the data are now
"""

from __future__ import annotations

from marginface.evaluation.kinds import Tools
from marginface.evaluation.suite.page import write_suite_page
from marginface.evaluation.suite.plan import Suite, read_suite
from marginface.evaluation.suite.run import SuiteResult, run_suite
from marginface.evaluation.suite.tables import write_tables

__all__ = ["Suite", "SuiteResult", "Tools", "read_suite", "run_suite", "write_suite_page", "write_tables"]
