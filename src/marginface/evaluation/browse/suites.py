"""The folder of a suite: which protocols are done, which runs, which wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from marginface.documents import parse_json
from marginface.errors import DataError, MarginfaceError
from marginface.evaluation.browse.numbers import MOST_BYTES, read_numbers
from marginface.evaluation.kinds.figures import Part, short
from marginface.evaluation.suite.progress import PROGRESS
from marginface.files import read_inside
from marginface.words import cause

_STATES = ("waiting", "running", "done")


def stamp_of(path: Path) -> tuple[int, int]:
    """Return when a file was changed and how large it is.

    Raises:
        OSError: It is not there.
    """
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def read_suite_folder(root: Path, folder: Path) -> tuple[str, str, tuple[Part, ...]]:
    """Return name, model and parts of a suite that says how far it is.

    Raises:
        DataError: What it says cannot be read, or a protocol's numbers cannot.
        InputError: A file leads out of the root.
    """
    path = folder / PROGRESS
    try:
        told = parse_json(read_inside(root, path, most=MOST_BYTES))
        rows: Sequence[Mapping[str, Any]] = told["protocols"]
        parts = tuple(_part(root, folder, row) for row in rows)
        return short(told["suite"]), short(told["model"]), parts
    except MarginfaceError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise DataError(f"{path}: does not say how far a suite is: {cause(error)}. Run the suite again") from None


def _part(root: Path, folder: Path, row: Mapping[str, Any]) -> Part:
    name, kind, state = short(row["name"]), short(row["kind"]), row["state"]
    if state not in _STATES:
        raise ValueError(f"a state is {', '.join(_STATES)}; got {state!r}")
    if state != "done":
        return Part(name, kind, state, images=_images(row))
    path = folder / f"{_plain_name(row['file'])}.json"
    found = read_numbers(root, path, stamp_of(path))
    if found is None:
        raise DataError(f"{path}: expected the numbers of {kind}. Run the suite again")
    return replace(found.parts[0], name=name)


def _plain_name(name: Any) -> str:
    """Return the name of a file of this folder, and of no other."""
    if not isinstance(name, str) or not name or name != Path(name).name:
        raise ValueError(f"expected the name of a file; got {str(name)[:40]!r}")
    return name


def _images(row: Mapping[str, Any]) -> tuple[int, int] | None:
    found = row.get("images")
    return None if found is None else (int(found[0]), int(found[1]))
