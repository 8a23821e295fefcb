"""Kill a training again and again with SIGKILL and go on each time; a process of its own, started by test_killed.py.

It imports torch once, computes nothing itself, and forks a child for each sitting of the run. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from marginface.training.folder.checkpoint import newest_checkpoint
from marginface.training.recipe.file import recipe_from
from marginface.training.run import train

STEPS = 300
RECIPE = recipe_from(
    {
        "data": {"identities": 6, "images_per_identity": 3, "hold_out": 0},
        "augment": {"shift": 0.05, "brightness": 0.2},
        "backbone": {"name": "tiny", "input_size": 16, "embedding_size": 8, "options": {"width": 0.25}},
        "loss": {"margin_full": 0.5},
        "train": {"steps": STEPS, "batch_size": 4, "threads": 1, "checkpoint_every": 3, "keep_checkpoints": 2},
    }
)
KILLS, WRITING, SITTINGS = 20, 5, 4  # at least so many within the writing of a checkpoint
PATIENCE = 120.0  # seconds for a child to come to the moment of its death
PAUSE = 0.0002
Moment = Callable[[Path, random.Random], None]


def sitting(out: Path) -> int:
    """Train in a child, resumed where there is something to resume; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        train(RECIPE, out, resume=(out / "recipe.toml").is_file())
    except BaseException:  # noqa: BLE001 - whatever it is, a child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def some_time_after_the_start(out: Path, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 0.15))


def within_a_step(out: Path, chance: random.Random) -> None:
    """Wait until the run has come some steps further, and a part of one."""
    lowest, wanted = lines(out), chance.randint(1, 8)  # a resumed run first cuts off what it does again
    deadline = time.monotonic() + PATIENCE
    while (now := lines(out)) - lowest < wanted and time.monotonic() < deadline:
        lowest = min(lowest, now)
        time.sleep(PAUSE)
    time.sleep(chance.uniform(0, 0.004))


def within_the_writing(out: Path, chance: random.Random) -> None:
    """Wait until a checkpoint is being written."""
    deadline, begun = time.monotonic() + PATIENCE, time.time()
    while not unfinished(out, begun) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    time.sleep(chance.uniform(0, 0.003))


def at_the_end(out: Path, chance: random.Random) -> None:
    """Wait until only the last checkpoint and the report are missing."""
    deadline = time.monotonic() + PATIENCE
    while lines(out) < STEPS and time.monotonic() < deadline:
        time.sleep(PAUSE)
    time.sleep(chance.uniform(0, 0.03))


def lines(out: Path) -> int:
    """Return how many lines the journal has."""
    journal = out / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def unfinished(out: Path, since: float) -> bool:
    """Say whether a checkpoint was begun since a time and not finished; an earlier child may have left one too."""
    for folder in (out / "checkpoints").glob("*"):
        with suppress(FileNotFoundError):
            is_partial = folder.name.startswith(".") or not (folder / "state.json").exists()
            if is_partial and folder.stat().st_mtime > since:
                return True
    return False


class EndedByItself(Exception):
    """A child came to its end before it was killed: this process had to wait too long for a processor."""


def kill_at(moment: Moment, out: Path, chance: random.Random) -> dict[str, object]:
    """Let a child train until a moment, kill it, and look at what it leaves."""
    begun = time.time()
    child = sitting(out)
    moment(out, chance)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if status == 0:
        raise EndedByItself(moment.__name__)
    if not os.WIFSIGNALED(status):
        sys.exit(f"{moment.__name__}: the child ended by itself with status {status}")
    checkpoint, problems = newest_checkpoint(out)
    return {
        "moment": moment.__name__,
        "was_writing": unfinished(out, begun),
        "newest": 0 if checkpoint is None else checkpoint.step,
        "problems": problems,
    }


def killed_often(out: Path, chance: random.Random) -> list[dict[str, object]]:
    """Begin a run and kill it again and again, the last time near its end; return what each kill left."""
    out.mkdir()
    moments: list[Moment] = [some_time_after_the_start, within_a_step, within_the_writing]
    told: list[dict[str, object]] = []
    while len(told) < KILLS or sum(bool(kill["was_writing"]) for kill in told) < WRITING:
        moment = chance.choice(moments) if len(told) < KILLS else within_the_writing
        told.append(kill_at(moment, out, chance))
    told.append(kill_at(at_the_end, out, chance))
    return told


def main(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    (folder / "whole").mkdir()
    whole = sitting(folder / "whole")
    for left in reversed(range(SITTINGS)):
        try:
            told = killed_often(folder / "cut", chance)
            break
        except EndedByItself:
            if not left:
                raise
            shutil.rmtree(folder / "cut")
    statuses = [os.waitpid(child, 0)[1] for child in (whole, sitting(folder / "cut"))]
    print(json.dumps({"kills": told, "statuses": statuses}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
