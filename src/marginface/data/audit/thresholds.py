"""The similarity from which two images count as one person: stated with its false-match rate and its data."""

from __future__ import annotations

import numpy as np

from marginface.data.audit.likeness import Embeddings, has_embedding
from marginface.errors import InputError
from marginface.metrics import count_similarities, similarity_of
from marginface.metrics.roc import PAIRS_PER_ERROR
from marginface.values import IntArray, Threshold

SAMPLE = 8192  # images: 33 million pairs


def measure_thresholds(
    embeddings: Embeddings, labels: IntArray, fmrs: tuple[float, ...], seed: int = 0
) -> tuple[Threshold, ...]:
    """Set a threshold for each false-match rate on every two images of two identities, of at most SAMPLE images.

    The images are drawn identity by identity, so that no well-photographed person decides. A rate that the pairs do not
    support tenfold is replaced by the smallest that they do. Pairs that are one person under two labels count as false
    matches here, so that the true rate of images is at most the one stated. Identities of several images are compared
    by their templates with the same threshold: on LFW about as many of them matched by chance as the rate says.

    Raises:
        InputError: there are no two identities with embeddings.
    """
    chosen = _drawn(np.flatnonzero(has_embedding(embeddings)), labels, seed)
    if len(np.unique(labels[chosen])) < 2:
        raise InputError("a threshold is measured on images of two identities or more; there are none with embeddings")
    counts = count_similarities(np.asarray(embeddings[chosen], np.float32), labels[chosen])
    pairs = counts.impostor_pairs
    data = f"every two of {len(chosen):,} images of {len(np.unique(labels[chosen])):,} identities of this data"
    made = []
    for asked in fmrs:
        fmr = max(asked, min(PAIRS_PER_ERROR / pairs, 1.0))
        made.append(Threshold(similarity_of(counts.step_at(fmr)), fmr, pairs, data))
    return tuple(made)


def _drawn(images: IntArray, labels: IntArray, seed: int) -> IntArray:
    """Return at most SAMPLE images: a first one of each identity, in random order, then and so on."""
    shuffled = np.random.default_rng(seed).permutation(images)
    order = np.argsort(labels[shuffled], kind="stable")
    own = labels[shuffled][order]
    turn = np.empty(len(own), np.int64)
    turn[order] = np.arange(len(own)) - np.searchsorted(own, own)
    return np.sort(shuffled[np.argsort(turn, kind="stable")][:SAMPLE])
