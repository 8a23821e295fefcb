"""What a file of numbers says of a protocol, as it is listed: figures with 95 % intervals, and words about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any, Literal

Numbers = Mapping[str, Any]
Scalar = str | int | float | bool | None
State = Literal["waiting", "running", "done"]
_LONGEST = 200  # characters of a text that a file says
_UNTOLD = frozenset({"key", "name", "kind", "protocol", "model", "accuracy_mean", "mean_average_precision"})
_PLACES = frozenset({"data", "file"})  # of which the last name is told: the rest is how this machine is arranged


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure: ``value`` is a share in [0, 1], or of ``is_difference`` one of two shares, in [−1, 1].

    ``low`` and ``high`` are None where no interval is known; ``note`` says what belongs to it, as a p-value.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    is_difference: bool = False
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Part:
    """A protocol of an evaluation: its figures, and what else its file says in a word or a number.

    Attributes:
        name: Of the protocol.
        kind: As ``pairs``; see kinds.KINDS.
        state: Of a suite that is not done some parts wait.
        figures: The first ones are what a table of all shows.
        headline: How many these are.
        facts: Names of the file → texts, numbers, yes or no.
        sentences: What the figures support, in words.
        images: Done, and of how many, while it runs.
    """

    name: str
    kind: str
    state: State = "done"
    figures: tuple[Figure, ...] = ()
    headline: int = 1
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    images: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "state": self.state,
            "figures": [figure.to_dict() for figure in self.figures],
            "facts": dict(self.facts),
            "sentences": list(self.sentences),
            "images_done": None if self.images is None else self.images[0],
            "images": None if self.images is None else self.images[1],
        }


def figure_of(name: str, value: Any, interval: Any = None, *, is_difference: bool = False, note: str = "") -> Figure:
    """Return a figure from what a file says.

    Raises:
        ValueError: A value is no finite number, or the interval no pair of them.
    """
    low, high = (None, None) if interval is None else (number(end) for end in interval)
    return Figure(short(name), number(value), low, high, is_difference, short(note))


def number(value: Any) -> float:
    """Return a finite number; raise ValueError for anything else, NaN included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"expected a number; got {str(value)[:40]!r}")
    return float(value)


def short(text: Any) -> str:
    """Return what a file says as a text that fits in a line, and that is Unicode whatever the file had in it."""
    line = " ".join(str(text).encode("utf-8", "replace").decode().split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def tars(points: Sequence[Numbers], where: str = "") -> Iterator[Figure]:
    """Yield the TARs of a file, with their intervals over people where there are some."""
    for point in points:
        yield figure_of(f"TAR at FAR {point['far']:g}{where}", point["tar"], over_people(point))


def accuracy_interval(numbers: Numbers) -> Any:
    """Return the interval of an accuracy: over people where it is known who they are."""
    return numbers.get("accuracy_interval_identities") or numbers["accuracy_interval"]


def over_people(point: Numbers) -> Any:
    """Return the interval of a TAR or TPIR: over people where it is known who they are, the more careful one."""
    return point.get("interval_identities", point["interval"])


def one_part(kind: str, figures: Callable[[Numbers], Iterator[Figure]]) -> Callable[[Numbers, str], tuple[Part, ...]]:
    """Return what lists a file that is of one protocol, by what gives its figures."""

    def parts(numbers: Numbers, name: str) -> tuple[Part, ...]:
        return (Part(_name_of(numbers, name), kind, figures=tuple(figures(numbers)), facts=_facts(numbers)),)

    return parts


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
