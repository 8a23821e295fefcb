"""A listing, a page at a time. Where it goes on is sealed: a cursor tells nothing, and fits where it came from."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from marginface.errors import GalleryError, InputError
from marginface.server.state import State

Item = TypeVar("Item")
_PURPOSE = "cursors"


@dataclass(frozen=True, slots=True)
class Paging:
    """What part of a listing is asked for: so many items, after those that were given before."""

    state: State
    cursor: str | None
    limit: int

    def page(
        self,
        listing: str,
        find: Callable[[int | None, int], Sequence[Item]],
        number: Callable[[Item], int],
        told: Callable[[Item], dict[str, Any]],
    ) -> dict[str, Any]:
        """Return a page as plain values: the items, and the cursor of the next page where there is one.

        Args:
            listing: What is listed, with everything that chooses its items.
            find: Returns items after the number of the last one that was given (None: from the first), so many at most.
            number: Of an item, at least 0.
            told: An item as plain values.

        Raises:
            InputError: The cursor was not made by this service, or for another listing.
        """
        found = find(read_cursor(self.state, listing, self.cursor), self.limit + 1)  # one more: is there a next page?
        page = found[: self.limit]
        following = make_cursor(self.state, listing, number(page[-1])) if len(found) > self.limit else None
        return {"items": [told(item) for item in page], "next_cursor": following}


def numbered(items: Sequence[Item], after: int | None, count: int) -> list[tuple[int, Item]]:
    """Return items with their numbers from 1, after one number: the pages of what has no numbers of its own.

    >>> numbered(["a", "b", "c"], 1, 5)
    [(2, 'b'), (3, 'c')]
    """
    first = after or 0
    return list(enumerate(items[first : first + count], start=first + 1))


def make_cursor(state: State, listing: str, position: int) -> str:
    """Return a text for the number of the last item that was given; all workers read what one of them made."""
    return base64.urlsafe_b64encode(state.seal(_PURPOSE, listing, struct.pack("<Q", position))).decode()


def read_cursor(state: State, listing: str, cursor: str | None) -> int | None:
    """Return the number in a cursor; None where there is no cursor.

    Raises:
        InputError: It was not made by this service, or for another listing.
    """
    if cursor is None:
        return None
    try:
        content = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        opened = state.unseal(_PURPOSE, listing, content)
    except (UnicodeEncodeError, binascii.Error, GalleryError):
        raise InputError(
            "cursor: this is no cursor of this listing. Send next_cursor of the page before, with the same filters, "
            "or none for the first page"
        ) from None
    return int(struct.unpack("<Q", opened)[0])
