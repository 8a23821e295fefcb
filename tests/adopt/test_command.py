"""``marginface weights convert`` at the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from marginface.cli import app
from marginface.embedding import load_embedder
from oracles.foreign import Ir, randomized

CARD = 'name = "ada"\nlicense = "MIT"\ncolor_order = "BGR"\nmean = 127.5\nstd = 127.5\n'


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    state = randomized(Ir((2, 2, 2, 2), 1, 8)).state_dict()
    named = {f"model.{name}": value for name, value in state.items()}
    torch.save({"state_dict": {**named, "head.kernel": torch.ones(2)}}, tmp_path / "ada.ckpt")
    return tmp_path / "ada.ckpt"


def test_a_file_with_a_card_beside_it_becomes_a_model(checkpoint: Path, tmp_path: Path) -> None:
    checkpoint.with_suffix(".toml").write_text(CARD)
    result = CliRunner().invoke(app, ["weights", "convert", str(checkpoint), str(tmp_path / "ada")])
    assert result.exit_code == 0, result.stderr
    assert "ir18, 16 px, 8 numbers, MIT" in result.stdout
    assert "Left out, not of the backbone: 1 tensors, such as head.kernel" in result.stdout
    assert load_embedder(tmp_path / "ada").card.name == "ada"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        (None, "no card. Weights do not say what they were fed with"),
        (CARD.replace("BGR", "bgr"), "color_order: Input should be 'RGB' or 'BGR'"),
        (CARD.replace("std = 127.5", "std = 0"), "std: Input should be greater than 0"),
        (CARD + 'margin = "x"', "margin: Extra inputs are not permitted"),
    ],
)
def test_a_card_that_is_missing_or_wrong_is_shown_as_it_should_be(
    card: str | None, message: str, checkpoint: Path, tmp_path: Path
) -> None:
    if card is not None:
        checkpoint.with_suffix(".toml").write_text(card)
    result = CliRunner().invoke(app, ["weights", "convert", str(checkpoint), str(tmp_path / "ada")])
    assert result.exit_code == 2
    assert message in result.stderr
    assert 'color_order = "BGR"        # RGB: insightface' in result.stderr
    assert not (tmp_path / "ada").exists()


def test_a_name_of_nothing_is_no_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["weights", "convert", "", str(tmp_path / "ada")])
    assert (result.exit_code, "expected a file of weights" in result.stderr) == (2, True)
