"""A curve in a line of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """Draw values as bars from the smallest to the largest; where there are more than ``width``, means of neighbors.

    >>> sparkline([1.0, 2.0, 3.0, 8.0])
    '▁▂▃█'
    >>> sparkline([2.0, 2.0])
    '▁▁'
    """
    if not values:
        return ""
    means = np.array([part.mean() for part in np.array_split(np.asarray(values, np.float64), min(width, len(values)))])
    span = float(np.ptp(means))
    heights = np.zeros(len(means)) if span == 0 else (means - means.min()) / span * (len(_BARS) - 1)
    return "".join(_BARS[round(float(height))] for height in heights)
