"""Numbers of the literature, to lay beside ours: in percent, as printed, each row with where it is printed.

They are of other training data, other code and other harnesses: "ArcFace R50 on MS1MV2" is printed with an IJB-C TAR at
FAR 1e-4 of 92.52 in one place and of 95.97 in another. So they are marked as published wherever they are shown, and no
figure of ours is compared with them by a test.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Published:
    """A row of a published table: model, training data, and percent by column (``LFW``, ``IJB-C 1e-4``)."""

    model: str
    data: str
    source: str
    numbers: dict[str, float]


@cache
def published() -> tuple[Published, ...]:
    """Return every row of published.toml."""
    text = files("marginface.evaluation.suite").joinpath("published.toml").read_text(encoding="utf-8")
    return tuple(
        Published(row["model"], row["data"], table["source"], row["numbers"])
        for table in tomllib.loads(text)["table"]
        for row in table["row"]
    )


def published_for(columns: list[str]) -> list[Published]:
    """Return the rows that have at least one of these columns."""
    return [row for row in published() if any(column in row.numbers for column in columns)]
