"""No circle of imports in any package: of two rooms or modules one is above the other, or neither knows the other.

lint-imports checks the order of some packages by name; this holds for all of them, and for those to come.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from oracles.parsed import nodes_of

ROOT = Path(__file__).resolve().parents[2] / "src"
FILES = sorted((ROOT / "marginface").rglob("*.py"))
Name = tuple[str, ...]


def name_of(path: Path) -> Name:
    """Return the parts of a module's name; a package is its __init__."""
    return path.relative_to(ROOT).with_suffix("").parts


MODULES = {name_of(path): path for path in FILES}
PACKAGES = sorted(name[:-1] for name in MODULES if name[-1] == "__init__")


def is_for_types_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported(path: Path) -> Iterator[Name]:
    """Give what a file imports of ours, wherever in it, but for what is imported for types alone."""
    types = {id(below) for node in nodes_of(path) if is_for_types_alone(node) for below in ast.walk(node)}
    for node in nodes_of(path):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in types:
            module = tuple(node.module.split("."))
            yield from (module_of((*module, alias.name)) or module_of(module) or module for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (module_of(tuple(alias.name.split("."))) or () for alias in node.names)


def module_of(name: Name) -> Name | None:
    return next((found for found in (name, (*name, "__init__")) if found in MODULES), None)


@cache
def imports() -> dict[Name, set[Name]]:
    return {name: set(imported(path)) for name, path in MODULES.items()}


def known_to(package: Name) -> dict[str, set[str]]:
    """Return, for each module and room of a package, which others of it are imported there."""
    depth = len(package)
    within: dict[str, set[str]] = {}
    for name, others in imports().items():
        if name[:depth] == package and name[depth] != "__init__":
            known = {other[depth] for other in others if other[:depth] == package}
            within.setdefault(name[depth], set()).update(known - {name[depth], "__init__"})
    return within


def circle_in(known: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", PACKAGES, ids=".".join)
def test_no_two_rooms_of_a_package_know_each_other(package: Name) -> None:
    assert circle_in(known_to(package)) == []


def test_imports_are_seen_wherever_they_stand() -> None:
    assert known_to(("marginface", "gallery", "database"))["migrations"] == {"store", "tables", "transaction"}
    assert {"database", "sealing"} <= known_to(("marginface", "gallery"))["vault"]
    assert known_to(("marginface",))["errors"] == set()
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
