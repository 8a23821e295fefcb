"""A line of log says where something went wrong, and never what it said."""

from __future__ import annotations

from marginface.server.logs import places_in


def test_the_innermost_calls_come_first_and_no_value_is_in_them() -> None:
    def inner(name: str) -> None:
        raise ValueError(name)

    def outer(depth: int) -> None:
        outer(depth - 1) if depth else inner("Ann Example")

    try:
        outer(20)
    except ValueError as error:
        places = places_in(error.__traceback__)
    assert places.startswith("test_logs.py:")
    assert places.count(" < ") == 7
    assert places.index(" inner") < places.index(" outer")
    assert "Ann" not in places
