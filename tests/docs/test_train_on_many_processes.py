"""docs/how-to/train-on-many-processes.md, done: a run of two processes by --procs and one by torchrun, both resumed."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("torch")

from typer.testing import CliRunner

from marginface.cli import app
from marginface.training import recipe_from
from marginface.training.folder.history import read_history
from oracles.walked_pages import blocks, lines

PAGE = "how-to/train-on-many-processes.md"
COMMANDS = [line for block in blocks(PAGE) if block.kind == "sh" for line in lines(block.text)]
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
[train]
steps = 4
checkpoint_every = 2
batch_size = 12
threads = 1
device = "cpu"
"""


def do(words: list[str], folder: Path) -> str:
    source = os.pathsep.join(sys.path)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": source, "MARGINFACE_CONFIG": str(folder)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_commands_of_one_machine_run_and_go_on_with_other_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    begin, more, fewer = (shlex.split(line) for line in COMMANDS if line.startswith("marginface"))
    do([sys.executable, "-m", *begin], tmp_path)
    assert more[-1] == "4"
    do([sys.executable, "-m", *more[:-1], "3", *longer(6)], tmp_path)  # each process imports torch
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, [*fewer[1:], *longer(8)])
    assert answer.exit_code == 0, answer.output
    events = read_history(tmp_path / "runs/mine")
    assert [event["step"] for event in events if event["event"] == "finished"] == [4, 6, 8]


def longer(steps: int) -> list[str]:
    return ["--set", f"train.steps={steps}", "--allow", "train.steps"]


def test_torchrun_starts_the_same_on_one_machine(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (line,) = (command for command in COMMANDS if command.startswith("torchrun"))
    alone = {"--nnodes 2": "--nnodes 1", "--nproc-per-node 8": "--nproc-per-node 2", "HOST:29400": "127.0.0.1:0",
             "/shared/runs/mine": "shared"}  # fmt: skip
    for large, less in alone.items():
        assert large in line
        line = line.replace(large, less)
    do([sys.executable, "-m", "torch.distributed.run", *shlex.split(line)[1:]], tmp_path)
    assert (tmp_path / "shared/report.html").is_file()


def test_the_recipe_is_one_that_takes_a_batch_in_parts() -> None:
    (block,) = (block for block in blocks(PAGE) if block.kind == "toml")
    train = recipe_from(tomllib.loads(block.text)).train
    assert (train.batch_size, train.accumulate, train.batch_size // train.accumulate) == (512, 4, 128)
    assert "four parts of 128" in block.text
