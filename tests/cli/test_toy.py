from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from marginface import cli


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(cli.app, ["toy", *(str(argument) for argument in arguments)])


def test_toy_prints_a_row_per_loss_and_says_where_the_page_is(tmp_path: Path) -> None:
    losses = "softmax,cosface:margin=0.1"
    answer = call("--losses", losses, "--identities", 3, "--steps", 4, "--out", tmp_path / "toy")
    assert answer.exit_code == 0, answer.stderr
    for loss in losses.split(","):
        assert any(line.strip().startswith(loss) for line in answer.stdout.splitlines())
    assert "CosFace, figure 4" in answer.stdout
    assert str(tmp_path / "toy" / "toy.html") in answer.stdout.replace("\n", "")
    assert (tmp_path / "toy" / "toy.html").is_file()


def test_a_margin_above_the_bound_is_warned_about_and_trained_all_the_same(tmp_path: Path) -> None:
    answer = call("--losses", "cosface:margin=0.35", "--identities", 8, "--steps", 2, "--out", tmp_path)
    assert answer.exit_code == 0
    assert "above the bound" in answer.stderr
    assert "m ≤ 0.293" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--spread"], "choose identities of a folder"),
        (["--data", "crops", "--spread", "--compact"], "one of the two"),
        (["--losses", "triplet"], "single center"),
        (["--losses", "cosface:0.1"], "name=value"),
        (["--data", "nowhere"], "marginface align"),
        (["--dim", "4"], "2 or 3 dimensions"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_status_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call(*arguments, "--steps", 1)
    assert answer.exit_code == 2
    assert message in " ".join(answer.stderr.split())
