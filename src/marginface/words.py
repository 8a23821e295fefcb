"""How counts, shares, differences and causes are said: ``1 face``, ``2 faces``, ``12.50 %``, ``−0.52 points``."""

from __future__ import annotations

from collections.abc import Sequence

_IRREGULAR = {"person": "people", "identity": "identities", "entry": "entries"}


def plural(count: int, noun: str) -> str:
    """Return a count and its noun, in the singular for 1.

    >>> plural(1, "face"), plural(0, "face"), plural(1_000, "person")
    ('1 face', '0 faces', '1,000 people')
    """
    return f"{count:,} {noun if count == 1 else _IRREGULAR.get(noun, noun + 's')}"


def plurals(*counts: tuple[int, str]) -> str:
    """Return several counts in a row.

    >>> plurals((1, "person"), (3, "face"))
    '1 person, 3 faces'
    """
    return ", ".join(plural(count, noun) for count, noun in counts)


def about(number: float) -> str:
    """Return a number to two digits, and never as 1e+02.

    >>> about(124.7), about(99.8), about(0.0437)
    ('120', '100', '0.044')
    """
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def percent(share: float, digits: int = 2) -> str:
    """Return a share as percent.

    >>> percent(0.125), percent(0.125, 0)
    ('12.50 %', '12 %')
    """
    return f"{100 * share:.{digits}f} %"


def percent_interval(interval: Sequence[float], digits: int = 2) -> str:
    """Return an interval of shares as percent, without the sign.

    >>> percent_interval((0.125, 0.25), 1)
    '12.5 – 25.0'
    """
    return f"{100 * interval[0]:.{digits}f} – {100 * interval[1]:.{digits}f}"


def decimal(value: float, digits: int = 3) -> str:
    """Return a number with so many digits after the point, such as a similarity; below 0 with a minus sign, no hyphen.

    >>> decimal(0.4215), decimal(-0.1), decimal(2.25, 1)
    ('0.421', '−0.100', '2.2')
    """
    return f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 2) -> str:
    """Return a difference, always with its sign.

    >>> signed(0.52), signed(-0.52), signed(-3, 1)
    ('+0.52', '−0.52', '−3.0')
    """
    return f"{value:+.{digits}f}".replace("-", "−")


def points(difference: float, interval: Sequence[float] | None = None) -> str:
    """Return a difference of two shares in percent points, and its interval if there is one.

    >>> points(-0.0052), points(-0.0052, (-0.011, 0.0004))
    ('−0.52 points', '−0.52 points [−1.10, +0.04]')
    """
    ends = "" if interval is None else f" [{', '.join(signed(100 * end) for end in interval)}]"
    return f"{signed(100 * difference)} points{ends}"


def cause(error: Exception) -> str:
    """Return what an error says; one of the operating system without its number and the file, which our messages name.

    >>> cause(IsADirectoryError(21, "Is a directory", "photos")), cause(ValueError("2 columns"))
    ('is a directory', '2 columns')
    """
    said = error.strerror if isinstance(error, OSError) else None
    return said[:1].lower() + said[1:] if said else str(error)
