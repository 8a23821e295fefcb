"""The launcher of ``--procs``, with processes that import nothing; and the command line by it and by torchrun."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from marginface import cli
from marginface.errors import InputError, RankLost
from marginface.processors import usable_cpus
from marginface.training.distributed import Place, launch
from marginface.training.folder.journal import read_journal
from oracles.patience import PATIENCE, wait_for

RECIPE = """
[data]
source = "drawn"
identities = 12
images_per_identity = 4
hold_out = 4

[backbone]
name = "tiny"
input_size = 32
embedding_size = 16

[train]
steps = 100000
batch_size = 8
checkpoint_every = 5
threads = 1

[evaluation]
pairs = 8
folds = 2
"""


def script(*lines: str) -> list[str]:
    """A command that knows its rank, and does something in it."""
    return [
        sys.executable,
        "-S",
        "-c",
        "\n".join(["import os, signal, sys, time", "rank = int(os.environ['RANK'])", *lines]),
    ]


def test_each_process_knows_its_place_and_its_share_of_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "OMP_NUM_THREADS")
    write = f"open({str(tmp_path)!r} + '/' + str(rank), 'w').write(' '.join(os.environ[name] for name in {names}))"
    assert launch(script(write), 3) == 0
    threads = max(usable_cpus() // 3, 1)
    for rank in range(3):
        assert (tmp_path / str(rank)).read_text() == f"{rank} {rank} 3 3 0 127.0.0.1 {threads}"


def test_a_process_that_is_killed_is_named_and_the_others_are_ended() -> None:
    started = time.monotonic()
    with pytest.raises(RankLost, match=r"rank 1 of 3 \(process \d+\) was ended by SIGKILL. Out of memory is") as told:
        launch(script("if rank == 1: os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(600)"), 3)
    assert "--resume" in str(told.value)
    assert time.monotonic() - started < 300, "the others sleep for 600 seconds"


def test_the_others_have_time_for_their_last_words(tmp_path: Path) -> None:
    said = tmp_path / "said"
    work = script(
        "if rank == 1: sys.exit(2)", "time.sleep(0.5)", f"open({str(said)!r}, 'w').write('more')", "sys.exit(2)"
    )
    assert launch(work, 2) == 2
    assert said.read_text() == "more"


def test_an_interruption_is_passed_on_once_and_waited_for(tmp_path: Path) -> None:
    work = script(
        "asked = []",
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))",
        f"open({str(tmp_path)!r} + '/' + str(rank), 'w').close()",
        f"end = time.monotonic() + {PATIENCE}",
        "while not asked and time.monotonic() < end: time.sleep(0.01)",
        "time.sleep(0.3)",
        "sys.exit(130 if asked == [1] else 1)",
    )

    def interrupt() -> None:
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2, "the processes do not start")
        time.sleep(0.3)  # the launcher has gone on to wait for them
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    assert launch(work, 2) == 130
    interrupting.join(PATIENCE)


@pytest.mark.parametrize("processes", [0, -1])
def test_fewer_than_one_process_is_refused(processes: int) -> None:
    with pytest.raises(InputError, match=f"1 or more, and torchrun starts its own; got {processes}"):
        launch([], processes)


def test_a_process_of_torchrun_starts_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("GROUP_RANK", "1")
    assert Place.here() == Place(1, 4, 1, 2, 1)
    with pytest.raises(InputError, match="leave --procs out"):
        launch([], 2)


def test_the_command_line_within_torchrun_refuses_procs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = CliRunner().invoke(cli.app, ["train", str(recipe), "--out", str(tmp_path / "run"), "--procs", "2"])
    assert done.exit_code == 2
    assert "in a process of torchrun: leave --procs out" in done.stderr


def started(recipe: Path, out: Path, *command: str) -> subprocess.Popen[str]:
    """Start a training, and wait for its first checkpoint."""
    recipe.write_text(RECIPE, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    checkpoint = out / "checkpoints" / "step-00000005"
    wait_for(lambda: checkpoint.is_dir() or process.poll() is not None, "no checkpoint comes")
    assert process.poll() is None, process.communicate(timeout=PATIENCE)[1]
    return process


def assert_ended_in_order(out: Path, told: str) -> None:
    (line,) = [line for line in told.splitlines() if line.startswith("marginface: ")]
    step = len(read_journal(out / "journal.jsonl"))
    assert line.startswith(
        f"marginface: stopped after step {step} of 100000; checkpoints/step-{step:08d} is saved. Go on"
    )
    assert (out / "checkpoints" / f"step-{step:08d}" / "classes-2-of-2.safetensors").is_file()


def test_the_command_line_trains_in_two_processes_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.toml", tmp_path / "run"
    process = started(recipe, out, "marginface", "train", str(recipe), "--out", str(out), "--procs", "2")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.count("with 1 thread in each of 2 processes") == 1
    assert_ended_in_order(out, told)
    assert f"--out {out} --resume --procs 2" in told


def test_torchrun_trains_in_two_processes_and_stops_at_sigterm(tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.toml", tmp_path / "run"
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "marginface.cli")
    process = started(recipe, out, *torchrun, "train", str(recipe), "--out", str(out))
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert_ended_in_order(out, told)
