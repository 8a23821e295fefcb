"""The pages on enrolment and on other systems: their commands parse, their Python runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from marginface.cli import gallery as gallery_command
from marginface.contract import foreign_contract
from marginface.enrolment import IMPORTERS, Outcome
from marginface.gallery import Gallery, NewFace
from marginface.pipeline import Recognizer
from marginface.reasons import Reason
from marginface.values import Embedding
from oracles.enrolments import red_recognizer, write_people, write_photo

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "enrol-and-identify.md").read_text(encoding="utf-8")
OTHERS = (ROOT / "docs" / "how-to" / "come-from-other-systems.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^marginface (.*?)$", PAGE + OTHERS, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one(command: str) -> None:
    group, name, *arguments = shlex.split(command)
    assert group == "gallery"
    commands = get_command(gallery_command.app)
    commands.commands[name].make_context(name, arguments)  # type: ignore[attr-defined]


def test_the_table_names_real_codes_and_outcomes() -> None:
    rows = re.findall(r"^\| (enrolled|known|refused) \| (.*?) \|", PAGE, re.MULTILINE)
    assert {outcome for outcome, _ in rows} == {outcome.value for outcome in Outcome}
    for _, cell in rows:
        for code in re.findall(r"`(\w+)`", cell):
            Reason(code)
    assert {"looks_like", "photo_of_another"} <= {reason.value for reason in Reason}


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARGINFACE_CONFIG", str(tmp_path / "config" / "of"))
    monkeypatch.setattr(Recognizer, "load", lambda model: red_recognizer())
    write_people(tmp_path / "staff", {"Ann": (0,), "Bob": (120,)})
    write_photo(tmp_path / "door.jpg.png", 121).rename(tmp_path / "door.jpg")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "page", "exec"), {})
    told = capsys.readouterr().out
    assert "2 people: 2 enrolled, 0 known, 0 refused." in told
    assert "Bob, similarity 1.000" in told


def test_old_vectors_are_searched_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    contract = foreign_contract("deepface", "ArcFace", "retinaface", "aligned", "base", "0")
    assert f"`{contract}`" in OTHERS
    with Gallery.create("people.db", sealed=False) as gallery:
        old = gallery.create_collection("deepface", contract=contract, embedding_size=2)
        old.add_many({"Ann": [NewFace(Embedding(np.array([1, 0], np.float32), contract))]})
    (code,) = re.findall(r"```python\n(.*?)```", OTHERS, re.DOTALL)
    exec(compile(code, "page", "exec"), {"vector_of_that_model": np.array([5.0, 0.1])})
    assert "Ann" in capsys.readouterr().out


def test_every_importer_is_on_the_page() -> None:
    for system in IMPORTERS:
        assert f"import-from {system} " in OTHERS
