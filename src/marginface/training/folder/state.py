"""A run folder as it is now, for those who look at it: no torch, nothing is written, and it may be running.

What is here is read from recipe.toml, journal.jsonl and history.jsonl; a run of before there was a history has less.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from marginface.documents import parse_json, parse_toml
from marginface.errors import InputError
from marginface.files import folders_below
from marginface.training.folder.history import read_history
from marginface.training.folder.journal import read_journal
from marginface.training.folder.lock import holder
from marginface.training.folder.names import CHECKPOINTS, CURVES, DATA, JOURNAL, MANIFEST, RECIPE
from marginface.training.measuring.pack_figures import is_evaluated, of_packs, pack_sentences
from marginface.words import cause, percent

State = Literal["running", "finished", "interrupted", "diverged", "failed", "killed"]
Record = Mapping[str, Any]
Read = Callable[[Path], bytes]  # the content of a file: who shows runs to others lets no link lead out of their folder
POINTS = 8  # of a curve in a table
_ENDS: tuple[State, ...] = ("finished", "interrupted", "diverged", "failed")


@dataclass(frozen=True, slots=True)
class HeldOutFigure:
    """The accuracy of the last held-out evaluation, with its 95 % interval where the journal has one."""

    step: int
    accuracy: float
    interval: tuple[float, float] | None
    pairs: int | None

    def __str__(self) -> str:
        if self.interval is None:
            return percent(self.accuracy)
        return f"{percent(self.accuracy)} [{100 * self.interval[0]:.2f}, {100 * self.interval[1]:.2f}]"

    def overlaps(self, other: HeldOutFigure) -> bool | None:
        """Say whether the intervals have a number in common; None where one is not known."""
        if self.interval is None or other.interval is None:
            return None
        return self.interval[0] <= other.interval[1] and other.interval[0] <= self.interval[1]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The mean loss since the point before, and what was measured last since then (shares in [0, 1])."""

    step: int
    loss: float
    train_accuracy: float | None
    held_out: float | None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """What a run folder says; ``journal`` and ``history`` are as they are read, ``age`` is seconds since it moved."""

    path: Path
    recipe: Mapping[str, Any]
    journal: Sequence[Record]
    history: Sequence[Record]
    state: State
    age: float

    @property
    def step(self) -> int:
        """Return how many steps the journal has."""
        return int(self.journal[-1]["step"]) if self.journal else 0

    @property
    def total_steps(self) -> int | None:
        """Return how many steps the run is to have, None where nothing says so."""
        known = [event["total_steps"] for event in self.history if "total_steps" in event]
        steps = known[-1] if known else self.value("train.steps")
        epochs = self.value("train.epochs")
        if not steps and isinstance(epochs, int | float) and self.journal and self.journal[-1].get("epoch"):
            steps = epochs * self.step / self.journal[-1]["epoch"]
        return round(steps) if isinstance(steps, int | float) and 0 < steps < math.inf else None

    @property
    def held_out(self) -> HeldOutFigure | None:
        """Return the last held-out accuracy, None where there is none."""
        found = [record for record in self.journal if "accuracy_mean" in record]
        if not found:
            return None
        last = found[-1]
        ends = last.get("accuracy_interval")
        interval = None if ends is None else (float(ends[0]), float(ends[1]))
        return HeldOutFigure(last["step"], last["accuracy_mean"], interval, last.get("accuracy_pairs"))

    @property
    def packs(self) -> list[str]:
        """Say what the last evaluation found on each evaluation pack; none where no pack was measured."""
        last = next((record for record in reversed(self.journal) if of_packs(record)), None)
        return [] if last is None else [f"{sentence} at step {last['step']:,}" for sentence in pack_sentences(last)]

    @property
    def message(self) -> str:
        """Return why the run ended, where it did not finish."""
        return str(self.history[-1].get("message", "")) if self.history and self.state in _ENDS else ""

    @property
    def notes(self) -> list[str]:
        """Return what the journal noted, each with its step."""
        return [f"step {record['step']}: {note}" for record in self.journal for note in record.get("notes", ())]

    def value(self, key: str) -> Any:
        """Return a value of the recipe by ``section.key``, None where it has none."""
        return flat_values(self.recipe).get(key)

    def checkpoints(self) -> list[tuple[str, int]]:
        """Return the checkpoints, oldest first: name and bytes; what a link leads to is not counted."""
        if (self.path / CHECKPOINTS).is_symlink():
            return []
        folders = sorted((self.path / CHECKPOINTS).glob("*step-*"))
        return [
            (folder.name, sum(file.stat().st_size for file in folder.rglob("*") if _is_own_file(file)))
            for folder in folders
            if not folder.name.startswith(".") and not folder.is_symlink()
        ]

    def fingerprint(self, read: Read = Path.read_bytes) -> str | None:
        """Return the fingerprint of what is trained on, None where no file says it."""
        for name, keys in ((DATA, ("fingerprint",)), (MANIFEST, ("data", "fingerprint"))):
            with suppress(OSError, ValueError, KeyError, TypeError):
                value = parse_json(read(self.path / name))
                for key in keys:
                    value = value[key]
                return str(value)
        return None

    def curve(self, steps: Sequence[int], after: int = 0) -> list[CurvePoint]:
        """Return a point at each of these steps, in rising order; the first one goes on from ``after``."""
        at = [int(record["step"]) for record in self.journal]
        ends = [bisect_right(at, step) for step in (after, *steps)]
        return [self._point(step, begin, end) for step, (begin, end) in zip(steps, pairwise(ends), strict=True)]

    def steps_after(self, after: int, points: int) -> list[int]:
        """Return steps to draw after a step: so many at even distances, the last one, and each evaluation."""
        later = [record for record in self.journal if record["step"] > after]
        chosen = set(spread([int(record["step"]) for record in later], points))
        return sorted(chosen | {int(record["step"]) for record in later if is_evaluated(record)})

    def _point(self, step: int, begin: int, end: int) -> CurvePoint:
        part = self.journal[begin:end]
        losses = [record["loss"] for record in part if "loss" in record]
        return CurvePoint(
            step,
            fmean(losses) if losses else float("nan"),
            _last(part, "train_accuracy"),
            _last(part, "accuracy_mean"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: shares in [0, 1], seconds."""
        found = self.held_out
        return {
            "run": str(self.path),
            "name": self.value("name"),
            "loss": self.value("loss.name"),
            "backbone": self.value("backbone.name"),
            "step": self.step,
            "total_steps": self.total_steps,
            "state": self.state,
            "message": self.message,
            "held_out_accuracy": None if found is None else found.accuracy,
            "held_out_interval": None if found is None or found.interval is None else list(found.interval),
            "held_out_pairs": None if found is None else found.pairs,
            "held_out_step": None if found is None else found.step,
            "age_seconds": round(self.age, 1),
        }


def open_run(path: Path, read: Read = Path.read_bytes) -> RunFolder:
    """Read a run folder, each of its files by ``read``.

    Raises:
        InputError: it is none, or its recipe cannot be read.
        CheckpointError: its journal or its history is damaged.
    """
    if not is_run(path):
        raise InputError(
            f"{path}: expected the folder of a run, with {RECIPE} and {JOURNAL}; "
            f"{'it holds none of a run' if path.is_dir() else 'there is no such folder'}. marginface runs list {path} "
            "looks for runs below it"
        )
    try:
        recipe = parse_toml(read(path / RECIPE).decode())
    except (OSError, ValueError) as error:
        raise InputError(f"{path / RECIPE}: cannot be read: {cause(error)}") from None
    history, journal = read_history(path, read), read_journal(path / JOURNAL, read)
    moved = max(file.stat().st_mtime for file in (path / JOURNAL, path / RECIPE) if file.exists())
    return RunFolder(path, recipe, journal, history, _state(path, history), time.time() - moved)


def find_runs(roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the run folders at and below these folders, sorted; what is inside a run is not searched.

    Raises:
        InputError: a root is no folder.
    """
    for root in roots:
        if not root.is_dir():
            raise InputError(f"{root}: expected a folder with runs in it; there is no such folder")
        yield from _runs_below(root)


def is_run(path: Path) -> bool:
    """Say whether a folder is that of a run: one that only plans a run has a recipe and nothing else."""
    return (path / RECIPE).is_file() and any((path / name).exists() for name in (JOURNAL, DATA))


def spread(steps: Sequence[int], points: int = POINTS) -> list[int]:
    """Return some of the steps at even distances, the last included.

    >>> spread(range(1, 101), 4)
    [25, 50, 75, 100]
    """
    if not steps:
        return []
    places = {round(len(steps) * (point + 1) / points) - 1 for point in range(points)}
    return [steps[place] for place in sorted(places) if place >= 0]


def flat_values(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a recipe's TOML under ``section.key``."""
    result: dict[str, Any] = {}
    for name, value in recipe.items():
        inner = value if isinstance(value, dict) else None
        result.update({name: value} if inner is None else {f"{name}.{key}": item for key, item in inner.items()})
    return result


def _runs_below(root: Path) -> Iterator[Path]:
    folders = folders_below(root, lambda name: name in (CHECKPOINTS, CURVES), _is_seen_run)
    return filter(_is_seen_run, folders)


def _is_seen_run(folder: Path) -> bool:
    try:
        return is_run(folder)
    except OSError:  # it may be listed and not entered
        return False


def _is_own_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _state(path: Path, history: Sequence[Record]) -> State:
    with suppress(OSError):  # a run of somebody else may be read and not locked
        if holder(path) is not None:
            return "running"
    last = history[-1]["event"] if history else ""
    if not history and (path / MANIFEST).is_file():
        return "finished"
    return next((end for end in _ENDS if end == last), "killed")


def _last(records: Sequence[Record], key: str) -> float | None:
    found = [record[key] for record in records if key in record]
    return float(found[-1]) if found else None
