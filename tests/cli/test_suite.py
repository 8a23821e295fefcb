"""The command of a suite: one at a time in a folder, and its files say how far it is."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from marginface.cli import app
from marginface.training.folder.lock import held, holder
from oracles.evaluated import write_crops, write_suite_list


def test_one_suite_at_a_time_is_at_work_in_a_folder(tmp_path: Path) -> None:
    write_crops(tmp_path)
    words = ["evaluate", "suite", "sface", str(write_suite_list(tmp_path)), "--out", str(tmp_path / "out")]
    (tmp_path / "out").mkdir()
    with held(tmp_path / "out", "suite"):
        refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 2
    assert "another suite is at work in" in refused.output
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert holder(tmp_path / "out") is None
    told = json.loads((tmp_path / "out" / "suite.progress.json").read_text())
    assert [row["state"] for row in told["protocols"]] == ["done", "done"]
