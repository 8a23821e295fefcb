"""One self-contained HTML file about one run or several side by side: no network, no script."""

from __future__ import annotations

from pathlib import Path

from marginface.evaluation.reports.glossary import GLOSSARY
from marginface.evaluation.reports.runs import RunReport
from marginface.evaluation.reports.sections import (
    background,
    curves,
    hardest_errors,
    headline,
    recipes,
    training_curves,
)
from marginface.markup import Html, document, element, write_page


def write_report(report: RunReport, path: str | Path) -> None:
    """Write the page, whole or not at all; the folder is made if it does not exist.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    write_page(render_report(report), Path(path))


def render_report(report: RunReport) -> str:
    """Return the page as text."""
    parts = {
        "Results": headline(report.runs),
        "Training": training_curves(report.runs),
        "Curves": curves(report.runs),
        "Hardest errors": hardest_errors(report.runs),
        "Recipe": recipes(report.runs),
        "Data and environment": background(report.data, report.environment, report.command),
        "Glossary": element("dl", *(part for item in GLOSSARY.items() for part in _term(*item))),
    }
    about = [element("p", element("b", run.name), ": ", run.description) for run in report.runs if run.description]
    return document(report.title, [element("p", report.summary), *about], parts)


def _term(word: str, meaning: str) -> tuple[Html, Html]:
    return element("dt", word), element("dd", meaning)
