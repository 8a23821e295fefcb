"""The named table."""

from __future__ import annotations

import time

import pytest

from marginface.errors import InputError, UnknownName
from marginface.registry import Registry, near_names


@pytest.fixture
def table() -> Registry[int]:
    entries: Registry[int] = Registry("loss")
    entries.add("arcface", 1)
    entries.add("cosface", 2)
    return entries


def test_a_table_is_a_mapping_in_the_order_of_adding(table: Registry[int]) -> None:
    assert dict(table) == {"arcface": 1, "cosface": 2}
    assert list(table) == ["arcface", "cosface"]


def test_an_unknown_name_is_answered_with_the_near_one_and_all_names(table: Registry[int]) -> None:
    with pytest.raises(UnknownName, match=r"unknown loss 'arcfac'. Did you mean 'arcface'\? Known: arcface, cosface"):
        table["arcfac"]


def test_a_membership_question_about_an_unknown_name_is_no_error(table: Registry[int]) -> None:
    assert "softmax" not in table
    assert table.get("arcface") == 1


def test_a_name_can_be_given_once(table: Registry[int]) -> None:
    with pytest.raises(InputError, match="in the table already"):
        table.add("arcface", 3)


def test_no_suggestion_is_made_where_nothing_is_near() -> None:
    assert near_names("zzz", ["arcface"]) == ""


def test_a_name_of_a_million_characters_costs_nothing_and_is_not_repeated(table: Registry[int]) -> None:
    began = time.process_time()
    with pytest.raises(UnknownName) as refused:
        table["arcface" * 200_000]
    assert time.process_time() - began < 0.05
    assert len(str(refused.value)) < 200


def test_long_names_among_the_known_are_not_compared() -> None:
    alike = ["ab" * 2000 + str(number) for number in range(50)]
    began = time.process_time()
    assert near_names("ab" * 32, alike) == ""
    assert near_names("a" * 70, alike) == ""
    assert time.process_time() - began < 0.05
