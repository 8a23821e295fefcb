"""docs/how-to/calibrate.md: its commands parse, its table is right, its Python runs; figures of the explanation."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from marginface.cli import calibrate, verify
from marginface.metrics import fpir_of_search, trials_needed

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "calibrate.md").read_text(encoding="utf-8")
WHY = (ROOT / "docs" / "explanation" / "thresholds.md").read_text(encoding="utf-8")
APPS = {"calibrate": calibrate.app, "verify": verify.app}


@pytest.mark.parametrize("command", re.findall(r"^marginface (.*?)$", PAGE, re.MULTILINE))
def test_a_command_is_one(command: str) -> None:
    name, *arguments = shlex.split(command)
    get_command(APPS[name]).make_context(name, arguments)


def test_the_table_says_how_many_people_make_so_many_pairs() -> None:
    rows = re.findall(r"^\| (1e-\d) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 5
    for row in rows:
        fmr, (pairs, single, five) = float(row[0]), (int(cell.replace(",", "")) for cell in row[1:])
        assert pairs == trials_needed(fmr)
        assert math.comb(single - 1, 2) < pairs <= math.comb(single, 2)
        assert 25 * math.comb(five - 1, 2) < pairs <= 25 * math.comb(five, 2)


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "page", "exec"), {})
    assert (tmp_path / "copy.toml").is_file()


def test_the_numbers_of_the_explanation_are_those_of_the_formulas() -> None:
    assert "2,450 people with a photo each are three million" in WHY
    assert math.comb(2450, 2) >= trials_needed(1e-6)
    assert fpir_of_search(1e-5, 1000) == pytest.approx(0.01, rel=0.01)
