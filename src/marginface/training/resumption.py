"""What a run begins with, and what it goes on with: the checkpoint, what was changed, and the record of both."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from marginface import __version__
from marginface.errors import CheckpointError, MarginfaceError
from marginface.training.feed.sources import TrainingData
from marginface.training.folder.checkpoint import Checkpoint, newest_checkpoint
from marginface.training.folder.data_record import DataRecord, difference, read_record, record_of, write_record
from marginface.training.folder.history import add_event
from marginface.training.folder.journal import truncate_journal
from marginface.training.folder.names import CHECKPOINTS, JOURNAL, RECIPE
from marginface.training.folder.names import DATA as DATA_FILE
from marginface.training.loop.failures import Ending
from marginface.training.recipe import Recipe
from marginface.training.recipe.changes import DATA, Change, changes_of, check_changes, check_names
from marginface.training.recipe.file import read_recipe, write_recipe


@dataclass(frozen=True, slots=True)
class Sitting:
    """One time that a process works at a run: from a checkpoint, or from the first step where there is none.

    ``changes`` are of the recipe, ``data_change`` says what of the data, since the sitting before.
    """

    out: Path
    recipe: Recipe
    data: DataRecord
    checkpoint: Checkpoint | None = None
    problems: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    data_change: str = ""

    @property
    def step(self) -> int:
        """Return how many steps are done."""
        return 0 if self.checkpoint is None else self.checkpoint.step

    def notes(self) -> tuple[str, ...]:
        """Return what to tell the person who watches a resumed run."""
        return (*self.problems, f"resumed at step {self.step}", *self.changed())

    def changed(self) -> tuple[str, ...]:
        """Return what is another from this step on, a sentence each."""
        recipe = [f"from step {self.step + 1} on: {change}" for change in self.changes]
        return (*recipe, f"from step {self.step + 1} on: {self.data_change}") if self.data_change else tuple(recipe)


def begin(recipe: Recipe, data: TrainingData, out: Path) -> Sitting:
    """Claim the folder of a new run with its recipe and its data."""
    sitting = Sitting(out, recipe, record_of(data))
    write_recipe(recipe, out / RECIPE)  # from here on it is a run, and --resume goes on with it
    write_record(sitting.data, out)
    return sitting


@contextmanager
def given_back(out: Path, ending: Ending) -> Iterator[None]:
    """Leave the folder of a new run free again where it is refused within, before its first step.

    A batch of more images than there are, say: who corrects the recipe repeats the command.
    """
    try:
        yield
    except (MarginfaceError, OSError):
        if not ending.begun:
            for name in (RECIPE, DATA_FILE, JOURNAL):
                (out / name).unlink(missing_ok=True)
        raise


def reopen(recipe: Recipe, data: TrainingData, out: Path, allowed: Sequence[str]) -> Sitting:
    """Find what a run goes on with; nothing is changed yet.

    Raises:
        CheckpointError: a key that decides numbers is another, or the data is, and neither is allowed.
        RecipeError: what is allowed is no key.
    """
    stored = read_recipe(out / RECIPE)
    check_names(allowed, recipe, stored)
    changes = changes_of(recipe, stored)
    try:
        check_changes(changes, allowed)
    except CheckpointError as error:
        raise CheckpointError(f"{out}: {error}") from None
    checkpoint, problems = newest_checkpoint(out)
    now, before = record_of(data), read_record(out)
    if before is None:  # a run of before there was a data.json: the trainer compares the fingerprints
        return Sitting(out, recipe, now, checkpoint, tuple(problems), tuple(changes))
    change = _data_change(now, before, out, allowed)
    same = None if checkpoint is None else replace(checkpoint, data_fingerprint=now.fingerprint)
    return Sitting(out, recipe, now, same, tuple(problems), tuple(changes), change)


def _data_change(now: DataRecord, before: DataRecord, out: Path, allowed: Sequence[str]) -> str:
    """Return what has changed in the data, if that is allowed; empty if nothing has."""
    if now == before:
        return ""
    what = difference(now, before)
    fits = now.has_identities_of(before)
    if fits and DATA in allowed:
        return f"other data: {what}"
    allow = (
        "Put the data back, or go on with what there is: --allow data"
        if fits
        else "Put the data back, or start a new run in another folder: the class centers are those of the identities"
    )
    raise CheckpointError(f"{out}: the data has changed since the run began: {what}. {allow}.")


def put_down(sitting: Sitting, total_steps: int, *, resumed: bool) -> None:
    """Write down what this sitting trains with, once it is known that it can: history first, so nothing is lost."""
    event: dict[str, Any] = {
        "total_steps": total_steps,
        "marginface": __version__,
        "recipe": sitting.recipe.model_dump(mode="json"),
        "data_fingerprint": sitting.data.fingerprint,
    }
    if not resumed:
        return add_event(sitting.out, "started", 0, event)
    changes = {change.key: [change.stored, change.given] for change in sitting.changes}
    add_event(sitting.out, "resumed", sitting.step, {**event, "changes": changes, "data_change": sitting.data_change})
    if sitting.changes:
        write_recipe(sitting.recipe, sitting.out / RECIPE)
    write_record(sitting.data, sitting.out)
    truncate_journal(sitting.out / JOURNAL, sitting.step, sitting.changed())
    for left in sitting.out.glob(".*.part"):  # of a process that was killed while it wrote
        left.unlink()
    return _set_aside(sitting)


def _set_aside(sitting: Sitting) -> None:
    """Rename checkpoints of later steps: they are damaged, and would count as the newest when old ones are deleted."""
    for folder in (sitting.out / CHECKPOINTS).glob("step-*"):
        if sitting.checkpoint is None or folder.name > sitting.checkpoint.folder.name:
            aside = folder.with_name(f"damaged-{folder.name}")
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
