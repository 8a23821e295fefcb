"""One self-contained HTML file about one run or several side by side: no network, no script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from marginface.evaluation.glossary import GLOSSARY
from marginface.evaluation.markup import Html, element, join, page
from marginface.evaluation.runs import RunReport
from marginface.evaluation.sections import background, curves, hardest_errors, headline, recipes, training_curves


def write_report(report: RunReport, path: Path) -> None:
    """Write the page; the folder is made if it does not exist.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_report(report), encoding="utf-8")


def render_report(report: RunReport) -> str:
    """Return the page as text."""
    contents = {
        "Results": headline(report.runs),
        "Training": training_curves(report.runs),
        "Curves": curves(report.runs),
        "Hardest errors": hardest_errors(report.runs),
        "Recipe": recipes(report.runs),
        "Data and environment": background(report.data, report.environment, report.command),
        "Glossary": element("dl", *(part for item in GLOSSARY.items() for part in _term(*item))),
    }
    shown = {title: content for title, content in contents.items() if content}
    main = element("main", *(_section(title, content) for title, content in shown.items()))
    foot = element("footer", "Made by marginface. Everything on this page is inside this one file.")
    return page(report.title, join([_head(report, list(shown)), main, foot]))


def _term(word: str, meaning: str) -> tuple[Html, Html]:
    return element("dt", word), element("dd", meaning)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _section(title: str, content: Html) -> Html:
    heading = element("h2", title, attributes={"id": _anchor(title)})
    return element("section", heading, content, attributes={"aria-labelledby": _anchor(title)})


def _head(report: RunReport, titles: Sequence[str]) -> Html:
    links = (element("li", element("a", title, attributes={"href": f"#{_anchor(title)}"})) for title in titles)
    about = [element("p", element("b", run.name), ": ", run.description) for run in report.runs if run.description]
    nav = element("nav", element("ul", *links), attributes={"aria-label": "Contents"})
    return element("header", element("h1", report.title), element("p", report.summary), *about, nav)
