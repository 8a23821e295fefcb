"""Gates: each laxer one lets through what a stricter one does, and says why it refuses."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginface.errors import UnknownName
from marginface.quality import CUES, GATES, Quality, shortfalls
from marginface.reasons import Reason

values = st.fixed_dictionaries({name: st.floats(-90, 90) for name in CUES}).map(Quality)
ORDER = ("off", "usable", "standard", "strict")


@given(values)
def test_a_stricter_gate_refuses_whatever_a_laxer_one_does(quality: Quality) -> None:
    refused = [{remark.reason for remark in shortfalls(quality, gate)} for gate in ORDER]
    assert refused[0] == set()
    for laxer, stricter in pairwise(refused):
        assert laxer <= stricter


def test_every_floor_is_of_a_cue_and_at_its_limit_a_face_passes() -> None:
    for gate in ORDER:
        for floor in GATES[gate]:
            assert floor.cue in CUES
            assert floor.holds(Quality({floor.cue: floor.limit}))
            beyond = floor.limit * (1.01 if floor.kind == "most" else 0.99)
            assert not floor.holds(Quality({floor.cue: beyond}))
            if floor.kind == "most":
                assert not floor.holds(Quality({floor.cue: -beyond}))


def test_what_could_not_be_told_refuses_nothing() -> None:
    assert shortfalls(Quality({}), "strict") == ()


def test_a_refusal_says_reason_value_and_limit() -> None:
    (remark,) = shortfalls(Quality({"inter_eye_distance": 5.25}), "usable")
    assert remark.reason is Reason.FACE_TOO_SMALL
    assert remark.text.startswith("The eyes are too few pixels apart: inter eye distance 5.25 px, at least ")


def test_an_unknown_gate_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Known: off, usable, standard, strict"):
        shortfalls(Quality({}), "loose")


def test_no_floor_hangs_on_the_mean_luminance_which_is_skin_as_much_as_light() -> None:
    assert "luminance_mean" not in {floor.cue for gate in ORDER for floor in GATES[gate]}
