"""docs/explanation/quality.md: its table is that of the gates, its block runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from marginface.data.synthetic import draw_photo
from marginface.quality import CUES, GATES
from marginface.reasons import Reason
from oracles.walked_pages import Walk

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/explanation/quality.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"^\| `\w+`", line) and line.count("|") == 8
]
SIGNS = {"≥": "least", "≤": "most"}


def floors_on_the_page(column: int) -> dict[str, tuple[str, float, str]]:
    return {
        row[0].strip("`"): (SIGNS[row[column][0]], float(row[column][2:]), row[6].strip("`"))
        for row in ROWS
        if row[column] != "–"
    }


def test_the_floors_on_the_page_are_those_of_the_table() -> None:
    for column, gate in ((3, "usable"), (4, "standard"), (5, "strict")):
        table = {floor.cue: (floor.kind, floor.limit, floor.reason.value) for floor in GATES[gate]}
        assert floors_on_the_page(column) == table


def test_every_cue_is_on_the_page_with_its_name_in_the_standard() -> None:
    named = {name: row[2] for row in ROWS for name in re.findall(r"\w+", row[0].replace("`", ""))}
    assert set(named) == set(CUES)
    for name, cue in CUES.items():
        assert (cue.standard or "–") in named[name]
    for row in ROWS:
        assert not row[6] or Reason(row[6].strip("`"))


def test_the_page_runs_and_gives_the_usual_length_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, number in (("photo", 0), ("a", 0), ("b", 1)):
        Image.fromarray(draw_photo(30, number, strength=0.1)[0]).save(f"{name}.jpg")
    walk = Walk("explanation/quality.md", names={"images": [draw_photo(who, 0, strength=0.0)[0] for who in range(3)]})
    walk.go()
    assert re.fullmatch(r"usual_norm = 1\d\.\d\n", walk.printed[BLOCK])
    assert json.loads(walk.of("marginface verify"))["decision"] == "same"
    assert "sharpness" in walk.of("marginface detect")
