"""docs/how-to/train-a-paper.md: its table, recipe, commands and output are those of the package."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from marginface.cli.train import app
from marginface.training import read_recipe, recipe_from
from marginface.training.recipe.file import flat
from marginface.training.schedule import length_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "train-a-paper.md").read_text(encoding="utf-8")
PAPERS = sorted((ROOT / "recipes" / "papers").glob("*.toml"))
COMMANDS = re.findall(r"^marginface train (.*)", PAGE, re.MULTILINE)


def test_the_table_has_every_recipe_once_with_its_numbers() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `") and "×" in line]
    assert [row.split("`")[1] for row in rows] == [path.stem for path in PAPERS]
    for row, path in zip(rows, PAPERS, strict=True):
        recipe = read_recipe(path)
        cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
        steps = length_of(recipe.train, recipe.paper.images).steps
        assert recipe.paper.arxiv in cells[0]
        assert cells[1:] == [
            recipe.loss.name,
            recipe.backbone.name,
            f"{recipe.paper.identities:,}",
            f"{steps:,} × {recipe.train.batch_size:,}",
            recipe.paper.results,
        ]


def test_what_arcface_torch_calls_otherwise_are_keys_of_a_recipe() -> None:
    table = PAGE.partition("## What arcface_torch calls it")[2].partition("\n## ")[0]
    known = flat(recipe_from({"data": {"source": "packed", "path": "train.rec"}})).keys()
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", table)) - {"backbone.pth", "eval_ijbc.py", "torch2onnx.py"}
    assert len(named) > 20
    assert named - known == set()


def test_the_recipe_on_the_page_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert recipe_from(tomllib.loads(text)).paper.identities == 10_572


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_and_its_recipe_is_here(command: str) -> None:
    parsed = get_command(app).make_context("train", shlex.split(command)).params
    assert (ROOT / parsed["recipe"]).is_file()
    assert parsed["dry_run"] or parsed["out"]
    read_recipe(ROOT / parsed["recipe"], parsed["override"] or [])


def test_the_output_is_that_of_the_recipe() -> None:
    recipe = read_recipe(ROOT / "recipes" / "papers" / "arcface_ms1mv3_r50.toml")
    (shown,) = re.findall(r"```\n(arcface-ms1mv3-r50: a dry run.*?)```", PAGE, re.DOTALL)
    words = " ".join(shown.split())
    for part in (recipe.paper.title, recipe.paper.results, "101,160 steps of 1,024 images", *recipe.paper.differs):
        assert part in words
