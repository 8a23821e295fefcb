"""Runs of the trainer over several processes, for test_distributed, which compares them with runs of one.

    python -m oracles.spread_runs FOLDER

starts processes by forks, since an import of torch takes longer than all they do. What a run leaves behind is its
folder; what a process was told at its end is in a file beside it.
"""

from __future__ import annotations

import errno
import math
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import distributed, nn

from marginface.backbones import BACKBONES, BackboneInfo
from marginface.data.synthetic import DrawnFaces, drawn_faces
from marginface.errors import DataError, InputError, MarginfaceError
from marginface.training import Progress, Recipe, TrainingInterrupted, recipe_from, run, train
from marginface.training.distributed import ranks
from marginface.training.distributed.launch import environment
from marginface.training.distributed.ranks import PARENT
from marginface.training.feed.batches import Batch, Batches
from marginface.training.folder import checkpoint
from marginface.training.learning.learner import Learner, StepResult
from marginface.training.loop import trainer
from marginface.values import ImageArray, IntArray
from oracles.patience import PATIENCE

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
    "head alone": {"start": {"freeze": ["*"]}},
    "in the backward pass, whole": {"loss": {"implementation": "chunked"}, "optim": {"head_in_backward": True}},
    "statistics": {"loss": {"name": "curricularface", "options": {}}},
    "random margins": {"loss": {"name": "elastic_arc", "margin": 0.3}},
    "softmax": {"loss": {"name": "softmax", "scale": None, "margin": None}},
    "learned scale": {"loss": {"name": "normface_learned", "margin": None}},
    "all classes in each": {"loss": {"implementation": "dense"}},
    "does not spread": {"loss": {"name": "dynarcface", "margin": None}},
    "term": {"loss": {"terms": {"center": {"weight": 0.1}}}},
    "pairs": {"loss": {"name": "triplet", "scale": None, "margin": 0.3}, "train": {"batch_images_per_identity": 2}},
}
OF_FOUR = ("arcface", "statistics", "does not spread", "pairs")  # in 4 processes too, beside 1 and 2
CUT: dict[str, dict[str, Any]] = {
    "loss": {"name": "curricularface"},
    "optim": {"ema": 0.9, "learning_rate": 0.02},
    "train": {"steps": STEPS, "checkpoint_every": 3},
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
    made: dict[str, dict[str, Any]] = {name: dict(keys) for name, keys in SMALL.items()}
    for name, keys in changes.items():
        made.setdefault(name, {}).update(keys)
    return recipe_from(
        {name: {key: value for key, value in keys.items() if value is not None} for name, keys in made.items()}
    )


Job = Callable[[int], object]


def over(world_size: int, job: Job, notes: Path) -> None:
    """Do a job in so many processes of a group of their own. What one is told at its end goes to ``notes``, by rank."""
    context = multiprocessing.get_context("fork")
    port = context.SimpleQueue()
    processes = [
        context.Process(target=_one_of, args=(rank, world_size, port, job, notes / f"{rank} of {world_size}"))
        for rank in range(world_size)
    ]
    for process in processes:
        process.start()
        os.setpgid(process.pid, processes[0].pid)
    # The store has threads: a process that is forked beside one may get a lock that nobody will ever open.
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    for _ in processes:
        port.put(store.port)
    for process in processes:
        process.join(2 * PATIENCE)
    late = [process for process in processes if process.is_alive()]
    for process in late:
        process.kill()
    assert not late, f"{len(late)} of {world_size} processes do not end"


def _one_of(rank: int, world_size: int, port: SimpleQueue[int], job: Job, notes: Path) -> None:
    os.environ.update({**environment(rank, world_size, port.get()), PARENT: str(os.getppid())})
    if world_size == 1:
        del os.environ["RANK"]
    notes.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    try:
        job(rank)
    except BaseException as error:  # noqa: BLE001
        known = isinstance(error, MarginfaceError | TrainingInterrupted | OSError)
        text = str(error) if known else traceback.format_exc()
        notes.write_text(f"{type(error).__name__}\n{time.monotonic() - started}\n{text}", encoding="utf-8")
        os._exit(2)


def equal_runs(folder: Path) -> None:
    """Each case in 1 and 2 processes, some in 4."""
    for world_size in (1, 2, 4):

        def every_case(_rank: int, size: int = world_size) -> None:
            for name in OF_FOUR if size == 4 else CASES:
                changes = CASES[name]
                train(recipe(changes), folder / name / str(size))

        over(world_size, every_case, folder / "told")


def cut_and_resumed(folder: Path) -> None:
    """A run of 4 processes that are all killed in step 5, gone on with by 4, 2 and 1; and one of 1 by 4."""
    asked = recipe(CUT)
    for before, after in ((4, (4, 2, 1)), (1, (4,))):
        over(before, lambda _rank, size=before: train(asked, folder / f"whole {size}"), folder / "whole")
        over(
            before,
            lambda _rank, size=before: train(asked, folder / f"cut {size}", progress=_kill_in_step(5)),
            folder / "cut",
        )
        for size in after:
            again = folder / f"{before} then {size}"
            shutil.copytree(folder / f"cut {before}", again)
            over(size, lambda _rank, place=again: train(asked, place, resume=True), folder / again.name)


def _kill_in_step(step: int) -> Callable[[Progress], None]:
    """Return what kills its process group in a step: all processes of the run."""

    def kill(progress: Progress) -> None:
        if progress.step == step:
            os.killpg(0, signal.SIGKILL)

    return kill


def failing(folder: Path) -> None:
    """What goes wrong in one of two processes, and what both are told."""
    endless = recipe({"train": {"steps": 100000, "checkpoint_every": 5}})

    def with_broken(rank: int, name: str, place: str) -> None:
        with mock.patch.object(*FAILURES[name][0](rank)):
            train(recipe({}) if name == "the report" else endless, folder / place)

    for name in FAILURES:
        over(2, lambda rank, name=name: with_broken(rank, name, name), folder / f"told of {name}")


def _bad_label(rank: int) -> tuple[object, str, object]:
    load = Batches.load

    def loaded(self: Batches, step: int) -> Batch:
        batch = load(self, step)
        return Batch(batch.images, batch.labels + (1000 if rank == 1 and step == 3 else 0))

    return Batches, "load", loaded


def _no_number(rank: int) -> tuple[object, str, object]:
    load = Batches.load

    def loaded(self: Batches, step: int) -> Batch:
        batch = load(self, step)
        return Batch(batch.images * (math.nan if rank == 1 and step == 3 else 1), batch.labels)

    return Batches, "load", loaded


def _lost_image(rank: int) -> tuple[object, str, object]:
    read = DrawnFaces.read

    def found(self: DrawnFaces, indices: IntArray) -> ImageArray:
        if rank == 1 and threading.current_thread() is not threading.main_thread():
            raise DataError("photo.jpg: it was there when the run began")
        return read(self, indices)

    return DrawnFaces, "read", found


def _killed(rank: int) -> tuple[object, str, object]:
    learn = Learner.learn

    def learned(self: Learner, batch: Batch, step: int, **settings: float) -> StepResult:
        if rank == 1 and step == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return learn(self, batch, step, **settings)

    return Learner, "learn", learned


def _other_data(rank: int) -> tuple[object, str, object]:
    return DrawnFaces, "fingerprint", lambda _self: f"data {rank}".replace(" ", "")


def _full_disk(rank: int) -> tuple[object, str, object]:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "classes-2-of-2.safetensors")

    return checkpoint, "_write", refuse if rank == 1 else checkpoint._write


