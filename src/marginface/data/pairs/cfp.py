"""The CFP protocols: frontal-frontal (FF) and frontal-profile (FP).

Source: Sengupta et al., "Frontal to Profile Face Verification in the Wild", WACV 2016. Ten folds of 350 genuine and
350 impostor pairs that share no identity. Line "8,4" of Protocol/Split/FP/01/same.txt is frontal image 8 and profile
image 4, numbers of Protocol/Pair_list_F.txt and Pair_list_P.txt, whose lines are "8 ../Data/Images/001/frontal/08.jpg".
Crops of the same name with another suffix (08.png) do as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from marginface.data.pairs.lists import build_pairs, check_present, first_present, read_text_lines
from marginface.documents import whole_number
from marginface.errors import DataError, InputError
from marginface.values import Pairs

_KINDS = (("same.txt", True), ("diff.txt", False))
_Numbers = tuple[str, str]


def cfp_pairs(root: Path, split: Literal["FF", "FP"]) -> Pairs:
    """Read a CFP protocol; root holds Data/ and Protocol/. In FP ``first`` is frontal and ``second`` profile.

    Raises:
        InputError: split is neither FF nor FP.
        DataError: a protocol file is missing or of another layout, or an image it names is not there.
    """
    if split not in ("FF", "FP"):
        raise InputError(f"CFP has the splits FF (frontal-frontal) and FP (frontal-profile); got {split!r}")
    pairs: list[_Numbers] = []
    genuine: list[bool] = []
    fold: list[int] = []
    for number, folder in enumerate(_fold_folders(root, split)):
        for name, is_genuine in _KINDS:
            read = _read_fold(folder / name, split)
            pairs += read
            genuine += [is_genuine] * len(read)
            fold += [number] * len(read)
    paths = _image_paths(root, {name for pair in pairs for name in pair})
    return build_pairs(f"cfp:{split}", pairs, paths, genuine, fold)


def _fold_folders(root: Path, split: str) -> list[Path]:
    place = root / "Protocol" / "Split" / split
    folders = sorted(entry for entry in place.iterdir() if entry.is_dir()) if place.is_dir() else []
    if not folders:
        raise DataError(f"{place}: expected the folders 01 … 10 with same.txt and diff.txt; got none. Is {root} CFP?")
    return folders


def _read_fold(path: Path, split: str) -> list[_Numbers]:
    """Return the pairs of one file as names like F8 and P4."""
    pairs = []
    for number, line in enumerate(read_text_lines(path), 1):
        words = line.strip().split(",")
        if len(words) != 2 or any(whole_number(word.strip()) is None for word in words):
            raise DataError(f"{path}:{number}: expected two image numbers like '8,4'; got {line!r}")
        pairs.append((f"{split[0]}{int(words[0])}", f"{split[1]}{int(words[1])}"))
    return pairs


def _image_paths(root: Path, used: set[str]) -> dict[str, Path]:
    """Return the path of every used image, frontal images first, in the order of the lists."""
    listed = {**_read_list(root, "F"), **_read_list(root, "P")}
    unknown = sorted(used - set(listed))
    if unknown:
        raise DataError(f"{root}: the protocol names image {unknown[0]}, which Pair_list_{unknown[0][0]}.txt lacks")
    found = {name: (path, first_present(path.with_suffix(""))) for name, path in listed.items() if name in used}
    paths = {name: path for name, (_, path) in found.items() if path is not None}
    missing = [_shown(path, root) for path, present in found.values() if present is None]
    check_present(root, missing, len(found), "the CFP layout: Data/Images/001/frontal/01.jpg")
    return paths


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _read_list(root: Path, kind: str) -> dict[str, Path]:
    path = root / "Protocol" / f"Pair_list_{kind}.txt"
    images = {}
    for number, line in enumerate(read_text_lines(path), 1):
        words = line.split()
        if len(words) != 2 or whole_number(words[0]) is None:
            raise DataError(f"{path}:{number}: expected '8 ../Data/Images/001/frontal/08.jpg'; got {line!r}")
        images[f"{kind}{int(words[0])}"] = root / words[1].removeprefix("../")
    return images
