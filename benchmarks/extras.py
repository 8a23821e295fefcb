"""What each extra brings: the distributions it adds to the core and their size on disk, as installed here.

    python benchmarks/extras.py > extras.md

An environment with everything (`pip install -c constraints.txt -e '.[dev]'`) is measured: the requirements of each
extra are followed through the metadata of the installed distributions, and the files that pip recorded are added up,
without the byte code that Python makes later. The bytes depend on versions and system: the first line says which.
"""

from __future__ import annotations

import platform
import sys
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SELF = "marginface"
MEGABYTE = 1_000_000
NAMED = 4  # the largest are named in the table


def closure(requirements: Iterable[str], declared: dict[str, list[str]]) -> set[str]:
    """Return the canonical names of all distributions that these requirements bring on this system."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if (name, wanted) in found:
                continue
            found.add((name, wanted))
            texts = declared[wanted] if name == SELF else metadata.requires(name) or []
            waiting += [(Requirement(text), wanted) for text in texts]
    return {name for name, _ in found if name != SELF}


def size(name: str) -> int:
    """Return the bytes of the files that pip installed for a distribution."""
    files = metadata.distribution(name).files or []
    paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


def row(label: str, names: set[str]) -> str:
    """Return one line of the table, the largest distributions first."""
    sizes = sorted(((size(name), name) for name in names), reverse=True)
    largest = ", ".join(f"{name} {bytes_ / MEGABYTE:.0f}" for bytes_, name in sizes[:NAMED])
    return f"| {label} | {sum(bytes_ for bytes_, _ in sizes) / MEGABYTE:.0f} | {len(names)} | {largest or '–'} |"


def main() -> None:
    """Print the table as Markdown."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {"": project["dependencies"], **project["optional-dependencies"]}
    core = closure(declared[""], declared)
    print(
        f"Python {platform.python_version()}, {sys.platform} {platform.machine()}, the versions of constraints.txt:\n"
    )
    print("| extra | MB more | packages more | the largest, in MB |\n| --- | --- | --- | --- |")
    print(row("(the core)", core))
    for extra, requirements in project["optional-dependencies"].items():
        if extra != "dev":
            print(row(f"`{extra}`", closure(requirements, declared) - core))


if __name__ == "__main__":
    main()
