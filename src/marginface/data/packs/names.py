"""What a label is called in files, and how labels are written."""

from __future__ import annotations

# Fields and columns that hold the identity, the first that is there counts.
LABEL_NAMES = ("label", "labels", "identity", "cls", "class", "identity_id", "person", "person_id", "id", "name")


def plain_number(text: str) -> str:
    """Return a whole number without its decimals, any other text as it is.

    >>> plain_number("3.000000"), plain_number("Ann")
    ('3', 'Ann')
    """
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else text
