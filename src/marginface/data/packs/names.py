"""What a label is called in files, and how labels are written."""

from __future__ import annotations

# Fields and columns that hold the identity; the first that is there counts: a name says more than a number.
LABEL_NAMES = (
    "identity", "label", "labels", "cls", "class", "class_id", "identity_id", "person", "person_id", "subject",
    "subject_id",
)  # fmt: skip


def plain_number(text: str) -> str:
    """Return a whole number without its decimals, any other text as it is.

    >>> plain_number("3.000000"), plain_number("007"), plain_number("Ann")
    ('3', '007', 'Ann')
    """
    head, dot, decimals = text.partition(".")
    return head if dot and head.isdecimal() and not decimals.strip("0") else text
