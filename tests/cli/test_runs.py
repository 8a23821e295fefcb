from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.training import run

RECIPE = """
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
steps = 3
batch_size = 4
threads = 1
log_every = 1
[evaluation]
pairs = 24
folds = 2
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs, one of them resumed with another number of steps."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "write_run_report", lambda recipe, data, result, path: path.write_text("a report"))
        for name in ("arcface", "cosface"):
            made = invoke("train", recipe, "--out", folder / name, "--set", f"loss.name={name}")
            assert made.exit_code == 0, made.output
        longer = ("train", recipe, "--out", folder / "cosface", "--resume", "--set", "loss.name=cosface")
        refused = invoke(*longer, "--set", "train.steps=4")
        assert refused.exit_code == 2
        assert "--allow train.steps" in refused.output
        allowed = invoke(*longer, "--set", "train.steps=4", "--allow", "train.steps")
        assert allowed.exit_code == 0, allowed.output
    return folder


def test_list_has_a_line_for_each_run(runs: Path) -> None:
    table = invoke("runs", "list", runs)
    assert table.exit_code == 0, table.output
    assert table.output.count("finished") == 2
    rows = json.loads(invoke("runs", "list", runs, "--json").stdout)
    assert [(row["loss"], row["step"], row["total_steps"], row["state"]) for row in rows] == [
        ("arcface", 3, 3, "finished"),
        ("cosface", 4, 4, "finished"),
    ]
    assert rows[0]["held_out_interval"][0] <= rows[0]["held_out_accuracy"] <= rows[0]["held_out_interval"][1]


def test_list_says_of_a_run_that_cannot_be_read_why_and_lists_the_others(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "recipe.toml").write_text("= =", encoding="utf-8")
    (tmp_path / "broken" / "journal.jsonl").touch()
    rows = json.loads(invoke("runs", "list", tmp_path, runs, "--json").stdout)
    assert [row["state"] for row in rows] == ["unreadable", "finished", "finished"]
    assert "No runs there" in invoke("runs", "list", runs / "arcface" / "checkpoints").output


def test_show_tells_what_was_changed_and_what_is_there(runs: Path) -> None:
    shown = invoke("runs", "show", runs / "cosface")
    assert shown.exit_code == 0, shown.output
    for part in ("loss.name = cosface", "4 of 4 steps", "step-00000004", "resumed at step 3: train.steps 3 → 4"):
        assert part in shown.output
    values = json.loads(invoke("runs", "show", runs / "cosface", "--json").stdout)
    assert [event["event"] for event in values["history"]] == ["started", "finished", "resumed", "finished"]
    assert values["curve"][-1]["step"] == 4
    assert values["recipe"]["train"]["steps"] == 4
    assert values["notes"] == ["step 3: from step 4 on: train.steps 3 → 4"]


def test_diff_prints_keys_curves_and_results_and_writes_a_page(runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "diff.html"
    told = invoke("runs", "diff", runs / "arcface", runs / "cosface", "--report", page)
    assert told.exit_code == 0, told.output
    for part in ("loss.name", "train.steps", "Held-out accuracy: ", "intervals overlap", str(page)):
        assert part in told.output
    written = page.read_text(encoding="utf-8")
    assert "<svg" in written or "data:image/svg+xml" in written
    values = json.loads(invoke("runs", "diff", runs / "arcface", runs / "cosface", "--json").stdout)
    assert values["recipe"]["train.steps"] == [3, 4]
    assert values["same_pairs"] is True
    assert [pair["first"]["step"] for pair in values["curves"]] == [1, 2, 3]


def test_what_is_no_run_is_one_message_and_status_2(tmp_path: Path) -> None:
    result = invoke("runs", "show", tmp_path)
    assert result.exit_code == 2
    assert "expected the folder of a run" in result.output
    assert "Traceback" not in result.output


def test_a_run_that_cannot_be_written_is_one_message_and_status_2(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    result = invoke("train", recipe, "--out", recipe / "run")
    assert result.exit_code == 2
    assert "Not a directory" in result.output
    assert "Traceback" not in result.output
