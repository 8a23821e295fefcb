"""Text of others → values: TOML, JSON, whole numbers. What is none of these is a ValueError, whatever it looks like.

Python's own readers raise RecursionError for brackets without end, and int() refuses more than 4,300 digits with words
that help nobody; a reader that catches ValueError is safe from both.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

_MARK = "\ufeff"  # Windows puts it before a text
_DIGITS = 18  # all such numbers are int64


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
        ValueError: it is no TOML (tomllib.TOMLDecodeError is one), is nested too deeply, or has a number too long.
    """
    try:
        return tomllib.loads(text.removeprefix(_MARK))
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: it is no JSON (json.JSONDecodeError is one), is nested too deeply, or has a number too long.
    """
    try:
        return json.loads(text.removeprefix(_MARK) if isinstance(text, str) else text)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def whole_number(text: str) -> int | None:
    """Return the number from 0 that digits write; None for other text, or more digits than an int64 holds.

    >>> whole_number("0042"), whole_number("²"), whole_number("-1"), whole_number("9" * 5000)
    (42, None, None, None)
    """
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None
