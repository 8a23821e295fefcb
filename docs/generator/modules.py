"""The public names of the packages → a page for each, which mkdocstrings fills from the docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
DOORS = ("marginface.cli", "marginface.server", "marginface.demo", "marginface.__main__")

MODELS = ("marginface.training.recipe", "marginface.client")  # pydantic: a field is no argument of a signature


def pages() -> dict[str, str]:
    """Return path → Markdown, a page for each module or package with public names, the list first."""
    found = {name: names for name in modules() if (names := public_names(name))}
    made = {f"reference/python/{name}.md": _page(name, names) for name, names in found.items()}
    return {"reference/python/index.md": _index(found), **made}


def modules() -> list[str]:
    """Return the modules a user imports from: marginface, its modules, its packages with __all__, and theirs."""
    files = sorted((SOURCE / "marginface").rglob("*.py"))
    names = [".".join(file.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__") for file in files]
    doors = tuple(f"{door}." for door in DOORS)
    return [
        name
        for name, file in zip(names, files, strict=True)
        if not f"{name}.".startswith(doors) and (file.name == "__init__.py" or name.count(".") == 1)
    ]


def public_names(module: str) -> list[str]:
    """Return __all__, or the classes and functions that a module defines without a leading underscore."""
    tree = _tree(module)
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [name for name in ast.literal_eval(node.value) if not name.startswith("__")]
    if _file(module).name == "__init__.py":
        return []
    kinds = (ast.ClassDef, ast.FunctionDef)
    return [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def summary(module: str) -> str:
    """Return the first sentence of its docstring."""
    text = ast.get_docstring(_tree(module)) or ""
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


def _file(module: str) -> Path:
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _tree(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text(encoding="utf-8"))


def _page(module: str, names: list[str]) -> str:
    about = ast.get_docstring(_tree(module)) or ""
    first, _, rest = about.partition("\n\n")
    more = f"\n```\n{rest.strip()}\n```\n" if rest.strip() else ""
    entries = "\n\n".join(_entry(module, name) for name in names)
    return f"# `{module}`\n\n{first}\n{more}\n{entries}\n"


def _entry(module: str, name: str) -> str:
    if SOURCE.joinpath(*module.split("."), name).is_dir():
        return f"[`{module}.{name}`]({module}.{name}.md) is a package of its own."
    fields = "\n    options:\n      show_if_no_docstring: true" if module in MODELS else ""
    return f"::: {module}.{name}{fields}"


def _index(found: dict[str, list[str]]) -> str:
    rows = [f"| [`{name}`]({name}.md) | {summary(name).replace('|', '&#124;')} |" for name in found]
    about = "Made from the docstrings. What is not named here may change without notice."
    return "\n".join(["# Python", "", about, "", "| module | |", "| --- | --- |", *rows, ""])
