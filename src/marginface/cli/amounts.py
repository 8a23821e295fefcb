"""Bytes and seconds as a person reads them."""

from __future__ import annotations


def amount(count: float) -> str:
    """Return bytes in units of 1000.

    >>> amount(1234), amount(21_500_000_000)
    ('1.23 kB', '21.5 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


def duration(seconds: float) -> str:
    """Return a time in milliseconds or seconds.

    >>> duration(0.0123), duration(1770.4)
    ('12.3 ms', '1,770 s')
    """
    if seconds < 0.9995:
        return f"{1000 * seconds:.3g} ms"
    return f"{seconds:.3g} s" if seconds < 999.5 else f"{seconds:,.0f} s"
