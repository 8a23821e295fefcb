"""No test waits without an end, and none asks for a port that another may be given meanwhile."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from oracles.parsed import nodes_of

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(TESTS.rglob("*.py"))
RUNS = {"run", "call", "check_output", "check_call"}  # of subprocess
WAITS = {"wait", "communicate", "join", "result"}  # methods that take a time, by name or as their first argument


def waits_for_ever(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    if "timeout" in {keyword.arg for keyword in node.keywords}:
        return False
    owner, name = node.func.value, node.func.attr
    return (name in RUNS and isinstance(owner, ast.Name) and owner.id == "subprocess") or (
        name in WAITS and (not node.args or name == "communicate")
    )


def test_whatever_waits_has_an_end() -> None:
    """PATIENCE of oracles/patience.py, or its wait_for(…)."""
    found = []
    for path in FILES:
        awaited = {id(node.value) for node in nodes_of(path) if isinstance(node, ast.Await)}  # the loop is one test's
        endless = [node for node in nodes_of(path) if waits_for_ever(node) and id(node) not in awaited]
        found += [f"{path.relative_to(TESTS)}:{node.lineno}" for node in endless if isinstance(node, ast.Call)]
    assert found == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("process.wait()", True), ("process.wait(3)", False), ("process.communicate(b'x', timeout=3)", False),
        ("process.communicate(b'x')", True),
        ("subprocess.run(['ls'])", True), ("subprocess.run(['ls'], timeout=3)", False), ("runner.run(3)", False),
        ("thread.join()", True), ("' '.join(words)", False), ("future.result()", True), ("sorted(words)", False),
    ],
)  # fmt: skip
def test_what_counts_as_endless(code: str, expected: bool) -> None:
    assert waits_for_ever(ast.parse(code, mode="eval").body) is expected


def test_a_process_is_ended_with_the_block_that_uses_it() -> None:
    """at_work(subprocess.Popen(…)): Popen's own block waits for an end that may never come."""
    entered = {
        f"{path.relative_to(TESTS)}:{node.lineno}": [ast.unparse(item.context_expr) for item in node.items]
        for path in FILES
        for node in nodes_of(path)
        if isinstance(node, ast.With)
    }
    assert [place for place, what in entered.items() if any(one.startswith("subprocess.Popen") for one in what)] == []


def test_ports_are_asked_for_in_one_way() -> None:
    """free_port() of oracles/patience.py; or a server that listens at port 0 and says which it was given."""
    given_back = re.compile(r"\.bind\(\(.+, 0\)\)\n\s+(return|\w+ =) \w+\.getsockname")
    assert [path.name for path in FILES if given_back.search(path.read_text(encoding="utf-8"))] == []
