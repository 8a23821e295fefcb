"""Text of others in a cell of a CSV file, which a spreadsheet must not run."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: what begins as one gets an apostrophe in front.

    Source: OWASP, "CSV injection".

    >>> plain_cell("=1+1"), plain_cell("Ann/1.jpg")
    ("'=1+1", 'Ann/1.jpg')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
