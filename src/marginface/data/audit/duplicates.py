"""Byte-identical and near-duplicate images, found without comparing every two.

Two images are near-duplicates if their coarse hashes differ in at most 5 of 63 bits and their fine hashes in at most 32
of 255 (see hashes), as they are or one of them mirrored. On LFW crops and photos that holds of every image saved again
as JPEG of quality 20 or halved and enlarged, and of 19 in 20 made brighter by a fifth; a border of 2 % cut off is found
sometimes, one of 4 % is not. Of 43 million pairs of LFW crops it holds of four: three copies, and two shots a moment
apart. Such shots, and series from a studio, are not told from copies.

The search is multi-index hashing (Norouzi, Punjani and Fleet, "Fast Exact Search in Hamming Space with Multi-Index
Hashing", 2012, arXiv:1307.2982): 63 bits are three keys of 21. Hashes that differ in at most 5 bits agree in one key up
to a bit, so that 3 × 22 look-ups in tables of 2**21 places find all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginface.data.audit.hashes import MIRROR_COARSE, MIRROR_FINE, Words, bit_distance
from marginface.data.audit.rows import Rows
from marginface.values import IntArray

COARSE_BOUND, FINE_BOUND = 5, 32
_KEYS, _KEY_BITS = 3, 21
_FLIPS = (0, *(1 << bit for bit in range(_KEY_BITS)))
_BLOCK = 4_000_000  # pairs that are looked at together: about 200 MB


@dataclass(frozen=True, slots=True)
class Copies:
    """Images that are one photo: at least two, in order; ``identical`` to the byte, or only alike."""

    images: tuple[int, ...]
    identical: bool


def copies(rows: Rows) -> list[Copies]:
    """Return the groups of near-duplicates, byte-identical images included; each image is in at most one.

    A group is what pairs connect: its ends may differ by more than the bounds.
    """
    distinct, of = _distinct(rows)
    links = [(int(first), int(second)) for first, second in near_pairs(distinct, distinct) if first < second]
    joined = connected(links, len(distinct))
    members: dict[int, list[int]] = defaultdict(list)
    for image, hashed in zip(np.flatnonzero(rows["readable"]).tolist(), of.tolist(), strict=True):
        members[joined[hashed]].append(image)
    groups = sorted(group for group in members.values() if len(group) > 1)
    return [Copies(tuple(group), _is_one_file(rows, group)) for group in groups]


def near_pairs(first: Rows, second: Rows) -> NDArray[np.int64]:
    """Return the pairs (P, 2) of near-duplicates between two sets of readable images, sorted; mirror images count.

    Of a set with itself every pair comes in both orders, and every image with itself.
    """
    turned = [_pairs(first, second, np.uint64(0), np.zeros(4, np.uint64))]
    turned.append(_pairs(first, second, MIRROR_COARSE, MIRROR_FINE))
    return np.unique(np.concatenate(turned), axis=0)


def connected(links: Iterable[tuple[int, int]], count: int) -> list[int]:
    """Return for each of ``count`` things the least one that links connect it with.

    >>> connected([(0, 2), (3, 2)], 5)
    [0, 1, 0, 0, 4]
    """
    least = list(range(count))

    def root(thing: int) -> int:
        while least[thing] != thing:
            least[thing] = least[least[thing]]
            thing = least[thing]
        return thing

    for one, other in links:
        low, high = sorted((root(one), root(other)))
        least[high] = low
    return [root(thing) for thing in range(count)]


def _distinct(rows: Rows) -> tuple[Rows, IntArray]:
    """Return one row of each hash among the readable images, and for each of these the number of its hash.

    A thousand copies of one image are then one row, not half a million pairs.
    """
    good = rows[rows["readable"]]
    words = np.column_stack([good["coarse"], good["fine"]])
    _, place, of = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return good[place], of.reshape(-1).astype(np.int64)


def _is_one_file(rows: Rows, group: list[int]) -> bool:
    return bool((rows["sha256"][group] == rows["sha256"][group[0]]).all())


def _pairs(first: Rows, second: Rows, coarse_turn: np.uint64, fine_turn: Words) -> NDArray[np.int64]:
    coarse, fine = first["coarse"] ^ coarse_turn, first["fine"] ^ fine_turn
    found = [np.empty((0, 2), np.int64)]
    for key in range(_KEYS):
        table = _Table(_key(second["coarse"], key))
        for asked, met in table.look_up(_key(coarse, key)):
            near = bit_distance(coarse[asked, None], second["coarse"][met, None]) <= COARSE_BOUND
            asked, met = asked[near], met[near]
            near = bit_distance(fine[asked], second["fine"][met]) <= FINE_BOUND
            found.append(np.column_stack([asked[near], met[near]]))
    return np.concatenate(found)


def _key(hashes: Words, number: int) -> IntArray:
    return (hashes >> np.uint64(number * _KEY_BITS) & np.uint64((1 << _KEY_BITS) - 1)).astype(np.int64)


class _Table:
    """Which things have a key: ``order`` sorted by key, and where each key begins in it."""

    def __init__(self, keys: IntArray) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._begins = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << _KEY_BITS))])

    def look_up(self, keys: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield (asked, met): which of the keys (n,) meet which things, up to one bit, some millions at a time."""
        for flip in _FLIPS:
            begins = self._begins[keys ^ flip]
            counts = self._begins[(keys ^ flip) + 1] - begins
            ends = np.cumsum(counts)
            start = 0
            while start < len(keys):
                done = ends[start - 1] if start else 0
                stop = max(int(np.searchsorted(ends, done + _BLOCK, side="right")), start + 1)
                yield self._expanded(start, begins[start:stop], counts[start:stop])
                start = stop

    def _expanded(self, start: int, begins: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
        asked = np.repeat(np.arange(len(counts)), counts)
        within = np.arange(len(asked)) - np.repeat(np.cumsum(counts) - counts, counts)
        return asked + start, self._order[np.repeat(begins, counts) + within]
