"""docs/how-to/evaluate.md: its commands parse, its suite is read, its Python runs, its table has every variant."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from marginface.cli.evaluate import app
from marginface.data.embedding_files import read_embeddings
from marginface.data.identification.ijb import find_meta
from marginface.evaluation.scoring.pooling import POOLINGS
from marginface.evaluation.scoring.variants import VARIANTS
from marginface.evaluation.suite import read_suite

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
    kinds = [entry.kind for entry in read_suite(tmp_path / "suite.toml").protocol]
    assert kinds == ["pairs", "pairs", "identify", "templates", "distractors", "tinyface", "groups", "all-pairs"]


def test_the_python_writes_protocols(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    templates, distractors = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    small = {"subjects=40": "subjects=4", "impostors=30": "impostors=3", "1_000_000": "1_000"}
    for code in (templates, distractors):
        for large, less in small.items():
            code = code.replace(large, less)
        exec(compile(code, "page", "exec"), {})
    assert find_meta(tmp_path / "drawn_ijb").name == "IJB-C"
    assert float(capsys.readouterr().out) == 1 - 100 / (80 * 44)
    assert len(read_embeddings(tmp_path / "planted_megaface" / "distractors.npy").vectors) == 1_000


def rows_of(head: str) -> list[str]:
    """The first cells of the table below a head."""
    return [line.split("`")[1] for line in PAGE.split(head)[1].split("\n\n")[0].splitlines() if line.startswith("| `")]


def test_the_tables_have_every_variant_and_every_way_of_pooling() -> None:
    assert rows_of("| variant |") == list(VARIANTS)
    assert rows_of("| `--pooling` |") == list(POOLINGS)
    for name, pooling in POOLINGS.items():
        row = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}`")][-1]
        assert f"| {pooling.describe(mirror=True)[:4]} |" in row
