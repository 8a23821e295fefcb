"""What docs/how-to/fast-data.md shows is run or read."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("torch")

from typer.testing import CliRunner

from marginface import cli
from marginface.data.augmentation.transforms import ADAFACE
from marginface.training import recipe_from

PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/fast-data.md").read_text(encoding="utf-8")
TABLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^marginface ([^#\n]*)", PAGE, re.MULTILINE)


def test_the_tables_are_recipes_and_one_is_adaface() -> None:
    recipes = [recipe_from(tomllib.loads(text)) for text in TABLES]
    assert len(recipes) == 4
    assert recipes[1].data.model_dump()["shuffle"] == "blocks"
    assert recipes[2].augment.augmentation() == ADAFACE
    assert recipes[3].augment.augmentation().turn == 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_gets_as_far_as_its_data(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(cli.app, shlex.split(command))
    assert answer.exit_code == 2
    assert "no such recipe" in answer.stderr or "got nothing there" in answer.stderr
