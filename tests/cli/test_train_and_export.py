from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.training import TrainingInterrupted, run

RECIPE = """
[data]
identities = 8
images_per_identity = 4
hold_out = 0
[backbone]
name = "tiny"
input_size = 32
embedding_size = 8
options = { width = 0.25 }
[loss]
name = "cosface"
[train]
steps = 3
batch_size = 8
threads = 1
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_a_recipe_becomes_a_run_and_the_run_an_onnx_file(recipe: Path, tmp_path: Path) -> None:
    trained = invoke("train", recipe, "--out", tmp_path / "run", "--set", "loss.margin=0.2")
    assert trained.exit_code == 0, trained.output
    assert "step-00000003" in trained.output
    exported = invoke("export", tmp_path / "run", tmp_path / "model.onnx")
    assert exported.exit_code == 0, exported.output
    assert "smallest cosine" in exported.output
    assert (tmp_path / "model.onnx").is_file()
    assert (tmp_path / "model.toml").is_file()


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("train", recipe, "--dry-run", "--set", "loss.margin=0.2")
    assert result.exit_code == 0, result.output
    for part in ("Nothing is trained", "32 images of 8 identities", "3 steps of 8 images", "loss", "it fits", "1 of"):
        assert part in result.output
    assert list(tmp_path.iterdir()) == [recipe]


def test_a_training_without_a_folder_says_which_option_is_missing(recipe: Path) -> None:
    result = invoke("train", recipe)
    assert result.exit_code == 2
    assert "--out runs/NAME" in result.output


def test_a_wrong_override_is_one_message_and_status_2(recipe: Path, tmp_path: Path) -> None:
    result = invoke("train", recipe, "--out", tmp_path / "run", "--set", "loss.margn=0.2")
    assert result.exit_code == 2
    assert "[loss] has no key 'margn'. Did you mean 'margin'?" in result.output
    assert not (tmp_path / "run").exists()


def test_an_interrupted_run_says_how_to_go_on_with_status_130(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise TrainingInterrupted("stopped; go on with --resume")

    monkeypatch.setattr(run.Trainer, "run", stopped)
    result = invoke("train", recipe, "--out", tmp_path / "run")
    assert result.exit_code == 130
    assert "go on with --resume" in result.output
