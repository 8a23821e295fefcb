"""Which index in memory for how many faces, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from marginface.errors import InputError
from marginface.matching.index.exact import ExactIndex
from marginface.matching.index.protocol import VectorIndex
from marginface.matching.index.sketched import CANDIDATES, SketchIndex

EXACT_BELOW = 200_000  # faces: a search of all takes some hundredths of a second
_FULL_BELOW = 4 * 2**30  # bytes of float32 vectors; above, they are kept as float16
_ONE_MACHINE = 10_000_000


@dataclass(frozen=True, slots=True)
class IndexChoice:
    """An index that fits: ``make()`` gives a new, empty one with room for the faces; ``reason`` says why this one."""

    name: str
    reason: str
    make: Callable[[], VectorIndex]


def choose_index(size: int, embedding_size: int) -> IndexChoice:
    """Choose the index in memory for a gallery of ``size`` faces in ``embedding_size`` dimensions.

    Below 200,000 faces every face is compared. Above, sketches of 64 bytes are scanned and the nearest rescored; beyond
    4 GiB the vectors are kept as float16. An index that may miss a face at any similarity (GraphIndex) is never chosen.

    >>> choose_index(1_000, 128).name
    'exact'
    >>> print(choose_index(1_000_000, 512).reason)
    1,000,000 faces: 64-byte sketches are scanned and the nearest 4,000 compared in full
    """
    if size < 0 or embedding_size < 1:
        raise InputError(f"a gallery has 0 faces or more of 1 number or more; got {size} and {embedding_size}")
    if size < EXACT_BELOW:
        reason = f"{size:,} faces: below {EXACT_BELOW:,} every face is compared, and none is missed"
        return IndexChoice("exact", reason, lambda: ExactIndex(embedding_size, size))
    reason = f"{size:,} faces: 64-byte sketches are scanned and the nearest {CANDIDATES:,} compared in full"
    stored: DTypeLike = np.float32
    if 4 * size * embedding_size > _FULL_BELOW:
        stored = np.float16
        reason += ", as float16 to save memory"
    if size > _ONE_MACHINE:
        reason += ". PostgreSQL or Qdrant is the better place for so many"
    return IndexChoice("sketch", reason, lambda: SketchIndex(embedding_size, size, stored=stored))
