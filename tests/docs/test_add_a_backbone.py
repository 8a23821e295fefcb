"""docs/how-to/add-a-backbone.md, done: every block of the page is executed."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from marginface import backbones
from marginface.backbones import BACKBONES, build
from marginface.cli import app
from marginface.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-a-backbone.md").read_text(encoding="utf-8")
NETWORK, TABLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(SHELL,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the page says, until the end of the test."""
    path = tmp_path / "patchnet.py"
    path.write_text(NETWORK, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("marginface.backbones.patchnet", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(BACKBONES, "_entries", dict(BACKBONES._entries))
    exec(TABLE, dict(vars(backbones)))


def test_the_page_names_at_most_four_files_and_those_of_its_blocks_among_them() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(listed) <= 4
    assert [block.splitlines()[0].removeprefix("# ") for block in (NETWORK, TABLE)] == listed[:2]
    assert all((ROOT / name).is_file() for name in listed[1:])
    assert "the module in the docstring |" in PAGE


@pytest.mark.usefixtures("added")
def test_the_new_backbone_works_and_refuses_as_the_others() -> None:
    assert build("patchnet", input_size=32, embedding_size=6)(torch.zeros(2, 3, 32, 32)).shape == (2, 6)
    with pytest.raises(InputError, match="Did you mean 'width'"):
        build("patchnet", widht=3)
    with pytest.raises(InputError, match="got 0"):
        build("patchnet", width=0)


@pytest.mark.usefixtures("added")
def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    monkeypatch.chdir(tmp_path)
    lines = [shlex.split(line) for line in SHELL.replace("\\\n", " ").splitlines()]
    assert {line[0] for line in lines} == {"marginface"}
    answers = [CliRunner().invoke(app, line[1:]) for line in lines]
    assert [answer.exit_code for answer in answers] == [0, 0, 0], answers
    assert "patchnet" in answers[0].stdout
    assert Path("patchnet.onnx").is_file()


def test_nothing_of_it_stays() -> None:
    assert "patchnet" not in BACKBONES
