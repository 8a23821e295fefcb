"""What is written for people: lines that a terminal and a diff can show, and one spelling, that of the US."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from oracles.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 150  # of prose; tables, code and the list of changes have their own
BRITISH = re.compile(
    r"centre|centring|colour|neighbour|behaviour|favour|licence|judgement|misspelt|grey\b"
    r"|(?:recogn|normal|regular|optim|minim|initial|organ|summar|quant)is(?:e|ing|ation)",
    re.IGNORECASE,
)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def is_prose(line: str) -> bool:
    return not line.startswith(("|", "    ", "[!["))


def test_no_line_of_prose_is_too_long() -> None:
    long = {}
    for name in set(tracked("*.md")) - {"CHANGELOG.md"}:
        prose = _FENCED.sub("", (ROOT / name).read_text(encoding="utf-8"))
        long[name] = [line[:40] for line in prose.splitlines() if is_prose(line) and len(line) > WIDTH]
    assert {name: lines for name, lines in long.items() if lines} == {}


def test_the_spelling_is_that_of_the_us() -> None:
    found = {}
    for name in tracked("*.md", "*.toml", "*.cff", "*.ipynb", "*.py", "Makefile"):
        if name not in ("CHANGELOG.md", Path(__file__).relative_to(ROOT).as_posix()):
            found[name] = sorted(set(BRITISH.findall((ROOT / name).read_text(encoding="utf-8"))))
    assert {name: words for name, words in found.items() if words} == {}
