"""A named table: losses, backbones, detectors and weights are looked up by name in one of these."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from marginface.errors import InputError, UnknownName

T = TypeVar("T")


LONGEST = 64  # characters of a name that is compared or repeated: who asks a service may send a million


def near_names(name: str, known: list[str]) -> str:
    """Return ``Did you mean 'x'? `` for the nearest known name, or an empty string; long names are near to none."""
    if len(name) > LONGEST:
        return ""
    near = difflib.get_close_matches(name, [one for one in known if len(one) <= LONGEST], n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def shown(name: str) -> str:
    """Return a name as an error repeats it: in quotes, and cut where nobody reads on.

    >>> shown("sface"), len(shown("x" * 1_000_000))
    ("'sface'", 67)
    """
    return repr(name) if len(name) <= LONGEST else repr(name[:LONGEST]) + "…"


class Registry(Mapping[str, T], Generic[T]):
    """A read-mostly mapping from name to entry, whose unknown-name error teaches.

    >>> table: Registry[int] = Registry("fruit")
    >>> table.add("apple", 1)
    >>> table["appel"]
    Traceback (most recent call last):
    marginface.errors.UnknownName: unknown fruit 'appel'. Did you mean 'apple'? Known: apple
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        """Add an entry; a name can be given once."""
        if name in self._entries:
            raise InputError(f"{self._kind} {name!r} is in the table already; choose another name")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            names = list(self._entries)
            raise UnknownName(
                f"unknown {self._kind} {shown(name)}. {near_names(name, names)}Known: {', '.join(names)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries
