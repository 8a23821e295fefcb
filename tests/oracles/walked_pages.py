"""A page of the documentation, followed: its files are written, its commands and its Python run, in order.

What ``unrun`` names with a reason is left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from marginface.cli import app
from oracles.unrun import reasons

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
_STATUS = re.compile(r"# exit status (\d)(?: or (\d))?")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language ("" for output), the file it is to be saved as or "", its text."""

    kind: str
    title: str
    text: str


def path_of(page: str) -> Path:
    """Return where a page is: below docs/, or README.md."""
    return ROOT / page if page == "README.md" else DOCS / page


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page below docs/, or of README.md."""
    return [Block(*found) for found in _BLOCK.findall(path_of(page).read_text(encoding="utf-8"))]


@dataclass
class Walk:
    """Follows a page in the current folder.

    Attributes:
        smaller: pieces of the page and what to run instead, so that a test takes seconds; each has to be there.
        names: what the Python of the page has named.
        printed: what each command and each block of Python printed, by its text.
    """

    page: str
    smaller: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = path_of(self.page).read_text(encoding="utf-8")
        missing = [piece for piece in self.smaller if piece not in text]
        assert not missing, f"{self.page} has no {missing}"

    def go(self) -> None:
        """Do what every block says; what is only output is left out."""
        for block in blocks(self.page):
            if block.title:
                Path(block.title).write_text(self._small(block.text), encoding="utf-8")
            elif block.kind == "sh":
                for line in lines(block.text):
                    self._command(line)
            elif block.kind == "python" and not self._is_left_out(block.text):
                self._python(self._small(block.text))

    def of(self, beginning: str) -> str:
        """Return what the first command that begins so printed."""
        return next(text for line, text in self.printed.items() if line.startswith(beginning))

    def _command(self, line: str) -> None:
        if self._is_left_out(line):
            return
        words = shlex.split(self._small(line), comments=True)
        assert words[0] == "marginface", line
        answer = CliRunner().invoke(app, words[1:])
        told = [int(status) for status in found.groups() if status] if (found := _STATUS.search(line)) else [0]
        assert answer.exit_code in told, (line, answer.output, answer.exception)
        self.printed[line] = answer.stdout

    def _python(self, code: str) -> None:
        with redirect_stdout(StringIO()) as out:
            exec(compile(code, self.page, "exec"), self.names)
        self.printed[code] = out.getvalue()

    def _is_left_out(self, text: str) -> bool:
        return text.startswith(tuple(reasons(path_of(self.page).relative_to(ROOT).as_posix())))

    def _small(self, text: str) -> str:
        for piece, less in self.smaller.items():
            text = text.replace(piece, less)
        return text


def lines(block: str) -> Iterator[str]:
    """Yield the commands of a block, those that go on after a backslash in one piece."""
    yield from (line for line in block.replace("\\\n", " ").splitlines() if line.strip())
