"""Reason codes: for programs by value, for people by sentence."""

from __future__ import annotations

import pytest

from marginface.reasons import Reason, Remark, codes_of


def test_every_code_is_one_word_of_json_and_has_one_sentence() -> None:
    assert len({reason.value for reason in Reason}) == len({reason.sentence for reason in Reason}) == len(list(Reason))
    for reason in Reason:
        assert reason.value.replace("_", "").isalpha()
        assert reason.value == reason.name.lower()
        assert reason.sentence[0].isupper()
        assert reason.sentence.endswith(".")
        assert reason.sentence.count(". ") == 0


def test_a_code_that_was_written_as_json_is_read_back() -> None:
    assert Reason("no_face") is Reason.NO_FACE
    with pytest.raises(ValueError, match="no_faces"):
        Reason("no_faces")


def test_codes_are_each_named_once_and_in_order() -> None:
    remarks = [Remark(reason, "") for reason in (Reason.BLURRED, Reason.TURNED, Reason.BLURRED)]
    assert codes_of(remarks) == (Reason.BLURRED, Reason.TURNED)
    assert str(Remark(Reason.BLURRED, "a.jpg is blurred")) == "a.jpg is blurred"
