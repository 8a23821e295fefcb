"""A figure of a protocol, as it is listed: a share or a difference of shares, with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Scalar = str | int | float | bool | None
State = Literal["waiting", "running", "done"]
_LONGEST = 200  # characters of a text that a file says


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
        kind: As ``pairs``; see numbers.KINDS.
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
