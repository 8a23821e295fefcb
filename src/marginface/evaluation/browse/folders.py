"""The evaluations below a folder: a suite is a folder, everything else a file of numbers with what lies beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from marginface.errors import MarginfaceError
from marginface.evaluation.browse.numbers import MOST_BYTES, read_numbers
from marginface.evaluation.browse.suites import read_suite_folder, stamp_of
from marginface.evaluation.kinds import KINDS, Part
from marginface.evaluation.suite.progress import PROGRESS
from marginface.files import folders_below, is_hidden, is_inside

UNREADABLE = "unreadable"
KIND_NAMES: tuple[str, ...] = (*KINDS, UNREADABLE)  # in the order of listings
_RESULTS, _REPORT = "results", "report.html"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation below a folder.

    Attributes:
        path: The folder of a suite; of others the file of numbers.
        kind: One of KIND_NAMES.
        name: Of the suite, or of the protocols.
        model: What was measured; empty: several, or not said.
        parts: Its protocols.
        stem: Where its tables are, but for the suffix; none: it has none yet, or cannot be read.
        report: Its page, whether or not it is there.
        changed: When it was written last, in seconds since 1970.
        message: Why it cannot be read; empty: it can.
        of_suite: It is a protocol of the suite in its folder.
    """

    path: Path
    kind: str
    name: str = ""
    model: str = ""
    parts: tuple[Part, ...] = ()
    stem: Path = Path()
    report: Path = Path()
    changed: float = 0.0
    message: str = ""
    of_suite: bool = False

    @property
    def done(self) -> int:
        """Return how many protocols are done."""
        return sum(part.state == "done" for part in self.parts)

    @property
    def is_whole(self) -> bool:
        """Say whether all of it is done, the tables of all included."""
        return self.done == len(self.parts) and self._table("json").is_file()

    def tables(self, root: Path) -> dict[str, Path]:
        """Return its tables by suffix: those that are there, and in the folder that is shown."""
        if not self.stem.name:
            return {}
        suffixes = KINDS[self.kind].tables or (self.path.suffix[1:],)
        places = {suffix: self._table(suffix) for suffix in suffixes}
        return {suffix: path for suffix, path in places.items() if path.is_file() and is_inside(root, path)}

    def _table(self, suffix: str) -> Path:
        return self.stem.with_name(f"{self.stem.name}.{suffix}")


def find_evaluations(root: Path) -> list[Evaluation]:
    """Return the evaluations at and below a folder, by kind, then by where they are.

    A link to a folder is not followed; what cannot be read is told with its reason.

    Args:
        root: As Path.resolve() gives it.
    """
    return sorted(_below(root), key=lambda one: (KIND_NAMES.index(one.kind), one.path))


def _below(root: Path) -> Iterator[Evaluation]:
    for folder in folders_below(root, is_hidden):
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if _may_be_numbers(entry))
        except OSError:  # gone meanwhile
            continue
        yield from _here(root, folder, names)


def _may_be_numbers(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.name.endswith((".json", ".toml")) and entry.is_file() and entry.stat().st_size <= MOST_BYTES
    except OSError:
        return False


def _here(root: Path, folder: Path, names: Sequence[str]) -> Iterator[Evaluation]:
    """Yield what a folder holds itself; the protocols of its suite are told with the suite."""
    found = [one for name in names if name != PROGRESS and (one := _numbers(root, folder / name)) is not None]
    if PROGRESS in names:
        yield _suite(root, folder)
        found = [one for one in found if not one.of_suite and one.kind != "suite"]
    elif any(one.kind == "suite" for one in found):
        found = [one for one in found if not one.of_suite]
    alone = len(found) == 1
    yield from (_with_report(one, folder / _REPORT) if alone else one for one in found)


def _with_report(one: Evaluation, report: Path) -> Evaluation:
    """Return an evaluation that is alone in its folder: a page there that has another name is its own."""
    return one if one.report.is_file() or not report.is_file() else replace(one, report=report)


def _numbers(root: Path, path: Path) -> Evaluation | None:
    try:
        stamp = stamp_of(path)
        found = read_numbers(root, path, stamp)
    except OSError:  # gone meanwhile
        return None
    except MarginfaceError as error:
        return Evaluation(path, UNREADABLE, path.stem, message=str(error))
    if found is None:
        return None
    is_suite = found.kind == "suite"
    where = path.parent if is_suite else path
    return Evaluation(
        path=where,
        kind=found.kind,
        name=where.name if is_suite else found.name,
        model=found.model,
        parts=found.parts,
        stem=path.with_suffix(""),
        report=path.with_name(_REPORT) if is_suite else path.with_suffix(".html"),
        changed=stamp[0] / 1e9,
        of_suite=found.of_suite,
    )


def _suite(root: Path, folder: Path) -> Evaluation:
    stem, report = folder / _RESULTS, folder / _REPORT
    try:
        places = (folder / PROGRESS, stem.with_suffix(".json"))
        changed = max((stamp_of(path)[0] for path in places if path.exists()), default=0)  # none: gone meanwhile
        name, model, parts = read_suite_folder(root, folder)
    except (MarginfaceError, OSError) as error:
        return Evaluation(folder, UNREADABLE, folder.name, message=str(error))
    return Evaluation(folder, "suite", name, model, parts, stem, report, changed / 1e9)
