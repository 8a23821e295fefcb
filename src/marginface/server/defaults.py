"""What a service takes where nobody says otherwise, besides marginface.defaults; nothing is imported here either."""

from __future__ import annotations

DEFAULT_HOST = "127.0.0.1"  # this machine alone
DEFAULT_PORT = 8000
DEFAULT_PROCESSES = 1  # that answer
DEFAULT_KEEP_EVENTS = 400  # days: more than a year
DEFAULT_PURGE_EVERY = 24.0  # hours
DEFAULT_REVIEW = "standard"  # a name in enrolment.REVIEWS: how strictly photos are looked at that are enrolled
