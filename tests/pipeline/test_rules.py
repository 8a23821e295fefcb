"""Thresholds and three answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.pipeline.rules import Rule
from marginface.values import Decision, Threshold

SIMILARITIES = {1e-2: 0.3, 1e-3: 0.4, 1e-4: 0.5}


def threshold(fmr: float) -> Threshold:
    return Threshold(SIMILARITIES[fmr], fmr, 10_000, "drawn faces")


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
