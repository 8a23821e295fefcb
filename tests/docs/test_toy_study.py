"""docs/how-to/toy-study.md: its commands are ones that the program takes, and its numbers are ours."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from typer.testing import CliRunner

from marginface import cli
from marginface.losses.notation import read_losses
from marginface.losses.theory import widest_class_angle
from marginface.toy.entries import SCALE, toy_losses

PAGE = (Path(__file__).resolve().parents[2] / "docs/how-to/toy-study.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^marginface (toy[^#\n]*)", PAGE, re.MULTILINE)


def test_the_page_has_the_default_and_two_article_commands() -> None:
    assert len(COMMANDS) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_gets_as_far_as_its_data(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(cli.app, [*shlex.split(command), "--steps", "1"])
    if "--data" in command:
        assert answer.exit_code == 2
        assert "CROPS: no such folder" in answer.stderr
    else:
        assert answer.exit_code == 0
        assert (tmp_path / "runs" / "toy" / "toy.html").is_file()


@pytest.mark.parametrize("losses", re.findall(r"--losses ([^` \n]+)", PAGE))
def test_every_loss_of_the_page_is_one_for_eight_people(losses: str) -> None:
    assert len(toy_losses(read_losses(losses), 8, 2)) == len(read_losses(losses))


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    assert round(1 - math.cos(widest_class_angle(8, 2)), 3) == 0.293
    assert round(math.degrees(widest_class_angle(10, 2)), 6) == 36
    assert "needs 49.5°" in toy_losses(read_losses("cosface:margin=0.35"), 10, 2)[0].above_bound
    assert SCALE == 16