def _no_folder(rank: int) -> tuple[object, str, object]:
    def refuse(*_: object, **__: object) -> None:
        raise InputError("out: expected a new or empty folder")

    return run, "_check_folder", refuse if rank == 0 else run._check_folder


def _no_report(rank: int) -> tuple[object, str, object]:
    def late(*_: object) -> None:
        time.sleep(1)  # the other one has nothing left to do
        raise OSError(errno.ENOSPC, "No space left on device", "report.html")

    return run, "write_run_report", late


Failure = Callable[[int], tuple[object, str, object]]
FAILURES: dict[str, tuple[Failure, str]] = {  # what to put in place of what in a process, and what is raised in one
    "a bad label": (_bad_label, "InputError"),
    "no number": (_no_number, "TrainingDiverged"),
    "a lost image": (_lost_image, "DataError"),
    "killed": (_killed, ""),
    "other data": (_other_data, "DataError"),
    "a full disk": (_full_disk, "StorageError"),
    "no folder": (_no_folder, "InputError"),
    "the report": (_no_report, "StorageError"),
}


def _noise(_who: object, _nuisance: object, random: np.random.Generator) -> ImageArray:
    """An image that takes no time: blocks of one color each."""
    blocks: ImageArray = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return blocks.repeat(14, axis=0).repeat(14, axis=1)


def main(folder: Path) -> None:
    """Do all of it; drawn faces, a report and the cautions of a loss would take longer than a run."""
    BACKBONES.add("plain", BackboneInfo(Plain, "float32"))
    with (
        mock.patch.object(run, "write_run_report"),
        mock.patch.object(drawn_faces, "draw_crop", _noise),
        mock.patch.object(trainer, "cautions_of", return_value=()),
        mock.patch.object(ranks, "_POLL", 0.005),
    ):
        for work in (equal_runs, cut_and_resumed, failing):
            work(folder / work.__name__)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
