"""docs/security.md: every hole has tests, and each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`([a-z_/]+\.py)(?:::(test_\w+))?`")


def holes() -> list[str]:
    """Return the rows of the table of holes."""
    _, _, after = PAGE.partition("## Holes of others")
    table = after.partition("## What stays open")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][2:]


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("row", holes(), ids=lambda row: row.split("|")[1].strip()[:60])
def test_a_hole_has_tests_and_they_are_there(row: str) -> None:
    named = NAMED.findall(row.rsplit("|", 2)[1])
    assert named, "a hole without a test is open"
    for file, test in named:
        path = ROOT / "tests" / file
        assert path.is_file(), file
        assert not test or test in names_in(path), f"{file} has no {test}"


def test_the_table_is_not_short() -> None:
    assert len(holes()) >= 30


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).is_file()
