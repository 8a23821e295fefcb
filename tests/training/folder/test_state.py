"""Run folders as those see them who look: made by hand, so that every state is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from marginface.errors import InputError
from marginface.plots.sparkline import sparkline
from marginface.training.folder.diff import RunDifference, names_of
from marginface.training.folder.lock import held
from marginface.training.folder.state import find_runs, open_run, spread
from oracles.patience import PATIENCE

RECIPE = """
name = "small"
[data]
source = "drawn"
hold_out = 4
[backbone]
name = "tiny"
[loss]
name = "{loss}"
[train]
epochs = 4.0
steps = 0
[evaluation]
pairs = 200
"""
Make = Callable[..., Path]


def lines(values: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def event(what: str, step: int, **details: object) -> dict[str, object]:
    return {"event": what, "step": step, "time": "2026-01-02T03:04:05+00:00", **details}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def folder(
        name: str = "run",
        *,
        loss: str = "arcface",
        steps: int = 10,
        history: Sequence[Mapping[str, object]] = (event("started", 0, total_steps=20),),
        accuracy: float | None = 0.9,
        fingerprint: str = "f",
    ) -> Path:
        out = tmp_path / name
        out.mkdir(parents=True)
        (out / "recipe.toml").write_text(RECIPE.format(loss=loss), encoding="utf-8")
        records: list[dict[str, Any]] = [{"step": i, "epoch": i / 5, "loss": 10.0 / i} for i in range(1, steps + 1)]
        if accuracy is not None and records:
            ends = [accuracy - 0.04, accuracy + 0.03]
            records[-1] |= {"accuracy_mean": accuracy, "accuracy_interval": ends, "accuracy_pairs": 200}
        (out / "journal.jsonl").write_text(lines(records), encoding="utf-8")
        if history:
            (out / "history.jsonl").write_text(lines(history), encoding="utf-8")
        (out / "data.json").write_text(json.dumps({"fingerprint": fingerprint}), encoding="utf-8")
        return out

    return folder


@pytest.mark.parametrize("state", ["finished", "interrupted", "diverged", "failed"])
def test_the_state_of_a_run_is_how_it_ended(make: Make, state: str) -> None:
    history = [event("started", 0, total_steps=20), event(state, 10, message="it says why")]
    run = open_run(make(history=history))
    assert (run.state, run.step, run.total_steps, run.message) == (state, 10, 20, "it says why")


def test_a_run_that_did_not_end_is_running_while_somebody_is_at_it_and_was_killed_otherwise(make: Make) -> None:
    out = make()
    assert open_run(out).state == "killed"
    with held(out, "training"):
        assert open_run(out).state == "running"
    resumed = [event("interrupted", 5), event("resumed", 5, total_steps=20)]
    assert open_run(make("again", history=resumed)).state == "killed"


def test_a_run_of_before_there_was_a_history_is_read_as_far_as_it_goes(make: Make) -> None:
    out = make(history=(), accuracy=None)
    assert (open_run(out).state, open_run(out).total_steps) == ("killed", 20), "4 epochs; step 10 is 2 of them"
    (out / "manifest.json").write_text('{"data": {"fingerprint": "of the manifest"}}', encoding="utf-8")
    (out / "data.json").unlink()
    (out / "journal.jsonl").write_text(lines([{"step": 3, "loss": 1.0, "accuracy_mean": 0.75}]), encoding="utf-8")
    run = open_run(out)
    assert (run.state, run.fingerprint(), str(run.held_out)) == ("finished", "of the manifest", "75.00 %")


def test_a_line_that_is_being_written_is_no_error(make: Make) -> None:
    out = make()
    with (out / "journal.jsonl").open("a") as stream:
        stream.write('{"step": 11, "lo')
    assert open_run(out).step == 10


def test_runs_are_found_below_a_folder_and_not_within_a_run(make: Make, tmp_path: Path) -> None:
    made = [make("b/arcface/seed-0/run"), make("a"), make("a/checkpoints/inner")]
    (tmp_path / "b" / "arcface" / "seed-0" / "recipe.toml").touch()  # only planned
    (tmp_path / "c").mkdir()
    assert list(find_runs([tmp_path])) == [made[1], made[0]]
    assert list(find_runs([made[1]])) == [made[1]]
    with pytest.raises(InputError, match="no such folder"):
        list(find_runs([tmp_path / "none"]))


def test_what_is_no_run_is_refused_with_where_to_look(make: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="marginface runs list"):
        open_run(tmp_path)
    out = make()
    (out / "recipe.toml").write_text("a = = b", encoding="utf-8")
    with pytest.raises(InputError, match=r"recipe\.toml: cannot be read"):
        open_run(out)


def test_a_point_of_the_curve_is_the_mean_since_the_point_before(make: Make) -> None:
    first, second = open_run(make()).curve([2, 10])
    assert first.loss == pytest.approx((10 + 5) / 2)
    assert second.loss == pytest.approx(sum(10 / i for i in range(3, 11)) / 8)
    assert (first.held_out, second.held_out) == (None, 0.9)


def test_a_difference_names_keys_steps_of_both_and_whether_the_intervals_overlap(make: Make) -> None:
    first, second = make("a"), make("b", loss="cosface", steps=7, accuracy=0.92)
    found = RunDifference(open_run(first), open_run(second))
    assert found.changed_keys() == [("loss.name", "arcface", "cosface")]
    assert [ours.step for ours, _ in found.curves()][-1] == 7
    said = " ".join(found.sentences())
    assert "+2.00 points, from 90.00 % [86.00, 93.00] to 92.00 % [88.00, 95.00]: the 95 % intervals overlap" in said
    assert "different kinds do not compare" in said
    assert "different steps: 10 and 7" in said
    apart = RunDifference(open_run(first), open_run(make("c", accuracy=0.7)))
    assert "do not overlap" in apart.sentences()[0]
    assert apart.to_dict()["intervals_overlap"] is False


def test_results_on_other_pairs_do_not_compare(make: Make) -> None:
    first = open_run(make("a"))
    assert "not of the same pairs" in RunDifference(first, open_run(make("b", fingerprint="g"))).sentences()[0]
    unmeasured = open_run(make("c", accuracy=None))
    assert "not measured in both runs" in RunDifference(first, unmeasured).sentences()[0]


def test_runs_of_the_same_name_are_told_apart_by_their_paths(make: Make) -> None:
    runs = [open_run(make("a/run")), open_run(make("b/run"))]
    assert names_of(runs) == [str(run.path) for run in runs]
    assert names_of(runs[:1]) == ["run"]


def test_steps_are_spread_to_the_last(make: Make) -> None:
    assert spread([]) == []
    assert spread([3]) == [3]
    assert spread(range(1, 5)) == [1, 2, 3, 4]
    assert spread(range(1, 101), 4) == [25, 50, 75, 100]


def test_a_sparkline_rises_where_the_values_do() -> None:
    assert sparkline([]) == ""
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8]) == "▁▂▃▄▅▆▇█"
    assert sparkline([0.0] * 50 + [1.0] * 50, width=4) == "▁▁██"


def test_who_looks_at_runs_waits_for_no_torch(make: Make) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from marginface.cli import app; "
        f"answers = [CliRunner().invoke(app, ['runs', *words]) for words in (['list', {str(make())!r}], ['show', "
        f"{str(make('b'))!r}])]; print([answer.exit_code for answer in answers], 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert told.stdout == "[0, 0] False\n"
