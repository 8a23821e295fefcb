"""docs/how-to/survive-and-resume.md and look-at-runs.md, done: their commands run, on a recipe that takes a moment."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marginface.cli import app
from marginface.training import run

DOCS = Path(__file__).resolve().parents[2] / "docs" / "how-to"
SMALL = """
[data]
identities = 8
images_per_identity = 4
hold_out = 4
[backbone]
name = "tiny"
input_size = 32
embedding_size = 8
options = { width = 0.25 }
[train]
epochs = 12
batch_size = 8
threads = 1
[evaluation]
pairs = 24
folds = 2
"""


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def commands(page: str) -> list[list[str]]:
    lines = [shlex.split(line) for block in blocks(page, "sh") for line in block.splitlines()]
    return [line[1:] for line in lines if line[0] == "marginface"]


def test_the_commands_and_the_python_of_the_pages_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    Path("recipes/quick.toml").write_text(SMALL, encoding="utf-8")
    before = ["train", "recipes/quick.toml", "--out", "runs/cosface", "--set", "loss.name=cosface"]
    for words in (before, *commands("survive-and-resume.md"), *commands("look-at-runs.md")):
        answer = CliRunner().invoke(app, words)
        assert answer.exit_code == 0, (words, answer.output)
    for page in ("survive-and-resume.md", "look-at-runs.md"):
        for block in blocks(page, "python"):
            exec(block, {})
    assert Path("diff.html").is_file()
    assert Path("runs/live/tensorboard").is_dir()


def test_the_free_keys_of_the_page_are_those_of_the_code() -> None:
    from marginface.training.recipe.file import FREE_KEYS

    page = (DOCS / "survive-and-resume.md").read_text(encoding="utf-8")
    free = page[page.index("**Free**") : page.index("(Threads and device")]
    assert set(re.findall(r"`([\w.]+)`", free)) == FREE_KEYS
