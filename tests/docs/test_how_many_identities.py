"""docs/how-to/how-many-identities.md: its commands run and print what it shows; what it measured is in the results."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("torch")

from typer.main import get_command
from typer.testing import CliRunner

from marginface.cli import app
from marginface.cli.plan import app as plan
from oracles.walked_pages import Walk, blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = "how-to/how-many-identities.md"
TEXT = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
SMALL, LARGE = (block.text for block in blocks(PAGE) if block.kind == "")
WAYS = {  # on the page: in benchmarks/results/plan.json
    "dense": "dense",
    "stored": "store",
    "recomputed": "recompute",
    "sample rate 0.1": "sample",
    "optimizer in backward, recomputed": "backward",
    "the same, stored": "backward-store",
    "the same, recomputed, sample rate 0.1": "backward-sample",
}


def fitting(text: str) -> dict[str, tuple[str, str]]:
    """Return of each way of a table the memory and whether it fits; the rest was measured on one machine."""
    lines = (line.strip() for line in text.splitlines())
    rows = (re.split(r" {2,}", line) for line in lines if line.endswith((" yes", " no")))
    return {row[0]: (row[1], row[-1]) for row in rows}


def test_the_command_prices_the_ways_of_the_page() -> None:
    walk = Walk(PAGE, {"--classes 5000000": "--classes 5000000 --memory-gb 25.3 --gflops 141"})
    walk.go()
    said = walk.of("marginface plan")
    assert len(fitting(SMALL)) == 5
    assert fitting(said) == fitting(SMALL)
    assert said.splitlines()[-2:] == SMALL.splitlines()[-2:]


def test_a_hundred_million_identities_are_as_the_page_shows() -> None:
    (command,) = re.findall(r"`marginface (plan --classes 100000000[^`]*)`", TEXT)
    answer = CliRunner().invoke(app, shlex.split(command), env={"COLUMNS": "160"})
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.split() == LARGE.split()


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<!\w)--[a-z][a-z-]*", TEXT.split("## What helps")[0]))))
def test_the_options_exist(option: str) -> None:
    assert option in {name for parameter in get_command(plan).params for name in parameter.opts}


def test_what_was_measured_is_in_the_results() -> None:
    results = json.loads((ROOT / "benchmarks/results/plan.json").read_text(encoding="utf-8"))["results"]
    kept = {
        (one["way"], one["optimizer"]): (one["plan_MB"], one["returns_MB"])
        for one in results
        if one["classes"] == 200_000
    }
    table = TEXT.split("| C = 200,000 |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(table) == len(WAYS)
    for row in table:
        name, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        for optimizer, planned, measured in (("sgd", *cells[:2]), ("adamw", *cells[2:])):
            if planned:
                numbers = [float(text.split(" ")[0].replace(",", "")) for text in (planned, measured)]
                assert numbers == pytest.approx(kept[WAYS[name], optimizer], abs=0.6), (name, optimizer)
