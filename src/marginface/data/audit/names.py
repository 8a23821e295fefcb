"""Identities of two sets that have one name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from marginface.data.crops.names import identity_key

_WORD = re.compile(r"[\W_]+")


def are_names(identities: Sequence[str]) -> bool:
    """Say whether identities have names: not all of them are only numbers, or letters with a number (n000123, id17)."""
    return any(sum(sign.isalpha() for sign in name) > 2 for name in identities)


def shared_names(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Return which identities (i, j) have one name: equal letters and digits, or the same words in another order.

    Case, accents, spaces, underscores and punctuation do not count (``data.crops.names.identity_key``).

    >>> shared_names(["George_W_Bush", "Zoë"], ["bush, george w.", "Zoe", "Ann"])
    [(0, 0), (1, 1)]
    """
    found = {pair for key in (identity_key, _word_key) for pair in _met(first, second, key)}
    return sorted(found)


def _word_key(name: str) -> str:
    return " ".join(sorted(key for word in _WORD.split(name) if (key := identity_key(word))))


def _met(first: Sequence[str], second: Sequence[str], key: Callable[[str], str]) -> list[tuple[int, int]]:
    places = defaultdict(list)
    for place, name in enumerate(second):
        places[key(name)].append(place)
    return [(i, j) for i, name in enumerate(first) if (found := key(name)) for j in places.get(found, ())]
