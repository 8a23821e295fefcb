"""The table of losses → Markdown: each with what it computes and the paper it is from, as its docstring has them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from marginface.losses import LOSSES
from marginface.losses.describe import LossDescription, describe

_WHO = r"[A-Z][\w-]+(?:(?:, | and )[A-Z][\w-]+)*(?: et al\.)?"
_PAPER = re.compile(
    rf'({_WHO}), "([^"]+)"(?: \([^)]*\))?, ([^".;(]*?\b(?:19|20)\d\d)(?:, arXiv:(\d+\.\d+))?'  # author, title, venue
)


def table() -> str:
    """Return a row for each formula: its names, what it is, its paper."""
    named: dict[str, list[LossDescription]] = {}
    for name in LOSSES:
        description = describe(name, LOSSES[name])
        named.setdefault(description.title, []).append(description)
    rows = [_row([one.name for one in same], title, same[0].text) for title, same in named.items()]
    return "\n".join(["| name | what it computes | paper |", "| --- | --- | --- |", *rows])


def papers(text: str) -> list[str]:
    """Return the papers that the source of a loss names, as ``Deng et al., *ArcFace*, CVPR 2019, arXiv:1801.07698``."""
    source = " ".join(text.partition("Source:")[2].partition("\n\n")[0].split())
    return [_citation(*found) for found in _PAPER.findall(source)]


def _citation(authors: str, title: str, venue: str, arxiv: str) -> str:
    short = title.partition(": ")[0]
    return f"{authors}, *{short}*, {venue}" + (f", arXiv:{arxiv}" if arxiv else "")


def _row(names: Iterable[str], title: str, text: str) -> str:
    what = title.removesuffix(".").replace("|", r"\|").replace("*", r"\*")
    return f"| {', '.join(f'`{name}`' for name in names)} | {what} | {'; '.join(papers(text)) or '–'} |"
