"""The LFW protocol files: pairs.txt (View 2) and pairsDevTrain/pairsDevTest.txt (View 1).

Source: Huang et al., "Labeled Faces in the Wild", UMass TR 07-49, 2007. A file starts with "10 300" (folds, pairs of
each kind in a fold) or "500" (one fold). Then, fold by fold, the genuine pairs "Name 1 4" and the impostor pairs
"Name 1 Other 2", separated by tabs. Image 4 of Name is Name/Name_0004.jpg.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from marginface.data.pairs.lists import build_pairs, check_present, first_present, read_text_lines
from marginface.documents import whole_number
from marginface.errors import DataError
from marginface.values import Pairs


def lfw_pairs(root: Path, pairs_file: Path) -> Pairs:
    """Read an LFW pair list; the images are below root as Name/Name_0001.jpg (or .png, .jpeg, .webp).

    Raises:
        DataError: the list is not in the LFW layout (the line is named), or an image it names is not there.
    """
    folds, per_kind, lines = _read_lines(pairs_file)
    parsed = [pair_of_line(pairs_file, number, line) for number, line in lines]
    genuine = np.asarray([pair[2] for pair in parsed])
    expected = np.tile(np.repeat([True, False], per_kind), folds)
    wrong = np.flatnonzero(genuine != expected)
    if len(wrong):
        number, line = lines[int(wrong[0])]
        kind = "a genuine pair (Name 1 2)" if expected[wrong[0]] else "an impostor pair (Name 1 Other 2)"
        raise DataError(f"{pairs_file}:{number}: expected {kind} here, {per_kind} of each kind in turn; got {line!r}")
    return build_pairs(
        protocol=f"lfw:{pairs_file.stem}",
        pairs=[(first, second) for first, second, _ in parsed],
        paths=find_images(root, sorted({image for pair in parsed for image in pair[:2]})),
        genuine=genuine.tolist(),
        fold=np.repeat(np.arange(folds), 2 * per_kind).tolist(),
    )


def _read_lines(path: Path) -> tuple[int, int, list[tuple[int, str]]]:
    """Return the number of folds, the pairs of each kind in a fold, and the numbered lines of pairs."""
    numbered = [(number, line) for number, line in enumerate(read_text_lines(path), 1) if line.strip()]
    header = numbered[0][1].split() if numbered else []
    if len(header) not in (1, 2) or not all(whole_number(word) for word in header):
        raise DataError(
            f"{path}:1: expected '10 300' (folds and pairs of each kind) or '500' (pairs of each kind); got {header}"
        )
    folds, per_kind = (1, int(header[0])) if len(header) == 1 else (int(header[0]), int(header[1]))
    lines = numbered[1:]
    if len(lines) != 2 * folds * per_kind:
        raise DataError(
            f"{path}: the first line promises {folds} × 2 × {per_kind} = {2 * folds * per_kind} pairs; got {len(lines)}"
        )
    return folds, per_kind, lines


def pair_of_line(path: Path, number: int, line: str) -> tuple[str, str, bool]:
    """Return the names of the two images of a line, without suffix, and whether they are of one person.

    Raises:
        DataError: it is not in the LFW layout.
    """
    match line.split():
        case [name, one, other] if _are_numbers(one, other):
            return _image_name(name, one), _image_name(name, other), True
        case [name, one, second, other] if _are_numbers(one, other):
            return _image_name(name, one), _image_name(second, other), False
    raise DataError(f"{path}:{number}: expected 'Name 1 2' or 'Name 1 Other 2'; got {line!r}")


def _are_numbers(one: str, other: str) -> bool:
    return whole_number(one) is not None and whole_number(other) is not None


def _image_name(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}"


def find_images(root: Path, names: list[str]) -> dict[str, Path]:
    """Return the path of every name (Name/Name_0001) below root; raise DataError if one is not there."""
    found = {name: path for name in names if (path := first_present(root / name)) is not None}
    missing = [f"{name}.jpg" for name in names if name not in found]
    check_present(root, missing, len(names), "the LFW layout: Name/Name_0001.jpg")
    return found
