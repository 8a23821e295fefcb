"""TAR at a FAR on a resample of people, written out: every pair copied as often as its people were drawn."""

from __future__ import annotations

from collections.abc import Sequence

from oracles.scores import best_tar_within


def tar_of_copies(
    genuine: Sequence[tuple[float, int]], impostor: Sequence[tuple[float, int, int]], drawn: Sequence[int], far: float
) -> float | None:
    same = [value for value, person in genuine for _ in range(drawn[person])]
    different = [value for value, a, b in impostor for _ in range(drawn[a] * drawn[b])]
    return best_tar_within(same, different, far) if same and different else None
