"""docs/how-to/compare-losses.md, done: its commands run on a recipe that takes a moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracles.walked_pages import Walk

RECIPE = """
[data]
identities = 8
images_per_identity = 4
hold_out = 4
[backbone]
name = "tiny"
input_size = 32
embedding_size = 8
options = { width = 0.25 }
[loss]
name = "arcface"
scale = 16.0
margin = 0.3
[train]
steps = 2
batch_size = 8
threads = 1
[evaluation]
pairs = 24
folds = 2
"""
FILES = ("compare.html", "compare.json", "compare.csv", "compare.tex")


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    Path("recipes/quick.toml").write_text(RECIPE, encoding="utf-8")
    fewer = {"arcface,cosface,x2softmax": "arcface,x2softmax", "--seeds 3": "--seeds 1 --jobs 2"}
    walk = Walk("how-to/compare-losses.md", {**fewer, "--grid a=-0.9,-0.7 --grid k=0.65,0.8": "--grid k=0.8"})
    walk.go()
    assert "x2softmax:k=0.8 against arcface: " in walk.of("marginface compare")
    assert all(Path("runs/three", name).is_file() for name in FILES)
    assert Path("runs/three/arcface/seed-0/run/report.html").is_file()
    values = json.loads(Path("runs/three/compare.json").read_text(encoding="utf-8"))
    assert [loss["runs"][0]["status"] for loss in values["runs"]] == ["finished", "finished"]
    assert "x2softmax:k=0.8" in walk.of("marginface sweep")
