"""The layers of pyproject.toml and the docstrings of the package → the tree of its files, those on top first."""

from __future__ import annotations

import tomllib
from pathlib import Path

from generator import modules

_LEFT_OUT = ("__main__",)


def tree() -> str:
    """Return a line for each package and module, in the order in which one may import the other."""
    names = [name for layer in layers() for name in layer if name not in _LEFT_OUT]
    lines = [_line(name) for name in names]
    return "\n".join(["```text", "src/marginface/", *lines, "```"])


def layers() -> list[list[str]]:
    """Return the modules below marginface, layer by layer, the topmost first."""
    text = (modules.SOURCE.parent / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    contract = next(contract for contract in contracts if contract["containers"] == ["marginface"])
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def _line(name: str) -> str:
    shown = f"{name}/" if Path(modules.SOURCE, "marginface", name).is_dir() else f"{name}.py"
    first = modules.summary(f"marginface.{name}").replace("``", "").partition(". ")[0]
    return f"├── {shown:<15} {first.removesuffix('.')}"
