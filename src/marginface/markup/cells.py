"""Text of others in a cell: of a CSV file, which a spreadsheet must not run, and of a table in LaTeX."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"–": "--", "−": "$-$"}
)


def plain_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: what begins as one gets an apostrophe in front.

    Source: OWASP, "CSV injection".

    >>> plain_cell("=1+1"), plain_cell("Ann/1.jpg")
    ("'=1+1", 'Ann/1.jpg')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def tex_cell(text: str) -> str:
    r"""Return text that LaTeX sets as it stands.

    >>> print(tex_cell("ArcFace_64: 95 %, −0.5 – 1"))
    ArcFace\_64: 95 \%, $-$0.5 -- 1
    """
    return text.translate(_TEX)
