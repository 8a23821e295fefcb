r"""BFW, Balanced Faces in the Wild: a CSV file of a pair a line, and images of eight groups.

    fold,p1,p2,label,id1,id2,att1,att2,…,g1,g2,e1,e2
    1,asian_females/n000009/0010_01.jpg,asian_females/n000009/0043_01.jpg,1,0,0,asian_females,asian_females,…

Paths are below a folder of images. ``att`` is the subgroup of sex and ethnicity, ``g`` the sex, ``e`` the ethnicity:
columns att1 and att2, g1 and g2, e1 and e2. Pairs of two groups are a group of their own, "a × b". The person of an
image is its folder. Other files of that layout are read as well: without folds they get ten, by turns; where a folder
is no person id1 and id2 say who is. What a group is called is the data set's word.

Source: Robinson et al., "Face recognition: too bias, or not too bias?", CVPR Workshops 2020, arXiv:2002.06483.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from marginface.data.pairs.binpack import FOLDS
from marginface.data.pairs.grouped import GroupedPairs, folders, numbered
from marginface.data.pairs.lists import check_present
from marginface.errors import DataError, InputError
from marginface.files import is_file, listed_path
from marginface.values import BoolArray, IntArray, Pairs
from marginface.words import cause

_LABELS = {"1": True, "0": False, "1.0": True, "0.0": False}
_Columns = Mapping[str, list[str]]


def read_bfw(root: Path, table: Path, by: str = "att") -> GroupedPairs:
    """Read BFW: a CSV file of pairs whose images are below root.

    Args:
        root: of the images.
        table: the CSV file, with columns p1, p2, label and those of the groups.
        by: the groups, of the columns BY1 and BY2.

    Raises:
        DataError: it is no such file, a line has no such values, or an image is missing.
        InputError: no such groups.
    """
    columns = _read(table, by)
    names = {name: place for place, name in enumerate(sorted({*columns["p1"], *columns["p2"]}))}
    first, second = (np.array([names[name] for name in columns[key]], dtype=np.int64) for key in ("p1", "p2"))
    genuine = _labels(table, columns["label"])
    images = {name: listed_path(root, name) for name in names}
    missing = [name for name, path in images.items() if not is_file(path)]
    check_present(root, missing, len(names), f"the paths of {table.name}")
    fold = numbered(columns["fold"]) if "fold" in columns else np.arange(len(genuine)) % FOLDS
    of_images = zip(columns[f"{by}1"], columns[f"{by}2"], strict=True)
    return GroupedPairs(
        pairs=Pairs(table.stem, tuple(images.values()), first, second, genuine, fold),
        groups=tuple(one if one == other else " × ".join(sorted((one, other))) for one, other in of_images),
        people=_people(table, list(names), (first, second), genuine, columns),
        root=root,
    )


def _read(table: Path, by: str) -> _Columns:
    """Return the columns that are used and there, by name."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            head = next(lines, [])
            used = [name for name in _used(table, head, by) if name in head]
            places = [head.index(name) for name in used]
            columns: dict[str, list[str]] = {name: [] for name in used}
            for line in filter(None, lines):
                if len(line) != len(head):
                    raise DataError(f"{table}:{lines.line_num}: expected {len(head)} values; got {len(line)}")
                for column, place in zip(columns.values(), places, strict=True):
                    column.append(line[place])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: expected a CSV file of pairs; got {cause(error)}") from None
    if not columns["p1"]:
        raise DataError(f"{table}: expected a pair a line; got none")
    return columns


def _used(table: Path, head: list[str], by: str) -> list[str]:
    """Return the columns that are used, some of which may not be there; raise an error if one of the others is not."""
    if {"p1", "p2", "label"} - set(head):
        raise DataError(f"{table}: expected the columns p1, p2 and label; got {', '.join(head)}")
    kinds = [name[:-1] for name in head if name.endswith("1") and f"{name[:-1]}2" in head and name != "p1"]
    if by not in kinds:
        raise InputError(f"{table} has no groups {by!r}, that is columns {by}1 and {by}2; it has {', '.join(kinds)}")
    return ["p1", "p2", "label", "fold", "id1", "id2", f"{by}1", f"{by}2"]


def _labels(table: Path, labels: list[str]) -> BoolArray:
    other = next((label for label in labels if label not in _LABELS), None)
    if other is not None:
        raise DataError(f"{table}: a label is 1 (same person) or 0; got {other!r}")
    return np.array([_LABELS[label] for label in labels], dtype=bool)


def _people(
    table: Path, names: list[str], places: tuple[IntArray, IntArray], genuine: BoolArray, columns: _Columns
) -> IntArray:
    """Return whose the images are (N,): their folders', or, where labels say otherwise, as id1 and id2 have it."""
    people = folders(names)
    wrong = _contradicted(people, places, genuine)
    if len(wrong) and {"id1", "id2"} <= set(columns):
        of_image = dict(zip(np.concatenate(places).tolist(), columns["id1"] + columns["id2"], strict=True))
        people = numbered([of_image[place] for place in range(len(names))])
        wrong = _contradicted(people, places, genuine)
    if len(wrong):
        one, other = (names[int(column[wrong[0]])] for column in places)
        raise DataError(
            f"{table}: {len(wrong):,} pairs have a label that neither the folders of their images nor id1 and id2 bear "
            f"out, such as {one} and {other} with label {int(genuine[wrong[0]])}"
        )
    return people


def _contradicted(people: IntArray, places: tuple[IntArray, IntArray], genuine: BoolArray) -> IntArray:
    """Return the pairs whose labels these people contradict."""
    return np.flatnonzero((people[places[0]] == people[places[1]]) != genuine)
