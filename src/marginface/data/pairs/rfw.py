"""RFW, Racial Faces in the Wild: a list of pairs for each of four groups.

    txts/African/African_pairs.txt     "m.0abc 1 2" or "m.0abc 1 m.0xyz 3", separated by tabs: ten times 300 genuine
                                       and 300 impostor pairs; where genuine pairs begin again a fold begins
    data/African/m.0abc/m.0abc_0001.jpg

The lists have no first line; one as LFW's list has ("10 300") is left out. A name stands for a person of its group
alone. What a group is called is the data set's word.

Source: Wang et al., "Racial Faces in the Wild", ICCV 2019, arXiv:1812.00194.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from marginface.data.pairs.grouped import GroupedPairs, folders
from marginface.data.pairs.lfw import find_images, pair_of_line
from marginface.data.pairs.lists import build_pairs, read_text_lines
from marginface.errors import DataError


def read_rfw(root: Path) -> GroupedPairs:
    """Read RFW: ``txts`` and ``data`` below root, or below its folder test.

    Raises:
        DataError: a folder, a list or an image is missing, or a list is not in its layout.
    """
    base = next((place for place in (root, root / "test") if (place / "txts").is_dir()), root)
    lists = sorted(base.glob("txts/*/*_pairs.txt"))
    if not lists:
        raise DataError(f"{root}: expected RFW, lists such as txts/African/African_pairs.txt; got none")
    if not (base / "data").is_dir():
        raise DataError(f"{base / 'data'}: not there; RFW has its images in data/GROUP/PERSON/PERSON_0001.jpg")
    pairs: list[tuple[str, str]] = []
    genuine: list[bool] = []
    folds: list[int] = []
    groups: list[str] = []
    for path in lists:
        group, lines = path.parent.name, _pairs_of(path)
        pairs += [(f"{group}/{first}", f"{group}/{second}") for first, second, _ in lines]
        genuine += [same for _, _, same in lines]
        folds += _folds(path, [same for _, _, same in lines])
        groups += [group] * len(lines)
    names = sorted({name for pair in pairs for name in pair})
    built = build_pairs("RFW", pairs, find_images(base / "data", names), genuine, folds)
    return GroupedPairs(built, tuple(groups), folders(names), base / "data")


def _pairs_of(path: Path) -> list[tuple[str, str, bool]]:
    lines = [(number, line) for number, line in enumerate(read_text_lines(path), 1) if line.strip()]
    if lines and all(word.isdecimal() for word in lines[0][1].split()):
        lines = lines[1:]
    if not lines:
        raise DataError(f"{path}: expected lines 'm.0abc 1 2' or 'm.0abc 1 m.0xyz 3'; got none")
    return [pair_of_line(path, number, line) for number, line in lines]


def _folds(path: Path, genuine: Sequence[bool]) -> list[int]:
    """Return the fold of each pair: a new one begins where a genuine pair follows an impostor pair."""
    same = np.asarray(genuine)
    folds = np.cumsum(same & ~np.concatenate([[True], same[:-1]]))
    if not same[0] or same.all() or folds[-1] < 1:
        raise DataError(
            f"{path}: expected folds of genuine pairs and then impostor pairs, two folds or more; got "
            f"{int(same.sum()):,} genuine of {len(same):,} pairs in {int(folds[-1]) + 1} fold(s)"
        )
    return [int(fold) for fold in folds]
