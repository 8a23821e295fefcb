"""A training process that is really killed, from outside, and the command line that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from marginface.training.journal import read_journal

RECIPE = """
[data]
source = "drawn"
identities = 12
images_per_identity = 4
hold_out = 0

[backbone]
name = "tiny"
input_size = 32
embedding_size = 16

[train]
steps = 400
batch_size = 8
checkpoint_every = 50
threads = 1
"""
PATIENCE = 90.0  # seconds


def command(recipe: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "marginface", "train", str(recipe), "--out", str(out), *more]


def last_weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "checkpoints" / "step-00000400" / "backbone.safetensors")


def test_a_run_killed_with_sigkill_is_continued_to_the_same_weights(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    subprocess.run(command(recipe, tmp_path / "whole"), check=True, capture_output=True, timeout=PATIENCE)

    cut = tmp_path / "cut"
    process = subprocess.Popen(command(recipe, cut), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while not (cut / "checkpoints" / "step-00000050").is_dir():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL
    assert not (cut / "checkpoints" / "step-00000400").exists()

    again = command(recipe, cut, "--resume")
    told = subprocess.run(again, check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert "resumed at step" in told.stdout + told.stderr
    whole, continued = last_weights(tmp_path / "whole"), last_weights(cut)
    assert [name for name in whole if not torch.equal(whole[name], continued[name])] == []
    assert [record["step"] for record in read_journal(cut / "journal.jsonl")] == list(range(1, 401))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_run_told_to_stop_saves_and_says_how_to_go_on(tmp_path: Path, name: str) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.replace("steps = 400", "steps = 100000"), encoding="utf-8")
    process = subprocess.Popen(
        command(recipe, tmp_path / "run"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "run" / "checkpoints" / "step-00000050").is_dir() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "--resume" in told
    assert "Traceback" not in told
