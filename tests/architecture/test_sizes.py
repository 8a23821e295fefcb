"""The size rules of CONTRIBUTING.md: small files, small functions, short constructors, one ancestor of ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from oracles.parsed import nodes_of

SOURCE = Path(__file__).resolve().parents[2] / "src" / "marginface"
FILES = sorted(SOURCE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for path in FILES:
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}", node


def body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_files_stay_under_400_lines() -> None:
    lengths = {str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8").count("\n") for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_no_function_body_is_over_60_lines() -> None:
    assert {name: lines for name, node in functions() if (lines := body_lines(node)) > 60} == {}


def test_19_of_20_function_bodies_are_under_40_lines_and_the_median_is_at_most_8() -> None:
    lengths = [body_lines(node) for _, node in functions()]
    assert sum(lines < 40 for lines in lengths) >= 0.95 * len(lengths)
    assert median(lengths) <= 8


def test_constructors_take_fewer_than_8_arguments() -> None:
    counts = {
        name: len(node.args.args) - 1 + len(node.args.kwonlyargs)
        for name, node in functions()
        if node.name == "__init__"
    }
    assert {name: count for name, count in counts.items() if count >= 8} == {}


def test_no_file_is_named_utils_or_the_like() -> None:
    banned = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc"}
    assert {path for path in FILES if path.stem in banned or path.parent.name in banned} == set()


def test_no_class_has_more_than_one_ancestor_of_ours() -> None:
    bases: dict[str, list[str]] = {}
    for path in FILES:
        for node in nodes_of(path):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]

    def depth(name: str) -> int:
        return max((1 + depth(base) for base in bases.get(name, []) if base in bases), default=0)

    deep = {name for name in bases if depth(name) > 1 and not name.endswith(("Error", "Name", "Image", "Large"))}
    assert deep - {"HashMismatch"} == set(), "errors form a tree; nothing else may"
