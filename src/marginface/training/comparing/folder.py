"""The folder of a comparison or a sweep as it is now, for those who look: no torch, and it may be running.

DIR/recipe.toml and a folder VARIANT/seed-N for each training (jobs.py); its tables come when all are done,
or at Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginface.documents import parse_json
from marginface.files import folders_below, is_hidden, is_inside, read_inside
from marginface.training.folder.lock import LOCK, holder
from marginface.training.folder.names import OUTCOME, RECIPE, RUN
from marginface.training.folder.state import is_run

ENDS = frozenset({"finished", "diverged", "failed"})
_STATES = ENDS | {"waiting", "interrupted"}
_JOBS = f"*/seed-*/{RECIPE}"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ComparedJob:
    """A training of a comparison: ``state`` is waiting, running, interrupted, finished, diverged or failed."""

    variant: str
    seed: str
    state: str
    message: str
    run: Path

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in ENDS


@dataclass(frozen=True, slots=True)
class ComparisonFolder:
    """What the folder of a comparison says; ``work`` is what runs there now, as ``compare``, empty if nothing."""

    path: Path
    work: str
    jobs: tuple[ComparedJob, ...]

    @property
    def done(self) -> int:
        """Return how many trainings have ended."""
        return sum(job.has_ended for job in self.jobs)


def find_comparisons(root: Path) -> Iterator[ComparisonFolder]:
    """Yield the comparisons at and below a folder; a link to a folder is not followed.

    Args:
        root: As Path.resolve() gives it; nothing outside is read.
    """
    for folder in folders_below(root, is_hidden, _has_recipe):
        if not _has_recipe(folder) or is_run(folder):
            continue
        places = [path for path in sorted(folder.glob(_JOBS)) if is_inside(root, path)]
        if places:
            yield ComparisonFolder(folder, work_in(root, folder), tuple(_job(root, path.parent) for path in places))


def _has_recipe(folder: Path) -> bool:
    try:
        return (folder / RECIPE).is_file()
    except OSError:  # it may be listed and not entered
        return False


def work_in(root: Path, folder: Path) -> str:
    """Return what runs in a folder now, as ``compare`` or ``suite``; empty: nothing."""
    if not is_inside(root, folder / LOCK):
        return ""
    try:
        found = holder(folder)
    except OSError:  # of somebody else: may be read and not locked
        return ""
    return "" if found is None else found.work


def _job(root: Path, folder: Path) -> ComparedJob:
    told = _outcome(root, folder / OUTCOME)
    state = str(told.get("status"))
    state = state if state in _STATES else "waiting"
    if state not in ENDS and work_in(root, folder):
        state = "running"
    message = str(told.get("message") or "")
    return ComparedJob(folder.parent.name, folder.name.removeprefix("seed-"), state, message, folder / RUN)


def _outcome(root: Path, path: Path) -> dict[str, Any]:
    """Return what came of a training; nothing where it has not ended, or what is there cannot be read."""
    try:
        told = parse_json(read_inside(root, path, most=_MOST_BYTES))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
