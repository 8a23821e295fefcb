"""Numbers and opaque ids, as the tables of the state hold them."""

from __future__ import annotations

import re

from sqlalchemy import BigInteger, Integer

from marginface.gallery.enrolled.people import new_uid

NUMBER = BigInteger().with_variant(Integer, "sqlite")  # INTEGER PRIMARY KEY is SQLite's row id

__all__ = ["NUMBER", "is_uid", "new_uid"]


def is_uid(kind: str, text: str) -> bool:
    """Say whether a text has the form of an opaque id of a kind; a database chokes on some texts that have not.

    >>> is_uid("j", "j-5d0c9be1f2a34877"), is_uid("e", "j-5d0c9be1f2a34877")
    (True, False)
    """
    return re.fullmatch(rf"{kind}-[0-9a-f]{{16}}", text) is not None
