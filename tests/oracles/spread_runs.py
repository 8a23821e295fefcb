"""Runs of the trainer over several processes, for test_distributed, which compares them with runs of one.

    python -m oracles.spread_runs FOLDER

starts processes by forks, since an import of torch takes longer than all they do. What a run leaves behind is its
folder; what a process was told at its end is in a file beside it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import distributed, nn

from marginface.backbones import BACKBONES, BackboneInfo
from marginface.data.synthetic import DrawnFaces
from marginface.errors import DataError, MarginfaceError
from marginface.training import Progress, Recipe, TrainingInterrupted, recipe_from, train
from marginface.training.distributed.launch import environment
from marginface.training.learner import Learner
from marginface.training.recipe.file import write_recipe

STEPS = 8
SMALL: dict[str, dict[str, Any]] = {
    "data": {"identities": 16, "images_per_identity": 6, "hold_out": 4, "strength": 0.3},
    "augment": {"shift": 0.1, "brightness": 0.2, "contrast": 0.2, "blur": 0.5, "erase": 0.5, "noise": 5.0},
    "backbone": {"name": "plain", "input_size": 32, "embedding_size": 8},
    "loss": {"name": "arcface", "scale": 16.0, "margin": 0.2},
    "optim": {"learning_rate": 0.02},
    "train": {"steps": STEPS, "batch_size": 16, "threads": 1, "log_every": 4, "checkpoint_every": 3, "device": "cpu"},
    "evaluation": {"pairs": 24, "folds": 2},
}
CASES: dict[str, dict[str, dict[str, Any]]] = {
    "arcface": {},
    "adamw of averaged weights": {"optim": {"kind": "adamw", "ema": 0.9, "fused": True, "learning_rate": 1e-3}},
    "in parts": {"train": {"accumulate": 2}},
    "in the backward pass": {"optim": {"head_in_backward": True}},
    "statistics": {"loss": {"name": "curricularface", "options": {}}},
    "random margins": {"loss": {"name": "elastic_arc", "margin": 0.3}},
    "softmax": {"loss": {"name": "softmax", "scale": None, "margin": None}},
    "learned scale": {"loss": {"name": "normface_learned", "margin": None}},
    "all classes in each": {"loss": {"implementation": "dense"}},
    "does not spread": {"loss": {"name": "dynarcface", "margin": None}},
    "term": {"loss": {"terms": {"center": {"weight": 0.1}}}},
    "pairs": {"loss": {"name": "triplet", "scale": None, "margin": 0.3}, "train": {"batch_images_per_identity": 2}},
}


class Plain(nn.Module):
    """A backbone without batch norm: what an image becomes does not depend on those beside it."""

    def __init__(self, *, embedding_size: int, input_size: int) -> None:
        super().__init__()
        layers = (nn.Conv2d(3, 8, 4, 4), nn.PReLU(8), nn.Flatten(), nn.Linear(input_size**2 // 2, embedding_size))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


def recipe(changes: dict[str, dict[str, Any]]) -> Recipe:
    """Return the small recipe with changes; None takes a key away."""
    made = {name: {**SMALL.get(name, {}), **changes.get(name, {})} for name in SMALL.keys() | changes.keys()}
    return recipe_from({name: {key: value for key, value in keys.items() if value is not None} for name, keys in made.items()})


def add_backbone() -> None:
    BACKBONES.add("plain", BackboneInfo(Plain, "float32"))


Job = Callable[[int], object]


def over(world_size: int, job: Job, notes: Path) -> list[int]:
    """Do a job in so many processes; return their exit codes. What one is told goes to ``notes``, by rank."""
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    processes = [
        multiprocessing.get_context("fork").Process(
            target=_one_of, args=(environment(rank, world_size, store.port), job, notes / f"{rank} of {world_size}")
        )
        for rank in range(world_size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def _one_of(said: dict[str, str], job: Job, notes: Path) -> None:
    os.environ.update(said)
    if said["WORLD_SIZE"] == "1":
        del os.environ["RANK"]
    notes.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        job(int(said["RANK"]))
    except BaseException as error:
        known = isinstance(error, MarginfaceError | TrainingInterrupted)
        text = str(error) if known else traceback.format_exc()
        notes.write_text(f"{type(error).__name__}\n{time.monotonic() - started}\n{text}", encoding="utf-8")
        os._exit(2)


def equal_runs(folder: Path) -> None:
    """Each case in 1, 2 and 4 processes."""
    for world_size in (1, 2, 4):

        def every_case(rank: int, size: int = world_size) -> None:
            for name, changes in CASES.items():
                train(recipe(changes), folder / name / str(size))

        over(world_size, every_case, folder / "equal")


if __name__ == "__main__":
    add_backbone()
    equal_runs(Path(sys.argv[1]))
