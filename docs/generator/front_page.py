"""README.md: the parts of it that are made from the code and from the benchmarks, between its comments.

    make readme

writes them anew; tests/docs/test_readme.py fails as long as one of them is not what it would be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from generator import measured, papers, tree
from marginface.cli import COMMANDS

README = Path(__file__).resolve().parents[2] / "README.md"
_PART = re.compile(r"(<!-- made: (\w+) -->).*?(<!-- end -->)", re.DOTALL)


def commands() -> str:
    """Return a row for each command of the command line."""
    rows = [f"| `marginface {name}` | {line} |" for name, (_, line) in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows])


PARTS: dict[str, Callable[[], str]] = {
    "losses": papers.table,
    "commands": commands,
    "tree": tree.tree,
    "figures": measured.table,
}


def made(text: str) -> str:
    """Return a text in which every part between ``<!-- made: NAME -->`` and ``<!-- end -->`` is up to date."""
    return _PART.sub(lambda found: f"{found[1]}\n\n{PARTS[found[2]]()}\n\n{found[3]}", text)


def main() -> None:
    """Write README.md anew where it is not up to date."""
    text = README.read_text(encoding="utf-8")
    if (anew := made(text)) != text:
        README.write_text(anew, encoding="utf-8")


if __name__ == "__main__":
    main()
