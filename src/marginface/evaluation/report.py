"""One self-contained HTML file about one run or several side by side: no network, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    about = [element("p", element("b", run.name), ": ", run.description) for run in report.runs if run.description]
    return document(report.title, [element("p", report.summary), *about], contents)


def document(title: str, lead: Sequence[Html], contents: Mapping[str, Html]) -> str:
    """Return a page: title, first paragraphs, links to the sections that have a content, and these."""
    shown = {name: content for name, content in contents.items() if content}
    links = (element("li", element("a", name, attributes={"href": f"#{_anchor(name)}"})) for name in shown)
    nav = element("nav", element("ul", *links), attributes={"aria-label": "Contents"})
    head = element("header", element("h1", title), *lead, nav)
    main = element("main", *(_section(name, content) for name, content in shown.items()))
    foot = element("footer", "Made by marginface. Everything on this page is inside this one file.")
    return page(title, join([head, main, foot]))


def _term(word: str, meaning: str) -> tuple[Html, Html]:
    return element("dt", word), element("dd", meaning)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _section(title: str, content: Html) -> Html:
    heading = element("h2", title, attributes={"id": _anchor(title)})
    return element("section", heading, content, attributes={"aria-labelledby": _anchor(title)})
