"""Where a list goes on: sealed, so that a cursor tells nothing, cannot be made up, and fits no other listing."""

from __future__ import annotations

import base64
import binascii
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marginface.errors import InputError
from marginface.server.state import State

_NONCE = 12
_PURPOSE = "cursors"


def make_cursor(state: State, listing: str, position: int) -> str:
    """Return a text for the position of the last item that was given.

    Args:
        state: Of the service: all its workers read what one of them made.
        listing: What is listed, with everything that chooses its items.
        position: The number of the last item, at least 0.
    """
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(state.secret(_PURPOSE)).encrypt(nonce, struct.pack("<Q", position), listing.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def read_cursor(state: State, listing: str, cursor: str | None) -> int | None:
    """Return the position of a cursor; None where there is no cursor.

    Raises:
        InputError: It was not made by this service, or for another listing.
    """
    if cursor is None:
        return None
    try:
        content = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        opened = AESGCM(state.secret(_PURPOSE)).decrypt(content[:_NONCE], content[_NONCE:], listing.encode())
    except (UnicodeEncodeError, binascii.Error, ValueError, InvalidTag):
        raise InputError(
            "cursor: this is no cursor of this listing. Send next_cursor of the page before, with the same filters, "
            "or none for the first page"
        ) from None
    return int(struct.unpack("<Q", opened)[0])
