"""A CSV file of similarities → every number of a verification table, without a model.

One line is a comparison. Columns: ``score`` (higher: more alike) and ``genuine`` (1 or true, 0 or false); if they are
there, ``fold`` (numbers from 0), ``identity_a`` and ``identity_b`` (who is on the two images) or ``identity`` (who the
probe is), and ``slice`` or other columns that divide the pairs.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from marginface.documents import whole_number
from marginface.errors import DataError, InputError
from marginface.evaluation.protocols.pairs import PairResult, identities_by_folder
from marginface.evaluation.scoring.scores import USUAL_FARS, curve_values, tar_values
from marginface.evaluation.scoring.slices import Slices, slice_rates, strictest
from marginface.files import write_text
from marginface.markup import plain_cell
from marginface.metrics import (
    FoldedAccuracy,
    Interval,
    PeopleOfPairs,
    TarAtFar,
    auc,
    auc_interval,
    eer_interval,
    equal_error_rate,
    supports_far,
    tar_intervals,
    tars_at_fars,
    threshold_accuracy,
    wilson_interval,
)
from marginface.metrics.roc import FarRule
from marginface.registry import near_names
from marginface.values import BoolArray, DoubleArray, IntArray
from marginface.words import cause

_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no"}
_PEOPLE = (("identity_a", "identity_b"), ("identity",))


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Comparisons: ``scores`` (P,), ``genuine`` (P,), ``fold`` (P,) or None, who is on them or None, other columns."""

    scores: DoubleArray
    genuine: BoolArray
    fold: IntArray | None
    people: PeopleOfPairs | None
    columns: Mapping[str, tuple[str, ...]]


def write_scores(result: PairResult, path: Path) -> None:
    """Write the similarities of a protocol, so that read_scores gives them back: a line is a pair.

    The file is there whole or not at all.
    """
    people = identities_by_folder(result.pairs)
    images = result.short_names()
    head = [
        "score",
        "genuine",
        "fold",
        "image_a",
        "image_b",
        *(["identity_a", "identity_b"] if people is not None else []),
    ]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    pairs = result.pairs
    for score, genuine, fold, a, b in zip(
        result.similarities, pairs.genuine, pairs.fold, pairs.first, pairs.second, strict=True
    ):
        who = [] if people is None else [people[a], people[b]]
        names = (plain_cell(images[place]) for place in (a, b))
        writer.writerow([repr(float(score)), int(genuine), fold, *names, *who])
    write_text(path, text.getvalue())


def read_scores(path: Path) -> ScoreTable:
    """Read a score file.

    Raises:
        DataError: it is no CSV with the columns score and genuine, or a value is none; the line is named.
    """
    columns, lines = _columns(path)

    def values(name: str, kind: type, read: Callable[[Path, int, str], object]) -> Any:
        texts = zip(lines, columns.pop(name), strict=True)
        return np.fromiter((read(path, line, text) for line, text in texts), kind, len(lines))

    scores, genuine = values("score", np.float64, _number), values("genuine", bool, _truth)
    folds = values("fold", np.int64, _count) if "fold" in columns else None
    people = _people(path, columns, genuine, lines)
    rest = {name: tuple(values) for name, values in columns.items()}
    return ScoreTable(scores, genuine, folds, people, rest)


