"""Times as the state of the service holds them: text in UTC, to the second, so that they sort as they follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marginface.server.access.keys import time_text


def now_text() -> str:
    """Return the time now, as 2027-01-31T12:00:00Z."""
    return time_text(datetime.now(UTC))


def later_text(days: float) -> str:
    """Return the time in so many days; a negative number is one that has passed."""
    return time_text(datetime.now(UTC) + timedelta(days=days))
