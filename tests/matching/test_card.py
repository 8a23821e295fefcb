"""What a card can say of a search."""

from __future__ import annotations

import pytest

from marginface.contract import ModelCard, ThresholdEntry
from marginface.errors import InputError
from marginface.matching.calibration import CardThresholds

SIMILARITIES = {1e-2: 0.3, 1e-3: 0.4, 1e-4: 0.5}


def card(*rates: float) -> ModelCard:
    entries = tuple(
        ThresholdEntry(similarity=SIMILARITIES[fmr], fmr=fmr, impostor_pairs=10_000, data="drawn faces")
        for fmr in rates
    )
    return ModelCard(name="x", file="x", sha256="0" * 64, license="y", embedding_size=2, thresholds=entries)


@pytest.mark.parametrize(
    ("fpir", "size", "fmr"),
    [(0.01, 1, 1e-2), (0.01, 2, 1e-3), (0.01, 10, 1e-3), (0.01, 11, 1e-4), (0.01, 100, 1e-4), (0.3, 300, 1e-3)],
)
def test_a_search_takes_the_largest_rate_that_its_size_allows(fpir: float, size: int, fmr: float) -> None:
    found = CardThresholds(card(1e-2, 1e-3, 1e-4)).identification_threshold(fpir, size)
    assert found.fmr == fmr
    assert 1 - (1 - found.fmr) ** size <= fpir * (1 + 1e-6)
    assert (found.fpir, found.size) == (fpir, size)


def test_a_search_too_large_for_the_card_is_refused_with_what_it_is_enough_for() -> None:
    with pytest.raises(InputError, match=r"goes down to 0\.0001, enough for 100 faces"):
        CardThresholds(card(1e-2, 1e-3, 1e-4)).identification_threshold(0.01, 101)
    with pytest.raises(InputError, match="has none"):
        CardThresholds(card()).identification_threshold(0.01, 1)


@pytest.mark.parametrize("fpir", [0.0, 1.0, -0.1, 7.0])
def test_a_rate_is_a_share(fpir: float) -> None:
    with pytest.raises(InputError, match="fpir is a share"):
        CardThresholds(card(1e-2)).identification_threshold(fpir, 1)
