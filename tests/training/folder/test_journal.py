from __future__ import annotations

from pathlib import Path

import pytest

from marginface.errors import CheckpointError
from marginface.training.folder.journal import Journal, read_journal, truncate_journal


def test_a_record_is_on_the_disk_before_the_journal_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write({"step": 1, "loss": 2.5})
        assert read_journal(path) == [{"step": 1, "loss": 2.5}]


def test_appending_and_truncating_leave_each_step_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for step in range(1, 6):
            journal.write({"step": step, "run": 1})
    truncate_journal(path, 3)
    with Journal(path) as journal:
        for step in range(4, 6):
            journal.write({"step": step, "run": 2})
    assert [(record["step"], record["run"]) for record in read_journal(path)] == [
        (1, 1),
        (2, 1),
        (3, 1),
        (4, 2),
        (5, 2),
    ]


def test_a_last_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "lo', encoding="utf-8")
    assert read_journal(path) == [{"step": 1}]
    truncate_journal(path, 9)
    assert path.read_text(encoding="utf-8") == '{"step": 1}\n'


def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"step": 1}\nrubbish\n{"step": 3}\n', encoding="utf-8")
    with pytest.raises(CheckpointError, match="line 2 is no JSON"):
        read_journal(path)


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.jsonl") == []