def _columns(path: Path) -> tuple[dict[str, list[str]], Sequence[int]]:
    """Return the texts of each column and the line of each comparison; equal texts are one, for there are millions."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            head = [name.strip().lower() for name in next(reader, [])]
            if not {"score", "genuine"} <= set(head):
                got = ", ".join(head) or "an empty file"
                raise DataError(f"{path}: expected the columns score and genuine; got {got}")
            if twice := sorted(name for name in set(head) if name and head.count(name) > 1):
                raise DataError(f"{path}: expected columns of different names; got {twice[0]!r} twice")
            found: list[list[str]] = [[] for _ in head]
            lines, known = array("q"), dict[str, str]()
            for row in filter(None, reader):
                if len(row) != len(head):
                    got = f"line {reader.line_num} with {len(row)}"
                    raise DataError(f"{path}: expected lines of {len(head)} values; got {got}")
                lines.append(reader.line_num)
                for name, texts, text in zip(head, found, map(str.strip, row), strict=True):
                    texts.append(text if name == "score" else known.setdefault(text, text))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: expected a CSV file of scores; got {cause(error)}") from None
    if not lines:
        raise DataError(f"{path}: expected lines of {len(head)} values; got no comparisons")
    return dict(zip(head, found, strict=True)), lines


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise DataError(f"{path}:{line}: a score is a finite number; got {text!r}")
    return value


def _truth(path: Path, line: int, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise DataError(f"{path}:{line}: genuine is 1 or true, 0 or false; got {text!r}")
    return text.lower() in _TRUE


def _count(path: Path, line: int, text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise DataError(f"{path}:{line}: a fold is a number from 0; got {text!r}")
    return number


def _people(
    path: Path, columns: dict[str, list[str]], genuine: BoolArray, lines: Sequence[int]
) -> PeopleOfPairs | None:
    """Take the identity columns out and return who is on the pairs."""
    names = next((names for names in _PEOPLE if all(name in columns for name in names)), None)
    if names is None:
        return None
    found = [columns.pop(name) for name in names]
    code = {name: number for number, name in enumerate(sorted(set().union(*found)))}
    codes = [np.fromiter((code[name] for name in column), np.int64, len(column)) for column in found]
    if len(found) == 1:
        return PeopleOfPairs(codes[0][genuine], codes[0][~genuine], np.full(int((~genuine).sum()), -1))
    one, other = codes
    try:
        return PeopleOfPairs.of(one, other, genuine)
    except InputError:
        differ = np.flatnonzero((one == other) != genuine)[0]
        raise DataError(
            f"{path}:{lines[differ]}: genuine says {'the same person' if genuine[differ] else 'two people'}, "
            f"identity_a and identity_b are {found[0][differ]!r} and {found[1][differ]!r}"
        ) from None


@dataclass(frozen=True, slots=True, eq=False)
class ScoreResult:
    """What a table of scores comes to. ``accuracy`` is None without folds, ``intervals`` without people.

    ``curve_intervals`` are of AUC and EER.
    """

    table: ScoreTable
    accuracy: FoldedAccuracy | None
    auc: float
    eer: float
    curve_intervals: tuple[Interval, Interval]
    tar_at_far: tuple[TarAtFar, ...]
    intervals: tuple[Interval, ...] | None
    slices: tuple[Slices, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "pairs": len(self.table.scores),
            "genuine_pairs": int(self.table.genuine.sum()),
            "impostor_pairs": int((~self.table.genuine).sum()),
            **self._accuracy(),
            **curve_values(self.auc, self.eer, self.curve_intervals),
            "tar_at_far": tar_values(self.tar_at_far, self.intervals),
            "slices": [one.to_dict() for one in self.slices],
        }

    def _accuracy(self) -> dict[str, Any]:
        if self.accuracy is None:
            return {"accuracy_mean": None}
        right = int((self.accuracy.accepted == self.table.genuine).sum())
        return {
            "accuracy_mean": self.accuracy.mean,
            "accuracy_std": self.accuracy.std,
            "accuracy_interval": wilson_interval(right, len(self.table.scores)).to_list(),
            "accuracy_threshold": self.accuracy.threshold,
        }


def score_table(
    table: ScoreTable,
    *,
    fars: Sequence[float] | None = None,
    rule: FarRule = "at_most",
    slices: Sequence[str] | None = None,
) -> ScoreResult:
    """Score a table: TAR at the usual FARs that it supports, or at those asked for; slices at the smallest of them.

    The accuracy needs folds and any scale will do: the threshold of a fold is the best one of the other folds, of those
    halfway between two scores.

    Raises:
        InputError: comparisons of one kind only, a FAR that is not supported, or a slice that is no column or has no
            FAR to be judged at.
    """
    if table.genuine.all() or not table.genuine.any():
        raise InputError(f"genuine and impostor comparisons are needed; all {len(table.genuine):,} are of one kind")
    same, different = table.scores[table.genuine], table.scores[~table.genuine]
    wanted = [far for far in USUAL_FARS if supports_far(len(different), far)] if fars is None else list(fars)
    points = tars_at_fars(same, different, wanted, rule)
    columns = _slice_columns(table, slices)
    if columns and not points:
        raise InputError(
            f"slices are judged at the threshold of an FMR: {1 / USUAL_FARS[0]:.0f} impostor comparisons or more are "
            f"needed, or an FMR that {len(different)} can support (--far); got neither"
        )
    at = strictest(points).threshold if points else np.inf
    return ScoreResult(
        table=table,
        accuracy=None if table.fold is None else threshold_accuracy(table.scores, table.genuine, table.fold),
        auc=auc(same, different),
        eer=equal_error_rate(same, different),
        curve_intervals=(auc_interval(same, different, table.people), eer_interval(same, different, table.people)),
        tar_at_far=points,
        intervals=None if table.people is None else tar_intervals(same, different, table.people, wanted, rule),
        slices=tuple(slice_rates(table.scores, table.genuine, name, table.columns[name], at) for name in columns),
    )


def _slice_columns(table: ScoreTable, asked: Sequence[str] | None) -> Sequence[str]:
    if asked is None:
        return ["slice"] if "slice" in table.columns else []
    for name in asked:
        if name not in table.columns:
            known = list(table.columns)
            raise InputError(f"no column {name!r} to slice by. {near_names(name, known)}Columns: {', '.join(known)}")
    return asked
