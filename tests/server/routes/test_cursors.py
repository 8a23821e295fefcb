"""A cursor tells nothing, and fits where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marginface.errors import InputError
from marginface.gallery.address import Address
from marginface.server.routes.cursors import Paging, make_cursor, numbered, read_cursor
from marginface.server.state import State, open_state


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    opened = open_state(Address(tmp_path_factory.mktemp("state") / "people.db.service"))
    yield opened
    opened.close()


@settings(max_examples=25)
@given(position=st.integers(0, 2**63), listing=st.text())
def test_a_cursor_comes_back_as_its_position(state: State, position: int, listing: str) -> None:
    assert read_cursor(state, listing, make_cursor(state, listing, position)) == position


def test_no_cursor_is_the_first_page(state: State) -> None:
    assert read_cursor(state, "persons", None) is None


@given(cursor=st.text())
def test_no_other_text_is_a_cursor(state: State, cursor: str) -> None:
    with pytest.raises(InputError, match="next_cursor"):
        read_cursor(state, "persons", cursor)


def test_a_cursor_is_of_one_listing_of_one_service(state: State, tmp_path: Path) -> None:
    cursor = make_cursor(state, "persons|staff|", 7)
    with pytest.raises(InputError):
        read_cursor(state, "persons|visitors|", cursor)
    other = open_state(Address(tmp_path / "other.db.service"))
    with pytest.raises(InputError):
        read_cursor(other, "persons|staff|", cursor)
    other.close()


def test_two_cursors_of_one_position_look_unlike(state: State) -> None:
    assert make_cursor(state, "persons", 7) != make_cursor(state, "persons", 7)


def test_pages_hold_every_item_once_and_the_last_has_no_cursor(state: State) -> None:
    def page(cursor: str | None) -> dict[str, Any]:
        def find(after: int | None, count: int) -> list[tuple[int, str]]:
            return numbered(list("abcdefg"), after, count)

        return Paging(state, cursor, 3).page("letters", find, lambda one: one[0], lambda one: {"letter": one[1]})

    pages = [page(None)]
    while pages[-1]["next_cursor"]:
        pages.append(page(pages[-1]["next_cursor"]))
    assert [[item["letter"] for item in one["items"]] for one in pages] == [list("abc"), list("def"), list("g")]
    assert Paging(state, None, 7).page("none", lambda _, __: [], int, dict) == {"items": [], "next_cursor": None}
