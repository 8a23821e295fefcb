"""Slow and obvious identification: loops over probes, entries and thresholds."""

from __future__ import annotations

from collections.abc import Sequence


def search_one(similarities: Sequence[float], own: int | None) -> tuple[float, int]:
    """The deciding similarity and the rank of the own entry (0 without one); ties count against the model."""
    if own is None:
        return max(similarities), 0
    rank = 1
    for place, value in enumerate(similarities):
        if place != own and value >= similarities[own]:
            rank += 1
    return similarities[own], rank


def best_tpir_within(
    mated: Sequence[tuple[float, int]], nonmated: Sequence[float], fpir: float, rank: int
) -> tuple[float, float]:
    """TPIR and FPIR at the lowest threshold whose FPIR is not above the target."""
    best = (0.0, 0.0)
    for threshold in sorted({*(value for value, _ in mated), *nonmated}, reverse=True):
        false = sum(1 for value in nonmated if value >= threshold) / len(nonmated)
        hits = sum(1 for value, place in mated if value >= threshold and place <= rank) / len(mated)
        if false <= fpir + 1e-12:
            best = (hits, false)
    return best
