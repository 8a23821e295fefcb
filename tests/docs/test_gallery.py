"""docs/how-to/gallery.md, done: its Python runs on drawn photos, its commands one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from marginface.cli import app
from marginface.data.synthetic import draw_photo

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/gallery.md").read_text(encoding="utf-8")
runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with two drawn photos, and a configuration elsewhere."""
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config"))
    monkeypatch.delenv("MARGINFACE_GALLERY_KEY", raising=False)
    monkeypatch.setenv("MARGINFACE_ARCHIVE_PASSPHRASE", "")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for seed, name in enumerate(("ann.jpg", "ben.jpg")):
        Image.fromarray(draw_photo(seed, 0)[0]).save(name, quality=95)
    return tmp_path / "work"


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def test_the_page_runs_from_top_to_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    enrol = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    for number, line in enumerate(commands()):
        if line[0] == "export":
            name, value = line[1].split("=", 1)
            monkeypatch.setenv(name, value)
            continue
        answer = runner.invoke(app, line[1:])
        assert answer.exit_code == 0, (line, answer.output)
        printed.append(" ".join(line))
        if number == 0:
            exec(enrol, {"print": lambda rows: printed.append(repr(rows))})
    assert "[('Ann Example', 1.0), ('Ben Example'" in "".join(printed)
    assert (folder / "people.archive").is_file()


def test_every_verb_of_the_table_is_there() -> None:
    from marginface.cli.gallery import app as gallery
    from marginface.gallery import Collection, Gallery

    known = {command.name or command.callback.__name__ for command in gallery.registered_commands if command.callback}
    table = PAGE.split("| to | Python")[1].split("\n\n")[0]
    for python, words in re.findall(r"^\|[^|]*\|([^|]*)\|([^|]*)\|$", table, re.MULTILINE):
        for verb in re.findall(r"`(?:gallery\.)?(\w+)\(", python):
            assert hasattr(Collection, verb) or hasattr(Gallery, verb), verb
        for verb in re.findall(r"`(\w+) G", words):
            assert verb in known, verb


def test_the_receipt_on_the_page_is_as_receipts_are() -> None:
    from marginface.gallery import Receipt
    from marginface.gallery.erasing.traces import FileTraces

    block = "Erased" + PAGE.split("```\nErased")[1].split("```")[0]
    files = tuple(
        FileTraces(name, int(size.replace(",", "")), int(count))
        for name, size, count in re.findall(r"^(\S+): ([\d,]+) bytes read, (\d+) pieces", block, re.MULTILINE)
    )
    (time,) = re.findall(r"at (\S+):", block)
    people = tuple(re.findall(r"^p-\w+$", block, re.MULTILINE))
    head = block.split("Audit: ")[1].strip()
    receipt = Receipt("people.db", "c", "erase", time, people, 1, 0, files, True, False, 0, head)
    assert receipt.explain() == block.strip()
