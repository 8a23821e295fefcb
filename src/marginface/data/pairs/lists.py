"""Lists of pairs of images: read as lines, their images looked for, put together as Pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from marginface.errors import DataError
from marginface.files import is_file
from marginface.values import Pairs
from marginface.words import cause

SUFFIXES = (".jpg", ".png", ".jpeg", ".webp")


def build_pairs(
    protocol: str, pairs: list[tuple[str, str]], paths: dict[str, Path], genuine: list[bool], fold: list[int]
) -> Pairs:
    """Return Pairs from pairs of image names and the path of every name, in the order of ``paths``."""
    index = {name: place for place, name in enumerate(paths)}
    return Pairs(
        protocol=protocol,
        images=tuple(paths.values()),
        first=np.asarray([index[first] for first, _ in pairs], dtype=np.int64),
        second=np.asarray([index[second] for _, second in pairs], dtype=np.int64),
        genuine=np.asarray(genuine, dtype=bool),
        fold=np.asarray(fold, dtype=np.int64),
    )


def check_present(root: Path, missing: list[str], total: int, layout: str) -> None:
    """Raise DataError that shows the first missing images and the expected layout, if any is missing."""
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise DataError(
            f"{root}: {len(missing)} of {total} images of the protocol are not there: {shown}. Expected {layout}"
        )


def first_present(stem: Path) -> Path | None:
    """Return the file of a path without suffix, of the suffixes a photo or a crop may have; None if there is none."""
    return next((path for suffix in SUFFIXES if is_file(path := Path(f"{stem}{suffix}"))), None)


def read_text_lines(path: Path) -> list[str]:
    """Return the lines of a protocol file; raise DataError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected a protocol file (text); got {cause(error)}") from None
