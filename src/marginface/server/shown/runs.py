"""The training runs that a service shows: those below one folder, each by an opaque id; no path of the machine.

A file of a run may be a link to another one below the folder. One that leads out is not read, and its run is told as
unreadable: who can write into the folder must not show what the service alone can read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginface.errors import DataError, MarginfaceError, UnknownName
from marginface.files import is_inside
from marginface.server.shown.files import opaque_id, place_below, read_shown, readable, without_root
from marginface.training.folder.lock import LOCK
from marginface.training.folder.names import DATA, HISTORY, JOURNAL, MANIFEST, RECIPE, REPORT
from marginface.training.folder.state import CurvePoint, RunFolder, find_runs, open_run

READ = (RECIPE, JOURNAL, HISTORY, DATA, MANIFEST, LOCK)  # by open_run, and by who asks a RunFolder
_MOST_RECIPE, _MOST_REPORT, _MOST_JOURNAL = 1 << 20, 64 << 20, 1 << 28  # bytes


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run below the folder: its id, and where it is below it."""

    root: Path
    path: Path

    @property
    def folder(self) -> str:
        """Where it is below the folder that is shown; its own name if it is that folder."""
        return place_below(self.root, self.path)

    @property
    def id(self) -> str:
        """An id that stays as long as the folder stays where it is."""
        return opaque_id("r", self.folder)

    @property
    def has_report(self) -> bool:
        """Whether its page is there, and no link to a file elsewhere."""
        report = self.path / REPORT
        return report.is_file() and is_inside(self.root, report)

    def to_dict(self) -> dict[str, Any]:
        """Return how far it is, as plain values; a run that cannot be read is told with the reason."""
        try:
            told = self._opened().to_dict()
        except MarginfaceError as error:
            told = {"state": "unreadable", "message": str(error)}
        return {**told, **self._place()}

    def describe(self) -> dict[str, Any]:
        """Return all that a run folder says of itself, besides its curve.

        Raises:
            MarginfaceError: It cannot be read.
        """
        run = self._opened()
        return {
            **run.to_dict(),
            **self._place(),
            "recipe": read_shown(self.root, self.path / RECIPE, _MOST_RECIPE).decode(errors="replace"),
            "checkpoints": [{"name": name, "bytes": size} for name, size in run.checkpoints()],
            "events": [_event(event) for event in run.history],
            "notes": run.notes,
            "fingerprint": run.fingerprint(self._content),
        }

    def journal(self, after: int, points: int) -> dict[str, Any]:
        """Return the curve after a step, at so many points at most besides those where it was evaluated."""
        run = self._opened()
        curve = run.curve(run.steps_after(after, points), after=after)
        return {
            "state": run.state,
            "step": run.step,
            "total_steps": run.total_steps,
            "points": [_point(point) for point in curve],
        }

    def report(self) -> bytes:
        """Return its page.

        Raises:
            UnknownName: It has none.
        """
        if not self.has_report:
            raise UnknownName(f"run {self.folder!r} has no report yet: it is written when the run finishes")
        return read_shown(self.root, self.path / REPORT, _MOST_REPORT)

    def _opened(self) -> RunFolder:
        """Read the run.

        Raises:
            DataError: It cannot be read, or a file of it leads out of the folder that is shown.
        """
        for path in (self.path / name for name in READ):
            name = readable(place_below(self.root, path))
            if path.is_symlink() and not is_inside(self.root, path):
                raise DataError(
                    f"{name}: it is a link that leads out of the folder of runs, and only what is in there is shown. "
                    "Put the file itself there"
                )
            if path.exists() and not path.is_file():
                raise DataError(f"{name}: expected a file of a run; got something else, as a folder or a pipe")
        try:
            return open_run(self.path, self._content)
        except MarginfaceError as error:
            raise DataError(without_root(self.root, str(error))) from None

    def _content(self, path: Path) -> bytes:
        return read_shown(self.root, path, _MOST_JOURNAL)

    def _place(self) -> dict[str, Any]:
        return {"run": self.id, "folder": readable(self.folder), "has_report": self.has_report}


def shown_runs(root: Path) -> Iterator[ShownRun]:
    """Yield the runs at and below a folder, sorted by where they are."""
    return (ShownRun(root, path) for path in find_runs([root]))


def shown_run(root: Path, run_id: str) -> ShownRun:
    """Return a run by its id; raise UnknownName if there is none."""
    for run in shown_runs(root):
        if run.id == run_id:
            return run
    raise UnknownName("there is no run of this id; GET /v1/runs lists those that are there")


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event.get(name) for name in ("event", "step", "time", "message")}


def _point(point: CurvePoint) -> dict[str, Any]:
    loss = None if point.loss != point.loss else point.loss
    values = {"train_accuracy": point.train_accuracy, "held_out": point.held_out}
    return {"step": point.step, "loss": loss, **values}
