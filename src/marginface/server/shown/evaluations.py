"""The evaluations that a service shows, by opaque ids: suites, comparisons and files of numbers below one folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marginface.errors import InputError, UnknownName
from marginface.evaluation.browse import KIND_NAMES, Evaluation, Part, find_evaluations
from marginface.files import is_inside
from marginface.server.shown.files import opaque_id, place_below, read_shown, readable, without_root
from marginface.server.shown.runs import ShownRun
from marginface.training.comparing.folder import ComparedJob, ComparisonFolder, find_comparisons, work_in
from marginface.training.folder.state import is_run

MOST_BYTES = 64 << 20  # of a page or a table
_COMPARED = ("comparison", "sweep")
_HEADLINES = 12  # figures in a listing


@dataclass(frozen=True, slots=True)
class ShownEvaluation:
    """An evaluation below the folder; ``comparison`` is its folder of trainings, None where there is none."""

    root: Path
    found: Evaluation
    comparison: ComparisonFolder | None = None

    @property
    def path(self) -> Path:
        """Where it is: a folder, or a file of numbers."""
        return self.found.path if self.comparison is None else self.comparison.path

    @property
    def place(self) -> str:
        """Where it is below the folder that is shown; its own name if it is that folder."""
        return place_below(self.root, self.path)

    @property
    def id(self) -> str:
        """An id that stays as long as it stays where it is; of stopped trainings nobody knows whether they swept."""
        kind = self.found.kind if self.comparison is None else _COMPARED[0]
        return opaque_id("v", f"{kind}|{self.place}")

    @property
    def state(self) -> str:
        """Whether it is running, finished, stopped before its end, or unreadable."""
        if self.found.message:
            return "unreadable"
        if self.comparison is not None:
            ended = self.comparison.done == len(self.comparison.jobs) and bool(self.found.parts)
            return "running" if self.comparison.work else "finished" if ended else "stopped"
        if self.found.kind != "suite":
            return "finished"
        return "running" if work_in(self.root, self.path) else "finished" if self.found.is_whole else "stopped"

    def to_dict(self) -> dict[str, Any]:
        """Return how far it is and its first figures, as plain values."""
        parts, trainings = self.found.parts, self.comparison
        return {
            "evaluation": self.id,
            "place": readable(self.place),
            "kind": self.found.kind,
            "name": readable(self.found.name),
            "model": self.found.model,
            "state": self.state,
            "message": without_root(self.root, self.found.message),
            "done": self.found.done if trainings is None else trainings.done,
            "total": len(parts) if trainings is None else len(trainings.jobs),
            "headline": [row for part in parts for row in _headline(part)][:_HEADLINES],
            "has_report": self.found.report.is_file() and is_inside(self.root, self.found.report),
            "age_seconds": round(time.time() - self.found.changed, 1) if self.found.changed else None,
        }

    def describe(self) -> dict[str, Any]:
        """Return all that is known of it."""
        trainings = () if self.comparison is None else self.comparison.jobs
        tables = self.found.tables(self.root)
        return {
            **self.to_dict(),
            "parts": [self._part(part) for part in self.found.parts],
            "tables": [
                {"table": name, "file": readable(path.name), "bytes": path.stat().st_size}
                for name, path in tables.items()
            ],
            "trainings": [self._training(job) for job in trainings],
        }

    def report(self) -> bytes:
        """Return its page.

        Raises:
            UnknownName: It has none.
        """
        path = self.found.report
        if not path.is_file() or not is_inside(self.root, path):
            raise UnknownName(f"{self.place!r} has no page beside it: {_how_a_page_comes(self.found.kind)}")
        return read_shown(self.root, path, MOST_BYTES)

    def table(self, name: str) -> tuple[str, bytes]:
        """Return one of its tables, with the name of the file.

        Raises:
            UnknownName: It has no such table.
        """
        path = self.found.tables(self.root).get(name)
        if path is None:
            raise UnknownName(f"{self.place!r} has no table as {name}; those it has are listed with it")
        return path.name, read_shown(self.root, path, MOST_BYTES)

    def _part(self, part: Part) -> dict[str, Any]:
        """Return a protocol; of a killed suite none is running, whatever its file says."""
        told = part.to_dict()
        return {**told, "state": "stopped"} if part.state == "running" and self.state != "running" else told

    def _training(self, job: ComparedJob) -> dict[str, Any]:
        run = ShownRun(self.root, job.run).id if is_run(job.run) else None
        message = without_root(self.root, job.message)
        return {"variant": job.variant, "seed": job.seed, "state": job.state, "message": message, "run": run}


def shown_evaluations(root: Path, kind: str | None = None) -> list[ShownEvaluation]:
    """Return the evaluations at and below a folder, by kind, then by where they are; of one kind if it is given."""
    if not root.is_dir():
        raise InputError("the folder of runs is gone: see --runs, with which the service was started")
    shown = sorted(_shown(root), key=lambda one: (KIND_NAMES.index(one.found.kind), one.place))
    return [one for one in shown if kind in (None, one.found.kind)]


def shown_evaluation(root: Path, evaluation_id: str) -> ShownEvaluation:
    """Return an evaluation by its id; raise UnknownName if there is none."""
    for one in _shown(root):
        if one.id == evaluation_id:
            return one
    raise UnknownName("there is no evaluation of this id; GET /v1/evaluations lists those that are there")


def _shown(root: Path) -> Iterator[ShownEvaluation]:
    trainings = {one.path: one for one in find_comparisons(root)}
    with_tables: set[Path] = set()
    for found in find_evaluations(root):
        folder = trainings.get(found.path.parent) if found.kind in _COMPARED else None
        if folder is not None:
            with_tables.add(folder.path)
        yield ShownEvaluation(root, found, folder)
    for path, folder in trainings.items():
        if path not in with_tables:
            yield ShownEvaluation(root, _without_tables(folder), folder)


def _without_tables(folder: ComparisonFolder) -> Evaluation:
    """Return a comparison whose tables are not written yet."""
    kind = "sweep" if folder.work == "sweep" else "comparison"
    name = " ".join(dict.fromkeys(job.variant for job in folder.jobs))
    return Evaluation(folder.path, kind, name)


def _headline(part: Part) -> Sequence[dict[str, Any]]:
    return [{"protocol": part.name, **figure.to_dict()} for figure in part.figures[: part.headline]]


def _how_a_page_comes(kind: str) -> str:
    if kind in ("suite", *_COMPARED):
        return "it is written when all is done"
    return "the command that wrote it writes one with --report, if that has the same name as the file of --out"
