"""What docs/how-to/fine-tune.md shows is read or run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from marginface.adopt import SourceCard
from marginface.training import read_recipe, recipe_from
from marginface.weights.layouts import LAYOUTS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "fine-tune.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_recipe_is_that_of_the_shipped_ones() -> None:
    shown = recipe_from(tomllib.loads(blocks("toml")[0]))
    for loss in ("arcface", "x2softmax"):
        shipped = read_recipe(ROOT / "recipes" / f"finetune_sface_{loss}.toml")
        assert (shipped.start, shipped.backbone) == (shown.start, shown.backbone)
        assert shipped.loss.name == loss


def test_the_card_is_one() -> None:
    assert SourceCard.model_validate(tomllib.loads(blocks("toml")[1])).color_order == "BGR"


def test_the_python_lists_names(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks("python")[0], {})
    names = capsys.readouterr().out.splitlines()
    assert {name.split(".")[0] for name in names} == {"stem", "stages", "last", "projection"}


def test_every_family_is_in_the_table() -> None:
    table = PAGE.split("## Weights of others")[1]
    assert [name for name in LAYOUTS if name.split("_")[0] not in table.lower()] == []
