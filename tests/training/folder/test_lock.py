"""Two processes and one folder: real processes, and kills that leave nothing undone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marginface import cli
from marginface.errors import FolderBusy
from marginface.training import Recipe, train, write_recipe
from marginface.training.folder.journal import read_journal
from marginface.training.folder.lock import LOCK, check_free, held, holder, holds_only_a_lock
from oracles.patience import PATIENCE, wait_for

Small = Callable[..., Recipe]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start marginface with arguments; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "marginface", *map(str, arguments)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait(PATIENCE)
        if process.stderr is not None:
            process.stderr.close()


def has_steps(run: Path) -> bool:
    return len(read_journal(run / "journal.jsonl")) > 2


def endless(small: Small, folder: Path) -> Path:
    write_recipe(small(train={"steps": 1_000_000, "checkpoint_every": 20}), folder / "recipe.toml")
    return folder / "recipe.toml"


def another_that_holds(folder: Path, *, seconds: int) -> subprocess.Popen[str]:
    """Return a process that holds a folder for a while, once it does."""
    code = (
        "import sys, time, pathlib; from marginface.training.folder.lock import held\n"
        "with held(pathlib.Path(sys.argv[1]), 'training'): print('held', flush=True); time.sleep(int(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(folder), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_held_folder_is_refused_with_who_holds_it_and_free_afterwards(tmp_path: Path) -> None:
    check_free(tmp_path)
    with held(tmp_path, "compare"):
        assert str(holder(tmp_path)) == f"process {os.getpid()}"
        message = rf"another compare is at work in .* \(process {os.getpid()}\)\. Wait until"
        with pytest.raises(FolderBusy, match=message):
            check_free(tmp_path)
        with pytest.raises(FolderBusy, match=message), held(tmp_path, "sweep", patience=0.0):
            pass
        assert holds_only_a_lock(tmp_path)
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_locks_nothing(tmp_path: Path) -> None:
    process = another_that_holds(tmp_path, seconds=600)
    with pytest.raises(FolderBusy, match=rf"another training .*process {process.pid}\)"):
        check_free(tmp_path)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert (tmp_path / LOCK).is_file()
    check_free(tmp_path)
    with held(tmp_path, "training"):
        pass
    assert not (tmp_path / LOCK).exists()


def test_one_that_waits_gets_the_folder_when_the_other_has_ended_and_deleted_its_file(tmp_path: Path) -> None:
    process = another_that_holds(tmp_path, seconds=1)
    with held(tmp_path, "training", patience=PATIENCE):
        assert process.wait(PATIENCE) == 0
        assert str(holder(tmp_path)) == f"process {os.getpid()}"
    process.communicate(timeout=PATIENCE)


def test_a_new_run_may_begin_where_one_was_killed_before_it_wrote_anything(small: Small, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).write_text("training 1\n", encoding="utf-8")
    train(small(data={"hold_out": 0}, train={"steps": 2}), tmp_path / "run")
    assert not (tmp_path / "run" / LOCK).exists()


def test_a_run_that_is_being_trained_is_refused_new_or_resumed(
    small: Small, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    recipe, run = endless(small, tmp_path), tmp_path / "run"
    first = start("train", recipe, "--out", run)
    wait_for(lambda: has_steps(run))
    message = f"another training is at work in {run} (process {first.pid})"
    with pytest.raises(FolderBusy, match=re.escape(message)):
        train(small(), run)
    second = CliRunner().invoke(cli.app, ["train", str(recipe), "--out", str(run), "--resume"])
    assert (second.exit_code, second.stderr.count("marginface: ")) == (2, 1)
    assert message in second.stderr
    first.send_signal(signal.SIGINT)
    assert first.wait(PATIENCE) == 130
    steps = [record["step"] for record in read_journal(run / "journal.jsonl")]
    assert steps == list(range(1, len(steps) + 1))


def test_a_second_compare_is_refused_and_one_after_a_kill_waits_for_the_training_that_lives_on(
    small: Small, tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    recipe, out = endless(small, tmp_path), tmp_path / "out"
    job = out / "arcface" / "seed-0"
    command = ("compare", recipe, "--losses", "arcface", "--seeds", 1, "--out", out)
    first = start(*command)
    wait_for(lambda: has_steps(job / "run"))
    second = CliRunner().invoke(cli.app, [str(word) for word in command])
    assert (second.exit_code, second.stderr.count("marginface: ")) == (2, 1)
    assert f"another compare is at work in {out} (process {first.pid})" in second.stderr

    first.kill()
    first.communicate(timeout=PATIENCE)
    orphan = holder(job)
    assert orphan is not None, "the training outlives the comparison"
    try:
        third = start(*command)
        assert third.stderr is not None
        line = third.stderr.readline()
        assert f"waiting for process {orphan.process}, which is at it already" in line
        before = len(read_journal(job / "run" / "journal.jsonl"))
        wait_for(lambda: len(read_journal(job / "run" / "journal.jsonl")) > before + 5)
        assert holder(job) == orphan, "nobody trains over it"
    finally:
        with suppress(ProcessLookupError):
            os.kill(orphan.process, signal.SIGINT)
    wait_for(lambda: holder(job) not in (None, orphan))  # the child of the third goes on where the orphan stopped
    stopped = len(read_journal(job / "run" / "journal.jsonl"))
    wait_for(lambda: len(read_journal(job / "run" / "journal.jsonl")) > stopped + 2)
    third.send_signal(signal.SIGINT)
    third.communicate(timeout=PATIENCE)
    assert third.returncode == 130
    steps = [record["step"] for record in read_journal(job / "run" / "journal.jsonl")]
    assert steps == list(range(1, len(steps) + 1))
    assert json.loads((job / "outcome.json").read_text(encoding="utf-8"))["status"] == "interrupted"
    assert holder(out) is holder(job) is holder(job / "run") is None
