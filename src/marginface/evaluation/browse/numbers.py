"""A file of numbers, as ``marginface evaluate … --out FILE`` and its like write it → its kind and its figures.

The files do not say what they are. Each kind has keys that no other has; a file without those of any kind is none. A
calibration is TOML, all others are JSON.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from marginface.documents import parse_json, parse_toml
from marginface.errors import DataError, InputError
from marginface.evaluation.browse.audits import audit_part
from marginface.evaluation.browse.calibrations import calibration_part
from marginface.evaluation.browse.comparisons import compared_parts, two_models_part
from marginface.evaluation.browse.figures import Figure, Part, Scalar, figure_of, short
from marginface.evaluation.suite.headline import FIGURES
from marginface.files import read_inside
from marginface.words import cause

Numbers = Mapping[str, Any]
MOST_BYTES = 16 << 20
# The first whose keys are all there counts.
MARKS: dict[str, frozenset[str]] = {
    "suite": frozenset({"suite", "results", "protocols"}),
    "comparison": frozenset({"title", "protocols", "runs"}),
    "two-models": frozenset({"models", "sentences", "tar_at_far"}),
    "groups": frozenset({"groups", "own_accuracies", "at_the_common_threshold"}),
    "all-pairs": frozenset({"sets", "pairs_between"}),
    "tinyface": frozenset({"mean_average_precision", "identification_rate"}),
    "distractors": frozenset({"rates", "probe_people"}),
    "templates": frozenset({"verification", "identification", "switches"}),
    "identify": frozenset({"identification_rate", "tpir_at_fpir", "split"}),
    "pairs": frozenset({"accuracy_folds", "variant", "tar_at_far"}),
    "scores": frozenset({"accuracy_mean", "auc", "eer", "tar_at_far", "file"}),
    "calibration": frozenset({"contract", "thresholds", "made"}),
    "audit": frozenset({"images_per_identity", "identities_of_one_image", "exclusions"}),
}
_UNTOLD = frozenset({"key", "name", "kind", "protocol", "model", "accuracy_mean", "mean_average_precision"})
_PLACES = frozenset({"data", "file"})  # of which the last name is told: the rest is how this machine is arranged


def kind_of(numbers: Numbers) -> str | None:
    """Return of what kind numbers are; None: of none."""
    return next((kind for kind, keys in MARKS.items() if keys <= numbers.keys()), None)


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
    kind = kind_of(numbers) if isinstance(numbers, dict) else None
    if kind is None:
        return None
    kind = "sweep" if kind == "comparison" and path.stem == "sweep" else kind
    try:
        parts = parts_of(kind, numbers, path.stem)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else cause(error)
        raise DataError(f"{path}: looks like the numbers of {kind}, and cannot be read: {what}") from None
    name = short(numbers.get("title") or ", ".join(dict.fromkeys(part.name for part in parts)))
    return FileOfNumbers(kind, name, short(numbers.get("model") or ""), parts, is_of_a_suite(numbers))


def parts_of(kind: str, numbers: Numbers, name: str) -> tuple[Part, ...]:
    """Return the parts of numbers of a kind; ``name`` is for a protocol that has none."""
    if kind == "suite":
        return tuple(part for one in numbers["protocols"] for part in parts_of(one["kind"], one, name))
    if kind in ("comparison", "sweep"):
        return compared_parts(numbers, kind)
    if kind == "two-models":
        return (two_models_part(numbers),)
    if kind == "calibration":
        return (calibration_part(numbers),)
    if kind == "audit":
        return (audit_part(numbers, short(name)),)
    figures = tuple(_figures(kind, numbers))
    return (Part(_name_of(numbers, name), kind, figures=figures, facts=_facts(numbers)),)


def _figures(kind: str, numbers: Numbers) -> Iterator[Figure]:
    if kind != "scores":
        yield from (figure_of(*figure) for figure in FIGURES[kind](numbers))
        return
    if numbers["accuracy_mean"] is not None:
        yield figure_of("accuracy", numbers["accuracy_mean"], numbers["accuracy_interval"])
    for one in numbers["tar_at_far"]:
        yield figure_of(f"TAR at FAR {one['far']:g}", one["tar"], one.get("interval_identities", one["interval"]))


def _name_of(numbers: Numbers, other: str) -> str:
    given = numbers.get("name") or numbers.get("protocol") or PurePath(str(numbers.get("data") or "")).name
    return short(given or other)


def _facts(numbers: Numbers) -> dict[str, Scalar]:
    """Return what is a text, a number, or yes or no."""
    found: dict[str, Scalar] = {}
    for name, value in numbers.items():
        if name in _UNTOLD or not _is_plain(value):
            continue
        text = PurePath(value).name if name in _PLACES and isinstance(value, str) else value
        found[short(name)] = short(text) if isinstance(text, str) else text
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int) and value != ""
