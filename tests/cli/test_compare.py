from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.training import TrainingInterrupted
from marginface.training.comparing import compare
from oracles.small_recipe import SMALL_RECIPE


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(SMALL_RECIPE, encoding="utf-8")
    return path


def test_two_losses_become_a_table_a_page_and_files(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("compare", recipe, "--losses", "arcface,cosface", "--seeds", 1, "--jobs", 2, "--out", out)
    assert result.exit_code == 0, result.output
    assert "cosface against arcface: " in result.output
    assert "Peak memory" in result.output
    values = json.loads((out / "compare.json").read_text(encoding="utf-8"))
    assert [loss["runs"][0]["status"] for loss in values["runs"]] == ["finished", "finished"]
    assert all(loss["runs"][0]["peak_mb"] > 50 for loss in values["runs"])
    assert (out / "cosface" / "seed-0" / "run" / "report.html").is_file()


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train here, where torch is imported already; processes of their own are for the test of --jobs 2."""
    monkeypatch.setattr(compare, "run_apart", lambda jobs, _at_once, tell: compare.run_here(jobs, tell))


@pytest.mark.usefixtures("in_this_process")
def test_a_sweep_prints_its_points(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("sweep", recipe, "--loss", "cosface", "--grid", "margin=0.1", "--out", out)
    assert result.exit_code == 0, result.output
    assert "cosface:margin=0.1" in result.output
    assert (out / "sweep.html").is_file()


def test_a_wrong_loss_is_one_message_and_status_2(recipe: Path, tmp_path: Path) -> None:
    result = invoke("compare", recipe, "--losses", "arcface,cosfaze", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "unknown loss 'cosfaze'. Did you mean 'cosface'?" in result.output
    result = invoke("sweep", recipe, "--loss", "x2softmax", "--grid", "j=1,2", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "unknown option of x2softmax 'j'" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--losses", "arcface", "--set", "loss.options.scale=16"], "scale is a key of [loss] and not among"),
        (["--losses", "arcface:implementation=dense"], "implementation is a key of [loss] and not among"),
        (["--losses", "arcface:scale=-1"], "[loss] scale: Input should be greater than 0"),
        (["--losses", "softmax:scale=16"], "softmax has no scale"),
        (["--losses", "arcface:gradient=half"], "gradient"),
        (["--losses", "arcface:margin=true"], "arcface:margin=true: [loss] margin: a number is expected; got True"),
        (["--losses", "arcface:margin=abc"], "arcface:margin=abc: [loss] margin"),
        (["--losses", ","], "got none"),
        (["--losses", "arcface,arcface"], "got arcface twice"),
        (["--losses", "x2softmax:margin=0.3"], "unknown option of x2softmax 'margin'"),
    ],
)
def test_a_setting_in_the_wrong_place_is_one_message_and_status_2(
    recipe: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = invoke("compare", recipe, *arguments, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (tmp_path / "out").exists()
    assert result.output.count(arguments[1] + ": ") <= 1
    if "--set" in arguments:
        result = invoke("train", recipe, *arguments[2:], "--out", tmp_path / "out")
        assert result.exit_code == 2
        assert message in result.output


@pytest.mark.parametrize(
    ("loss", "grid", "message"),
    [
        ("arcface", "margin=0.1,", "--grid takes a parameter, once, and its values"),
        ("arcface", "margin", "--grid takes a parameter, once, and its values"),
        ("arcface", "=1", "--grid takes a parameter, once, and its values"),
        ("arcface", "margin=0.1,0.1", "got arcface:margin=0.1 twice"),
        ("arcface:margin=1", "margin=0.1", "margin is set in arcface:margin=1 already"),
        ("", "margin=0.1", "unknown loss ''"),
    ],
)
def test_a_wrong_grid_is_one_message_and_status_2(
    recipe: Path, tmp_path: Path, loss: str, grid: str, message: str
) -> None:
    result = invoke("sweep", recipe, "--loss", loss, "--grid", grid, "--out", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "command", [["compare", "--losses", "arcface"], ["sweep", "--loss", "arcface", "--grid", "margin=1"]]
)
def test_a_file_where_the_folder_should_be_is_one_message_and_status_2(
    recipe: Path, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "file").touch()
    result = invoke(command[0], recipe, *command[1:], "--out", tmp_path / "file")
    assert result.exit_code == 2, result.output
    assert "the folder of a comparison is a folder; this is a file" in result.output


@pytest.mark.usefixtures("in_this_process")
def test_a_scale_of_its_own_reaches_the_loss_of_a_comparison(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("compare", recipe, "--losses", "arcface:scale=8", "--seeds", 1, "--out", out)
    assert result.exit_code == 0, result.output
    assert "scale = 8.0" in (out / "arcface+scale=8" / "seed-0" / "recipe.toml").read_text(encoding="utf-8")


def test_an_interruption_says_how_to_go_on_with_status_130(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise TrainingInterrupted("stopped; go on with the same command")

    monkeypatch.setattr(compare, "compare", stopped)
    result = invoke("compare", recipe, "--losses", "arcface", "--out", tmp_path / "out")
    assert result.exit_code == 130
    assert "the same command" in result.output
