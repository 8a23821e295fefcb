"""Searches that have several right answers: the ranks of all of them, and the average precision.

A gallery may hold several images of the probe's person (its mates). Rank k counts a search whose first mate is among
the k most similar entries. The average precision looks at all mates: with R of them at ranks r_1 < … < r_R it is

    AP = 1/R · Σ_m ½·( m/r_m + (m − 1)/(r_m − 1) ),    (m − 1)/(r_m − 1) taken as 1 at r_m = 1

the area under the curve of precision over recall by the trapezoidal rule. Its mean over probes is mAP. An entry of
another person that is as similar as a mate comes before it: a tie counts against the model.

Sources: Philbin et al., "Object retrieval with large vocabularies and fast spatial matching", CVPR 2007 (its
compute_ap); TinyFace: Cheng, Zhu & Gong, "Low-resolution face recognition", ACCV 2018, whose evaluation is this one.
"""

from __future__ import annotations

import numpy as np

from marginface.errors import InputError
from marginface.values import BoolArray, DoubleArray, IntArray

_FEW = 16  # mates: beyond, one sort of the gallery costs less than comparing all of it with each


def mate_ranks(similarities: DoubleArray, mates: BoolArray) -> IntArray:
    """Return the ranks of the mates among all entries of one search, rising, from 1.

    Args:
        similarities: (G,) of the probe to each entry; −inf where an entry could not be enrolled.
        mates: (G,) which entries are of the probe's person.

    >>> mate_ranks(np.array([0.9, 0.8, 0.8, 0.1]), np.array([False, True, False, True])).tolist()
    [3, 4]
    """
    own, others = np.sort(similarities[mates])[::-1], similarities[~mates]
    if len(own) > _FEW:
        before = len(others) - np.searchsorted(np.sort(others), own, side="left")
    else:
        before = np.array([np.count_nonzero(others >= value) for value in own], dtype=np.int64)
    return np.asarray(before + np.arange(1, len(own) + 1), dtype=np.int64)


def average_precision(ranks: IntArray, mates: int) -> float:
    """Return the average precision of one search; ``ranks`` (F,) rise, and mates that are not among them were lost.

    Raises:
        InputError: there is no mate, or more ranks than mates.

    >>> round(average_precision(np.array([1, 3]), mates=2), 4)
    0.7917
    """
    if not max(1, len(ranks)) <= mates:
        raise InputError(f"a search has one mate or more, and no more ranks than mates; got {len(ranks)} of {mates}")
    order = np.arange(1, len(ranks) + 1)
    before = np.divide(order - 1, ranks - 1, out=np.ones(len(ranks)), where=ranks > 1)
    return float((order / ranks + before).sum() / (2 * mates))
