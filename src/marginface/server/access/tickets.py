"""Tickets: for a minute, the right to see one thing, for what a browser fetches without a header, such as a frame.

    ticket = expiry "." hmac(secret, subject "|" expiry)

A ticket is of no use for anything else, and every worker can check it without having made it.
"""

from __future__ import annotations

import hmac
import time

from marginface.server.access import Forbidden
from marginface.server.state import State

SECONDS = 60
_PURPOSE = "tickets"


def issue_ticket(state: State, subject: str, *, now: float | None = None) -> str:
    """Return a ticket for a subject that is good for SECONDS."""
    expiry = int((time.time() if now is None else now) + SECONDS)
    return f"{expiry}.{_mark(state, subject, expiry)}"


def check_ticket(state: State, subject: str, ticket: str, *, now: float | None = None) -> None:
    """Raise Forbidden unless a ticket is for this subject and its minute is not over."""
    said, _, mark = ticket.partition(".")
    expiry = int(said) if said.isascii() and said.isdigit() and len(said) < 16 else 0
    if not hmac.compare_digest(mark.encode(), _mark(state, subject, expiry).encode()):
        raise Forbidden("the ticket is not for this; ask for one where the report is listed")
    if expiry < (time.time() if now is None else now):
        raise Forbidden(f"the ticket was good for {SECONDS} s and is over; open the report again")


def _mark(state: State, subject: str, expiry: int) -> str:
    return state.fingerprint(_PURPOSE, f"{subject}|{expiry}".encode())
