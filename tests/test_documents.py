"""Text of others: what is no TOML, JSON or number is a ValueError, and nothing else."""

from __future__ import annotations

import pytest

from marginface.documents import parse_json, parse_toml, whole_number


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 3000, "a = " + "9" * 5000, "a = ", "[a]\n[a]", "a = 1\na = 2", "\x00", "a = '\ud800", "a = 1e"],
)
def test_what_is_no_toml_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_toml(text)


@pytest.mark.parametrize("text", ["[" * 3000, '{"a":' * 3000, "9" * 5000, "", "{", b"\xff\xfe\x00", b"\xed\xa0\x80"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_the_mark_that_windows_puts_before_a_text_is_none_of_it() -> None:
    assert parse_toml("\ufeffa = 1") == {"a": 1}
    assert parse_json('\ufeff{"a": 1}') == parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("0042", 42), ("9" * 18, 10**18 - 1), ("٣", 3)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "²", " 1", "1_0", "9" * 19, "9" * 5000, "one"])
def test_other_text_is_none(text: str) -> None:
    assert whole_number(text) is None
