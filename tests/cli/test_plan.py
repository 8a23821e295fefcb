"""plan, called as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from marginface.cli import app

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "quick.toml"
GIVEN = ("--memory-gb", "16", "--gflops", "1000")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["plan", *(str(argument) for argument in arguments)], env={"COLUMNS": "100"})


def test_a_table_with_every_way_and_advice() -> None:
    answer = call("--classes", 100_000_000, "--ranks", 64, *GIVEN)
    assert answer.exit_code == 0, answer.output
    for part in ("100,000,000 identities", "dense", "64 processes", "sample rate 0.1", "37.3 MB", "819 GB", "52.4 s"):
        assert part in answer.stdout
    assert 'In a recipe: [loss] implementation = "sharded"' in answer.stdout
    assert "marginface train RECIPE --out DIR --procs 64" in answer.stdout


def test_json_has_the_same_with_parts_in_bytes() -> None:
    answer = call("--classes", 1_000_000, *GIVEN, "--json")
    values = json.loads(answer.stdout)
    lean = next(way for way in values["ways"] if way["head_in_backward"])
    assert lean["memory_bytes"] == sum(lean["memory_parts"].values())
    assert lean["memory_parts"]["centers"] == 1_000_000 * 512 * 4
    assert lean["fits"] is True
    assert values["machine"]["gflops"] == {"given": 1000.0}


def test_a_recipe_gives_dimensions_and_batch() -> None:
    values = json.loads(call(RECIPE, "--classes", 5000, *GIVEN, "--json").stdout)
    assert values["head"]["dim"] == 128
    assert json.loads(call(RECIPE, "--classes", 5000, "--dim", 32, *GIVEN, "--json").stdout)["head"]["dim"] == 32


def test_the_multiply_rate_is_measured_where_none_is_given() -> None:
    answer = call("--classes", 5000, "--dim", 32, "--batch", 16)
    assert answer.exit_code == 0, answer.output
    assert "measured here" in answer.stdout
    assert "bfloat16" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--classes", 0], "classes is at least 1; got 0"),
        (["--classes", 5, "--ranks", 6], "ranks"),
        (["--classes", 5, "--optimizer", "lion"], "sgd, adamw"),
        (["--classes", 5, "--gflops", 0], "above 0 GFLOP/s"),
        (["--classes", 5, "--memory-gb", 0], "above 0 GB; got 0"),
        (["--classes", 5, "--memory-gb", "nan"], "above 0 GB; got nan"),
        (["--classes", 5, "--gflops", "inf"], "above 0 GFLOP/s; got inf"),
        (["nothing.toml", "--classes", 5], "no such recipe"),
        ([], "--classes"),
    ],
)
def test_wrong_input_is_one_message(arguments: list[object], part: str) -> None:
    answer = call(*arguments)
    assert answer.exit_code == 2
    assert part in answer.stderr
