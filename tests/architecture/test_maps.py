"""What is drawn of the code is as the code: the maps of packages, docs/architecture.md, and names in messages."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from marginface import cli
from oracles.parsed import nodes_of, tree_of

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "marginface"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGES = sorted(path.parent for path in SOURCE.rglob("__init__.py") if path.parent != SOURCE)
FROM_FOUR = 4  # modules: a package of fewer needs no map
SAY_BY_COMMAND = SOURCE / "cli"  # one file for each command: its map is --help


def modules_of(package: Path) -> set[str]:
    files = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    return files | {path.parent.name for path in package.glob("*/__init__.py")}


def docstring(path: Path) -> str:
    return ast.get_docstring(tree_of(path)) or ""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_package_says_what_each_of_its_modules_is_for(package: Path) -> None:
    modules, text = modules_of(package), docstring(package / "__init__.py")
    if package.is_relative_to(SAY_BY_COMMAND) or len(modules) < FROM_FOUR:
        return
    assert {name for name in modules if not re.search(rf"\b{name}\b", text)} == set()


def test_the_tree_in_the_documentation_has_every_module_at_the_top_and_no_other() -> None:
    tree = re.findall(r"^    [├└]── (\w+)(?:\.py|/)", PAGE, re.MULTILINE)
    assert len(tree) == len(set(tree))
    assert set(tree) == modules_of(SOURCE)


def test_the_layers_in_the_documentation_are_those_that_are_checked() -> None:
    block = re.search(r"it, exhaustively:\n\n((?:    .+\n)+)", PAGE)
    assert block is not None
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    contract = next(one for one in contracts if one["containers"] == ["marginface"])
    assert [line.strip() for line in block[1].splitlines()] == [row for row in contract["layers"] if row != "__main__"]


def test_files_that_the_documentation_tells_to_touch_are_there() -> None:
    table = PAGE.partition("## Where to add things")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+/[a-z_/.]*)`", table)) - {"tests/docs/", "tests/examples/"}
    places = (SOURCE, ROOT, ROOT / "docs")
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert missing - {"detection/yourdetector.py"} == set()


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Every node of the source with the file and, where it has one, the line it is in."""
    return [
        (f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}", node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in nodes_of(path)
    ]


def strings() -> list[tuple[str, str]]:
    constants = ((place, node) for place, node in nodes() if isinstance(node, ast.Constant))
    return [(place, node.value) for place, node in constants if isinstance(node.value, str)]


def test_names_that_messages_and_docstrings_send_to_are_there() -> None:
    lost = []
    for place, text in strings():
        lost += [f"{place} {page}" for page in re.findall(r"docs/[\w/-]+\.md", text) if not (ROOT / page).is_file()]
        lost += [f"{place} {name}" for name in re.findall(r"\bmarginface\.([\w.]+)\(", text) if not resolves(name)]
        named = re.findall(r"'marginface ([a-z]+)\b", text)
        lost += [f"{place} {name}" for name in named if name not in cli.COMMANDS and name not in {"file", "gallery"}]
    assert lost == []


def resolves(name: str) -> bool:
    found: object = import_module("marginface")
    for part in name.split("."):
        if not hasattr(found, part) and isinstance(found, ModuleType):
            try:
                import_module(f"{found.__name__}.{part}")
            except ModuleNotFoundError:
                return False
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


# Parameters whose default is said once, in marginface.defaults: a number or a name beside it would drift away from it.
SAID_ONCE = {
    "model": "sface", "detector": "yunet", "engine": "onnxruntime", "min_score": 0.6, "fmr": 1e-3, "fpir": 0.01,
    "per_shard": 10_000,
}  # fmt: skip


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def said(value: ast.expr | None) -> object:
    """The constant that is a default, also as the default of a pydantic Field; None for anything else."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Field":
        named = {keyword.arg: keyword.value for keyword in value.keywords}
        value = value.args[0] if value.args else named.get("default")
    return value.value if isinstance(value, ast.Constant) else None


def defaults(function: Definition) -> list[tuple[str, ast.expr | None]]:
    if isinstance(function, ast.ClassDef):
        fields = [node for node in function.body if isinstance(node, ast.AnnAssign)]
        return [(node.target.id, node.value) for node in fields if isinstance(node.target, ast.Name)]
    plain = function.args.args[len(function.args.args) - len(function.args.defaults) :]
    pairs = [*zip(plain, function.args.defaults, strict=True)]
    pairs += zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)  # type: ignore[arg-type]
    return [(argument.arg, value) for argument, value in pairs]


def test_a_default_is_said_once() -> None:
    definitions = ((place, node) for place, node in nodes() if isinstance(node, Definition))
    found = [
        f"{place} {name}"
        for place, node in definitions
        for name, value in defaults(node)
        if name in SAID_ONCE and said(value) == SAID_ONCE[name]
    ]
    assert found == [], "take it from marginface.defaults"
