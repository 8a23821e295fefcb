"""What a shard is written from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One image of a shard: its number in the source, what the source calls it, whose it is, its encoded bytes.

    ``suffix`` is that of the kind of ``content``, with the dot.
    """

    index: int
    name: str
    identity: str
    label: int
    content: bytes
    suffix: str
