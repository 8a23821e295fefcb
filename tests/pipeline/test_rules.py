"""Thresholds and three answers; what a card can say of a search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.contract import ModelCard, ThresholdEntry
from marginface.errors import InputError
from marginface.pipeline.rules import CardThresholds, Rule
from marginface.values import Decision, Threshold

SIMILARITIES = {1e-2: 0.3, 1e-3: 0.4, 1e-4: 0.5}


def threshold(fmr: float) -> Threshold:
    return Threshold(SIMILARITIES[fmr], fmr, 10_000, "drawn faces")


def card(*rates: float) -> ModelCard:
    entries = tuple(
        ThresholdEntry(similarity=SIMILARITIES[fmr], fmr=fmr, impostor_pairs=10_000, data="drawn faces")
        for fmr in rates
    )
    return ModelCard(name="x", file="x", sha256="0" * 64, license="y", embedding_size=2, thresholds=entries)


@given(st.floats(-1, 1))
def test_every_similarity_has_one_of_three_answers_by_two_thresholds(similarity: float) -> None:
    rule = Rule(threshold(1e-3), threshold(1e-2))
    strict, lax = Rule(threshold(1e-3)).decide(similarity), Rule(threshold(1e-2)).decide(similarity)
    assert Decision.CANNOT_TELL not in (strict, lax)
    assert rule.decide(similarity) is (strict if strict is lax else Decision.CANNOT_TELL)


def test_at_a_threshold_the_laxer_answer_holds() -> None:
    rule = Rule(threshold(1e-3), threshold(1e-2))
    assert [rule.decide(value).value for value in (0.4, 0.3999, 0.3, 0.2999)] == [
        "same", "cannot tell", "cannot tell", "different",
    ]  # fmt: skip


@pytest.mark.parametrize("uncertain", [threshold(1e-3), threshold(1e-4), Threshold(0.9, 1e-1, 1, "odd")])
def test_an_uncertain_threshold_that_is_not_laxer_is_refused(uncertain: Threshold) -> None:
    with pytest.raises(InputError, match="laxer"):
        Rule(threshold(1e-3), uncertain)


def test_a_rule_explains_both_thresholds_and_writes_them() -> None:
    rule = Rule(threshold(1e-3), threshold(1e-2))
    text = "\n".join(rule.explain())
    assert "false-match rate of 0.001 on drawn faces (10,000 impostor pairs)" in text
    assert "From 0.300 (a false-match rate of 0.01)" in text
    values = rule.to_dict()
    assert (values["threshold"], values["fmr"], values["uncertain_threshold"]) == (0.4, 1e-3, 0.3)
    assert Rule(threshold(1e-3)).to_dict()["uncertain_fmr"] is None


@pytest.mark.parametrize(
    ("fpir", "size", "fmr"),
    [(0.01, 1, 1e-2), (0.01, 2, 1e-3), (0.01, 10, 1e-3), (0.01, 11, 1e-4), (0.01, 100, 1e-4), (0.3, 300, 1e-3)],
)
def test_a_search_takes_the_largest_rate_that_its_size_allows(fpir: float, size: int, fmr: float) -> None:
    found = CardThresholds(card(1e-2, 1e-3, 1e-4)).identification_threshold(fpir, size)
    assert found.fmr == fmr
    assert found.fmr * size <= fpir * (1 + 1e-6)


def test_a_search_too_large_for_the_card_is_refused_with_what_it_is_enough_for() -> None:
    with pytest.raises(InputError, match=r"goes down to 0\.0001, enough for 100 faces"):
        CardThresholds(card(1e-2, 1e-3, 1e-4)).identification_threshold(0.01, 101)
    with pytest.raises(InputError, match="has none"):
        CardThresholds(card()).identification_threshold(0.01, 1)


@pytest.mark.parametrize("fpir", [0.0, 1.0, -0.1, 7.0])
def test_a_rate_is_a_share(fpir: float) -> None:
    with pytest.raises(InputError, match="fpir is a share"):
        CardThresholds(card(1e-2)).identification_threshold(fpir, 1)
