"""docs/how-to/export.md, done: the commands and the Python of the page run on a network of a few steps."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from marginface.cli import app
from marginface.contract import ModelCard, read_card
from marginface.data.synthetic import draw_photo
from marginface.training import recipe_from, run, train
from oracles.walked_pages import Walk, blocks

PAGE = "how-to/export.md"
SMALL = {
    "data": {"source": "drawn", "identities": 24, "images_per_identity": 6, "hold_out": 8},
    "backbone": {"name": "tiny", "input_size": 32, "embedding_size": 128, "options": {"width": 0.25}},
    "train": {"epochs": 0.5, "batch_size": 24},
    "evaluation": {"pairs": 40, "folds": 2},
}


def test_the_page_runs_from_top_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))
    monkeypatch.chdir(tmp_path)
    train(recipe_from(SMALL), Path("runs/mine"))
    for name, who in (("a", 30), ("b", 78)):
        Image.fromarray(draw_photo(who, 0, strength=0.1)[0]).save(f"{name}.jpg")
    walk = Walk(PAGE)
    walk.go()
    shown, said = (re.sub(r"\d[\d.]*", "#", text) for text in (output(), walk.of("marginface export")))
    assert shown == said
    assert Path("models/again.toml").is_file()
    card = read_card(Path("models/mine.toml"))
    assert set(tomllib.loads(Path("card.toml").read_text(encoding="utf-8"))) == set(
        tomllib.loads(Path("models/mine.toml").read_text(encoding="utf-8"))
    )
    assert isinstance(card, ModelCard)
    refused = CliRunner().invoke(app, ["export", "runs/mine", "models/mine.onnx"])
    assert refused.exit_code == 2
    assert "--overwrite" in refused.output


def output() -> str:
    return next(block.text for block in blocks(PAGE) if block.kind == "")
