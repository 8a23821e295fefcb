"""Times as galleries and services have written them from the first: in UTC, to the second, so that they sort."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from marginface.clock import later_text, now_text, time_text


def test_a_time_is_said_in_utc_wherever_it_was_taken() -> None:
    here = datetime(2027, 1, 31, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert time_text(here) == "2027-01-31T12:00:00Z"
    assert datetime.fromisoformat(now_text()).tzinfo == UTC


def test_times_sort_as_they_follow() -> None:
    texts = [later_text(days) for days in (-30, -1 / 24, 0, 1 / 24, 30)]
    assert texts == sorted(texts)
    assert len(set(texts)) == 5
