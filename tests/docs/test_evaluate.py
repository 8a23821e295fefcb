"""docs/how-to/evaluate.md: its commands parse, its suite is read, its Python runs, its table has every variant."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from marginface.cli.evaluate import app
from marginface.data.templates import find_meta
from marginface.evaluation.suite import read_suite
from marginface.evaluation.variants import VARIANTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "evaluate.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^marginface evaluate (.*?)(?:\s+#.*)?$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one(command: str) -> None:
    name, *arguments = shlex.split(command)
    group = get_command(app)
    group.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


def test_every_command_is_shown() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_suite_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "suite.toml").write_text(text)
    assert [entry.kind for entry in read_suite(tmp_path / "suite.toml").protocol] == [
        "pairs",
        "pairs",
        "identify",
        "templates",
    ]


def test_the_python_writes_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code.replace("subjects=40", "subjects=4").replace("impostors=30", "impostors=3"), "page", "exec"), {})
    assert find_meta(tmp_path / "drawn_ijb").name == "IJB-C"


def test_the_table_has_every_variant() -> None:
    rows = [line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    assert rows == list(VARIANTS)
