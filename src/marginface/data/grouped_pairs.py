r"""Verification pairs by group: RFW with a list for each group, BFW with a table of all.

RFW, as published, without a first line in its lists (a list of LFW's layout with one is read too):

    txts/African/African_pairs.txt     "m.0abc 1 2" or "m.0abc 1 m.0xyz 3", separated by tabs: ten times 300 genuine
                                       and 300 impostor pairs; where genuine pairs begin again a fold begins
    data/African/m.0abc/m.0abc_0001.jpg

BFW is a CSV file of a pair a line; paths are below a folder of images, and pairs of two groups are a group "a × b":

    fold,p1,p2,label,att1,att2         1,asian_females/n000009/0010_01.jpg,asian_females/n000009/0043_01.jpg,1,…

``att`` is the subgroup of sex and ethnicity, ``g`` the sex, ``e`` the ethnicity: columns att1 and att2, g1 and g2 …
Other files of that layout are read as well. What a group is called is the data set's word.

Sources: Wang et al., "Racial Faces in the Wild", ICCV 2019, arXiv:1812.00194; Robinson et al., "Face recognition: too
bias, or not too bias?", CVPR Workshops 2020, arXiv:2002.06483.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from marginface.data.binpack import FOLDS
from marginface.data.pairs import build_pairs, check_present, find_images, pair_of_line, read_text_lines
from marginface.errors import DataError, InputError
from marginface.values import BoolArray, IntArray, Pairs, frozen


@dataclass(frozen=True, slots=True, eq=False)
class GroupedPairs:
    """Pairs, the group of each (P,), whose the images are (N,) in numbers, and the folder that the images are below."""

    pairs: Pairs
    groups: tuple[str, ...]
    people: IntArray
    root: Path

    def __post_init__(self) -> None:
        if len(self.groups) != len(self.pairs) or len(self.people) != len(self.pairs.images):
            raise DataError(
                f"{self.pairs.protocol}: a group for each pair and a person for each image are needed; got "
                f"{len(self.groups):,} for {len(self.pairs):,} and {len(self.people):,} for {len(self.pairs.images):,}"
            )
        object.__setattr__(self, "people", frozen(self.people))


def read_rfw(root: Path) -> GroupedPairs:
    """Read RFW: ``txts`` and ``data`` below root, or below its folder test.

    Raises:
        DataError: a folder, a list or an image is missing, or a list is not in its layout.
    """
    base = next((place for place in (root, root / "test") if (place / "txts").is_dir()), root)
    lists = sorted(base.glob("txts/*/*_pairs.txt"))
    if not lists:
        raise DataError(f"{root}: expected RFW, lists such as txts/African/African_pairs.txt; got none")
    pairs: list[tuple[str, str]] = []
    genuine: list[bool] = []
    folds: list[int] = []
    groups: list[str] = []
    for path in lists:
        group = path.parent.name
        lines = _list_lines(path)
        pairs += [(f"{group}/{first}", f"{group}/{second}") for first, second, _ in lines]
        genuine += [same for _, _, same in lines]
        folds += _folds_of_runs(path, [same for _, _, same in lines])
        groups += [group] * len(lines)
    names = sorted({name for pair in pairs for name in pair})
    built = build_pairs("RFW", pairs, _rfw_images(base / "data", names), genuine, folds)
    return GroupedPairs(built, tuple(groups), _people([name.rpartition("/")[0] for name in names]), base / "data")


def _rfw_images(data: Path, names: list[str]) -> dict[str, Path]:
    """Return the path of each group/person/person_0001."""
    if not data.is_dir():
        raise DataError(f"{data}: not there; RFW has its images in data/GROUP/PERSON/PERSON_0001.jpg beside txts")
    return find_images(data, names)


def _list_lines(path: Path) -> list[tuple[str, str, bool]]:
    lines = [(number, line) for number, line in enumerate(read_text_lines(path), 1) if line.strip()]
    if lines and all(word.isdecimal() for word in lines[0][1].split()):
        lines = lines[1:]  # "10 300", as LFW has it
    if not lines:
        raise DataError(f"{path}: expected lines 'm.0abc 1 2' or 'm.0abc 1 m.0xyz 3'; got none")
    return [pair_of_line(path, number, line) for number, line in lines]


def _folds_of_runs(path: Path, genuine: Sequence[bool]) -> list[int]:
    """Return the fold of each pair: one begins with the first pair and wherever a genuine pair follows another kind."""
    same = np.asarray(genuine)
    begins = same & ~np.concatenate([[True], same[:-1]])
    folds = np.cumsum(begins)
    if not same[0] or same.all() or folds[-1] < 1:
        raise DataError(
            f"{path}: expected folds of genuine pairs and then impostor pairs, two folds or more; got "
            f"{int(same.sum()):,} genuine of {len(same):,} pairs in {int(folds[-1]) + 1} fold(s)"
        )
    return [int(fold) for fold in folds]


def read_bfw(root: Path, table: Path, by: str = "att") -> GroupedPairs:
    """Read BFW: a CSV file of pairs whose images are below root.

    Args:
        root: of the images.
        table: the CSV file: columns p1, p2, label and those of the groups; fold, or ten folds by turns without it.
        by: the groups, of the columns BY1 and BY2.

    Raises:
        DataError: it is no such file, a line has no such values, or an image is missing.
        InputError: no such groups.
    """
    rows = _table_rows(table, by)
    genuine = _labels(table, rows[2])
    names = {name: place for place, name in enumerate(sorted({*rows[0], *rows[1]}))}
    first, second = (np.fromiter((names[name] for name in column), np.int64, len(column)) for column in rows[:2])
    people = _people([name.rpartition("/")[0] for name in names])
    wrong = np.flatnonzero((people[first] == people[second]) != genuine)
    if len(wrong):
        line = int(wrong[0])
        raise DataError(
            f"{table}: {len(wrong):,} pairs have a label that their folders do not bear out, such as {rows[0][line]} "
            f"and {rows[1][line]} with label {rows[2][line]}; a folder is a person"
        )
    images = tuple(root / name for name in names)
    check_present(root, [name for name, path in zip(names, images, strict=True) if not path.is_file()], len(names),
                  f"the paths of {table.name}")  # fmt: skip
    pairs = Pairs(table.stem, images, first, second, genuine, _table_folds(rows[3]))
    groups = tuple(
        one if one == other else " × ".join(sorted((one, other))) for one, other in zip(*rows[4:], strict=True)
    )
    return GroupedPairs(pairs, groups, people, root)


def _table_rows(table: Path, by: str) -> list[list[str]]:
    """Return the columns p1, p2, label, fold, BY1, BY2."""
    wanted = ["p1", "p2", "label", "fold", f"{by}1", f"{by}2"]
    columns: list[list[str]] = [[] for _ in wanted]
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            head = next(lines, [])
            places = _places(table, head, wanted, by)
            for line in filter(None, lines):
                if len(line) != len(head):
                    raise DataError(f"{table}:{lines.line_num}: expected {len(head)} values; got {len(line)}")
                for column, place in zip(columns, places, strict=True):
                    column.append(line[place] if place >= 0 else str(len(column) % FOLDS))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: expected a CSV file of pairs; got {error}") from None
    if not columns[0]:
        raise DataError(f"{table}: expected a pair a line; got none")
    return columns


def _places(table: Path, head: list[str], wanted: list[str], by: str) -> list[int]:
    if {"p1", "p2", "label"} - set(head):
        raise DataError(f"{table}: expected the columns p1, p2 and label; got {', '.join(head)}")
    kinds = [name[:-1] for name in head if name.endswith("1") and f"{name[:-1]}2" in head and name != "p1"]
    if by not in kinds:
        raise InputError(f"{table} has no groups {by!r}, that is columns {by}1 and {by}2; it has {', '.join(kinds)}")
    return [head.index(name) if name in head else -1 for name in wanted]


def _labels(table: Path, labels: list[str]) -> BoolArray:
    kinds = {"1": True, "0": False, "1.0": True, "0.0": False}
    other = next((label for label in labels if label not in kinds), None)
    if other is not None:
        raise DataError(f"{table}: a label is 1 (same person) or 0; got {other!r}")
    return np.array([kinds[label] for label in labels], dtype=bool)


def _table_folds(folds: list[str]) -> IntArray:
    """Return folds from 0, in the order of their names."""
    return np.unique(folds, return_inverse=True)[1].astype(np.int64)


def _people(folders: list[str]) -> IntArray:
    """Return whose images are, by folder, in numbers."""
    return np.unique(folders, return_inverse=True)[1].astype(np.int64)
