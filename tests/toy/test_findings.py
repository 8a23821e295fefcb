from __future__ import annotations

import pytest

from marginface.toy import Finding, findings
from marginface.words import percent


def by_claim(found: tuple[Finding, ...], word: str) -> Finding:
    (chosen,) = [finding for finding in found if word in finding.claim]
    return chosen


def test_a_gap_that_grows_with_the_margin_agrees_with_cosface(made_study) -> None:
    study = made_study({"cosface:margin=0.2": (1, 1), "cosface:margin=0": (4, 1), "cosface:margin=0.1": (2, 1)})
    finding = by_claim(findings(study), "The larger m")
    assert finding.verdict == "agrees"
    assert "cosface:margin=0.1 against cosface:margin=0:" in finding.numbers
    assert "cosface:margin=0.2 against cosface:margin=0.1:" in finding.numbers


def test_a_gap_that_shrinks_does_not_agree_and_an_equal_one_is_not_shown(made_study) -> None:
    shrinks = made_study({"cosface:margin=0": (1, 1), "cosface:margin=0.1": (4, 1)})
    assert by_claim(findings(shrinks), "The larger m").verdict == "does not agree"
    equal = made_study({"cosface:margin=0": (2, 1), "cosface:margin=0.1": (2, 1)})
    assert by_claim(findings(equal), "The larger m").verdict == "not shown"
    mixed = made_study({"cosface:margin=0": (4, 1), "cosface:margin=0.1": (1, 1), "cosface:margin=0.2": (4, 1)})
    assert by_claim(findings(mixed), "The larger m").verdict == "agrees in part"


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [((1.0, 0.5), "agrees"), ((1.0, 1.0), "agrees in part"), ((0.5, 1.0), "does not agree")],
)
def test_the_bound_agrees_if_the_margin_is_kept_below_it_and_not_above(made_study, kept, verdict) -> None:
    study = made_study({"cosface:margin=0.2": (1, kept[0]), "cosface:margin=0.35": (1, kept[1])})
    finding = by_claim(findings(study), "allow m up to 0.293")
    assert finding.verdict == verdict
    assert f"m = 0.35: {percent(kept[1], 1)}" in finding.numbers


def test_softmax_is_ambiguous_where_its_classes_meet(made_study) -> None:
    wide = findings(made_study({"softmax": (20, 1), "cosface:margin=0.1": (2, 1)}))
    assert by_claim(wide, "ambiguous").verdict == "agrees"
    assert "softmax 8 of 8, cosface:margin=0.1 0 of 8" in by_claim(wide, "ambiguous").numbers
    assert by_claim(wide, "wider gap").verdict == "agrees"
    narrow = findings(made_study({"softmax": (2, 1), "cosface:margin=0.1": (3, 1)}))
    assert by_claim(narrow, "ambiguous").verdict == "does not agree"
    assert by_claim(narrow, "wider gap").verdict == "does not agree"


def test_x2_softmax_is_compared_with_each_other_loss(made_study) -> None:
    found = findings(made_study({"softmax": (4, 1), "arcface": (1, 1), "x2softmax": (2, 1)}))
    compact, apart = by_claim(found, "more compact"), by_claim(found, "farther apart")
    assert compact.verdict == apart.verdict == "agrees in part"
    assert "x2softmax against softmax: −" in compact.numbers
    assert "x2softmax against arcface: +" in compact.numbers
    assert "x2softmax against softmax: +" in apart.numbers
    best = findings(made_study({"softmax": (4, 1), "arcface": (3, 1), "x2softmax": (1, 1)}))
    assert by_claim(best, "more compact").verdict == "agrees"


def test_the_growth_of_the_x2_margin_is_looked_up_at_the_angles_of_the_training(made_study) -> None:
    finding = by_claim(findings(made_study({"x2softmax": (1, 1)})), "margin grows")
    assert "45.0° to 45.0° away, where its margin is 22.5° to 22.5°" in finding.numbers


def test_nothing_is_said_without_a_comparison(made_study) -> None:
    assert findings(made_study({"softmax": (2, 1), "arcface": (1, 1)})) == ()
