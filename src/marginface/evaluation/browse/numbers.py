"""A file of numbers, as ``marginface evaluate … --out FILE`` and its like write it → its kind and its figures.

A calibration is TOML, all others are JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from marginface.documents import parse_json, parse_toml
from marginface.errors import DataError, InputError
from marginface.evaluation.kinds import Numbers, Part, kind_of
from marginface.evaluation.kinds.figures import short
from marginface.files import read_inside
from marginface.words import cause

MOST_BYTES = 16 << 20


def is_of_a_suite(numbers: Numbers) -> bool:
    """Say whether numbers are those of a protocol that a suite keeps."""
    return "key" in numbers and "kind" in numbers


@dataclass(frozen=True, slots=True)
class FileOfNumbers:
    """What a file of numbers says; ``of_suite``: it is what a suite keeps of one of its protocols."""

    kind: str
    name: str
    model: str
    parts: tuple[Part, ...]
    of_suite: bool


@lru_cache(maxsize=4096)
def read_numbers(root: Path, path: Path, _stamp: tuple[int, int]) -> FileOfNumbers | None:
    """Return what a file of numbers says; None: it is none.

    Args:
        root: The folder that no link may lead out of, as Path.resolve() gives it.
        path: The file.
        _stamp: When it was changed and how large it is: a file that did not change is not read again.

    Raises:
        DataError: It looks like one, and what belongs to it is missing or no number.
        InputError: It leads out of the folder, or is too large.
    """
    try:
        content = read_inside(root, path, most=MOST_BYTES)
        numbers = parse_toml(content.decode()) if path.suffix == ".toml" else parse_json(content)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError) and path.suffix != ".toml":  # mostly a recipe, whose run tells of it
            raise
        return None
    kind = kind_of(numbers, path.stem) if isinstance(numbers, dict) else None
    if kind is None:
        return None
    try:
        parts = kind.parts(numbers, path.stem)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else cause(error)
        raise DataError(f"{path}: looks like the numbers of {kind.name}, and cannot be read: {what}") from None
    name = short(numbers.get("title") or ", ".join(dict.fromkeys(part.name for part in parts)))
    return FileOfNumbers(kind.name, name, short(numbers.get("model") or ""), parts, is_of_a_suite(numbers))
