"""docs/tutorial/, followed from the first line to the last, with smaller numbers where a network is trained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from marginface.training import run
from oracles.walked_pages import Walk, blocks

SMALL_TRAINING = {
    "identities = 160": "identities = 24",
    "hold_out = 40": "hold_out = 8",
    "images_per_identity = 12": "images_per_identity = 6",
    "epochs = 12.0": "epochs = 2.0",
    "batch_size = 64": "batch_size = 24",
    "pairs = 2000": "folds = 2\npairs = 40",
    "input_size = 64": "input_size = 32\noptions = { width = 0.25 }",
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    # The report of a training has tests of its own, and takes longer than the training here.
    monkeypatch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))


def test_the_first_recognizer() -> None:
    # A network of a few steps knows nobody: what it says of the photos is left to the model that the page trains.
    walk = Walk(
        "tutorial/first-recognizer.md",
        smaller=SMALL_TRAINING | {"evaluate_every = 90": "evaluate_every = 4"},
    )
    walk.go()
    assert re.search(r"Held-out pairs: \d+\.\d+ % right \(95 % interval", walk.of("marginface train"))
    assert "loss.margin" in walk.of("marginface runs diff")
    assert Path("runs/first/report.html").is_file()
    assert {name for name in ("faces", "ann-1", "ann-2", "ben") if Path(f"{name}.png").is_file()} == {
        "faces",
        "ann-1",
        "ann-2",
        "ben",
    }
    verify(walk, "models/first.onnx")


def verify(walk: Walk, model: str) -> None:
    """Run the commands that were left out, for an answer of whatever kind."""
    from typer.testing import CliRunner

    from marginface.cli import app

    shown = [line for block in blocks(walk.page) if block.kind == "sh" for line in block.text.splitlines()]
    asked = [line.split("#")[0].split()[1:] for line in shown if line.startswith("marginface verify")]
    assert len(asked) == 2
    for words in asked:
        answer = CliRunner().invoke(app, words)
        assert model in words
        assert answer.exit_code in (0, 1), answer.output
        assert "The threshold was set for a false-match rate of 0.01" in answer.output


def test_an_insightface_data_set() -> None:
    pytest.importorskip("pyarrow")
    small = {
        "identities_count=60": "identities_count=12",
        "np.arange(480)": "np.arange(96)",
        "hold_out = 20": "hold_out = 4",
        "epochs = 10.0": "epochs = 1.0",
        "pairs = 400": "folds = 2\npairs = 24",
        "input_size = 64": "input_size = 32\noptions = { width = 0.25 }",
    }
    walk = Walk("tutorial/insightface-data.md", smaller=small)
    walk.go()
    assert "12 identities" in (said := walk.of("marginface data inspect"))
    (shown,) = [block.text for block in blocks(walk.page) if block.kind == ""]
    assert words_of(said) == words_of(shown)
    assert Path("faces_drawn/train.idx").is_file()
    assert len(set(walk.names["prints"].values())) == 1


def test_your_photos() -> None:
    pytest.importorskip("scipy")
    walk = Walk("tutorial/your-photos.md")
    walk.go()
    told = json.loads(walk.of("marginface verify family/Ann/0.jpg family/Ann/2.jpg"))
    assert told["decision"] == "same"
    for block in blocks(walk.page):
        if block.kind == "":
            assert_shown(block.text, "".join(walk.printed.values()))
    assert "Complete." in walk.of("marginface gallery erase")


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d]+", text)


def assert_shown(block: str, printed: str) -> None:
    """Check that every line of an output on the page was printed, whatever the spaces."""
    said = " ".join(printed.split())
    for line in block.splitlines():
        assert " ".join(line.split()) in said, line
