"""Times as galleries and the state of the service hold them: text in UTC, to the second, that sorts as they follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def time_text(time: datetime) -> str:
    """Return a time as 2027-01-31T12:00:00Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_text() -> str:
    """Return the time now."""
    return time_text(datetime.now(UTC))


def later_text(days: float) -> str:
    """Return the time in so many days; a negative number is one that has passed."""
    return time_text(datetime.now(UTC) + timedelta(days=days))
