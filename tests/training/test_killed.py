"""Training processes that are really killed, and that are told to stop, from outside."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from marginface.training.folder.journal import read_journal
from oracles.patience import PATIENCE

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


def command(recipe: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "marginface", "train", str(recipe), "--out", str(out)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each sitting is a fork of a process that has imported torch")
def test_a_run_killed_at_20_moments_and_more_ends_with_the_same_weights_and_losses(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1000)
    print(f"seed of the moments: {seed}")
    harness = [sys.executable, str(Path(__file__).with_name("kill_often.py")), str(tmp_path), str(seed)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a process with threads must not fork
    told = subprocess.run(harness, capture_output=True, text=True, env=alone, timeout=4 * PATIENCE)
    assert told.returncode == 0, told.stderr
    result = json.loads(told.stdout)
    kills = result["kills"]
    assert result["statuses"] == [0, 0]
    assert len(kills) >= 21
    assert sum(kill["was_writing"] for kill in kills) >= 5
    assert [kill["problems"] for kill in kills if kill["problems"]] == []
    newest = [kill["newest"] for kill in kills]
    assert newest == sorted(newest), "a kill took away a checkpoint that was there"

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    saved = [path.relative_to(whole) for path in sorted(whole.glob("checkpoints/*/*.safetensors"))]
    assert len(saved) == 6
    differing = []
    for path in saved:
        ours, theirs = load_file(whole / path), load_file(cut / path)
        differing += [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert differing == []
    assert losses(whole) == losses(cut)
    assert list(cut.rglob(".*")) == []


def losses(out: Path) -> list[tuple[int, float, float]]:
    keys = ("step", "loss", "gradient_norm")
    return [tuple(record[key] for key in keys) for record in read_journal(out / "journal.jsonl")]  # type: ignore[misc]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
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
