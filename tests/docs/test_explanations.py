"""The figures, Python, recipes and commands of docs/explanation/ are those of the code.

The Python of head.md runs in tests/losses/test_sharded.py, the table of backbones.md is in
tests/backbones/test_size.py; margins.md, quality.md and thresholds.md have tests of their own.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from typer.main import get_command

from marginface.cli.evaluate import app as evaluate
from marginface.cli.gallery import app as gallery
from marginface.cli.serve import app as serve
from marginface.metrics import wilson_interval
from marginface.training import recipe_from
from oracles.walked_pages import blocks

ROOT = Path(__file__).resolve().parents[2]


def printed(page: str) -> str:
    (code,) = [block.text for block in blocks(page) if block.kind == "python"]
    with redirect_stdout(StringIO()) as out:
        exec(compile(code, page, "exec"), {})
    return out.getvalue()


def test_the_intervals_of_the_page_are_those_of_the_formulas() -> None:
    low, high = wilson_interval(5964, 6000).to_list()
    page = (ROOT / "docs/explanation/evaluation.md").read_text(encoding="utf-8")
    assert f"{100 * low:.2f} to {100 * high:.2f}" in page
    said = printed("explanation/evaluation.md")
    assert "3000000 0.001" in said


def test_the_arithmetic_that_harms_people() -> None:
    assert int(printed("explanation/privacy.md")) == pytest.approx(100, abs=1)
    page = (ROOT / "docs/explanation/privacy.md").read_text(encoding="utf-8")
    assert "a hundred wrong alarms a day" in page


@pytest.mark.parametrize("name", ["evaluation", "privacy"])
def test_the_options_exist(name: str) -> None:
    text = (ROOT / f"docs/explanation/{name}.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(--[a-z-]+)", text))
    known = {option for app in (evaluate, gallery, serve) for option in options(get_command(app))}
    known |= {"--set", "--against"}  # of train and of data audit
    assert named <= known


def test_the_recipes_of_the_backbones_are_recipes() -> None:
    transface, dream = (
        recipe_from(tomllib.loads(block.text)) for block in blocks("explanation/backbones.md") if block.kind == "toml"
    )
    assert (transface.backbone.name, transface.backbone.options["perturb"]) == ("transface_s", 0.2)
    assert dream.dream is not None
    assert dream.dream.steps == 200


def test_the_tables_of_the_head_are_recipes() -> None:
    page = (ROOT / "docs/explanation/head.md").read_text(encoding="utf-8")
    found = re.findall(r"^    (\[(?:loss|optim)\]\n(?:    .+\n)+)", page, re.MULTILINE)
    assert len(found) == 3
    for text in found:
        recipe_from(tomllib.loads(text.replace("\n    ", "\n")))


def options(command: object) -> set[str]:
    below = getattr(command, "commands", {}).values()
    return {text for option in command.params for text in option.opts} | {  # type: ignore[attr-defined]
        text for one in below for text in options(one)
    }
