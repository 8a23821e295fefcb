"""Names of people and collections, and other text that is recorded."""

from __future__ import annotations

import unicodedata

from marginface.errors import InputError

LONGEST_NAME = 200  # characters, of a person and of a collection
LONGEST_TEXT = 2_000  # of what else is recorded
MIGRATING, RETIRED = ".migrating-", ".retired-"  # in the names of collections beside another one: see succession.py
_JOINERS = "\u200c\u200d"  # between letters of Persian and of Indian scripts they are part of the spelling


def checked_name(name: str, what: str = "a name") -> str:
    r"""Return a name in NFC with single spaces; one name has one form.

    >>> checked_name(" Zoe\u0308  Example ")
    'Zoë Example'

    Raises:
        InputError: it is empty, too long, not Unicode, a step of a path (``.``, ``..``), or holds control characters.
    """
    clean = " ".join(unicodedata.normalize("NFC", name).split())
    check_text(clean, what, LONGEST_NAME)
    if clean in (".", ".."):
        raise InputError(f"{what} is not {name!r}: in an address it means the folder above. Choose another")
    if not clean or any(unicodedata.category(sign) in ("Cc", "Cf", "Cs") for sign in clean if sign not in _JOINERS):
        raise InputError(f"{what} is text that can be read, without control characters; got {name!r}")
    return clean


def is_beside(collection: str) -> bool:
    """Say whether a collection is the one that a migration fills or leaves: it is meant only where it is named.

    >>> is_beside("people.retired-59b08417f911d62a"), is_beside("people")
    (True, False)
    """
    return MIGRATING in collection or RETIRED in collection


def check_text(text: str, what: str, longest: int) -> None:
    """Raise InputError for text that is too long, or no Unicode."""
    if len(text) > longest:
        raise InputError(f"{what} has at most {longest:,} characters; got {len(text):,}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what} is Unicode text; got {text!r}, which is not (bytes of another encoding?)") from None
