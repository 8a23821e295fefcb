"""Groups of unknown people: embeddings → groups, by average linkage on cosine.

Two groups are joined as long as the mean similarity of their pairs of faces is at or above a threshold, the most
similar first (UPGMA; Sokal & Michener 1958, here scipy's). A mean of many pairs is not moved by one look-alike, which
is what joins everybody to everybody where a single pair is enough.

A mean at or above the threshold needs a pair at or above it. So the faces are first split into the connected components
of the graph of such pairs, and each is grouped alone: the result is the same, and memory is that of the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from marginface.errors import InputError, MissingExtra
from marginface.values import DoubleArray, FloatArray, IntArray, frozen

APART = 1.0  # by which two faces of one photo count as less similar
LARGEST = 20_000  # faces of a component: its distances take 4 bytes × the square of them, and as much again
_BLOCK = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """The groups of N faces; a face without company is a group of one.

    Attributes:
        labels: (N,) the group of each face, from 0: the largest first, of equal ones that of the earlier face.
        threshold: The mean similarity at which groups were joined.
    """

    labels: IntArray
    threshold: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", frozen(self.labels))

    def __len__(self) -> int:
        return int(self.labels.max(initial=-1)) + 1

    def groups(self) -> list[IntArray]:
        """Return the faces of each group, rising."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.labels, minlength=len(self)))[:-1]) if len(order) else []


def cluster(vectors: FloatArray, threshold: float, *, photos: IntArray | None = None) -> Clustering:
    """Group faces by who they may be.

    Args:
        vectors: Unit rows (N, D) of one contract.
        threshold: A similarity in (−1, 1); calibration or the model's card gives one for a false-match rate.
        photos: (N,) the photo each face is in. Two faces of one photo are two people as a rule: such a pair counts as
            1 less similar. It is a soft rule: a face in a mirror or a collage still joins the group that the other
            photos speak for.

    Raises:
        InputError: Other shapes, or so many faces hang together at this threshold that memory does not do.
        MissingExtra: scipy is not installed.

    >>> rows = np.array([[1, 0], [0, 1], [0.8, 0.6], [0.6, 0.8]], np.float32)
    >>> cluster(rows, 0.9).labels.tolist()
    [1, 2, 0, 0]
    """
    if vectors.ndim != 2 or (photos is not None and photos.shape != vectors.shape[:1]):
        given = "" if photos is None else f" with photos {photos.shape}"
        raise InputError(f"faces to group are unit rows (N, D), each with its photo; got {vectors.shape}{given}")
    require_can_group(threshold)
    labels, used = np.empty(len(vectors), np.int64), 0
    for faces in _components(vectors, threshold):
        own = None if photos is None else photos[faces]
        labels[faces] = used + _average_linkage(vectors[faces], threshold, own)
        used = int(labels[faces].max()) + 1
    return Clustering(_by_size(labels), threshold)


def require_can_group(threshold: float) -> None:
    """Raise what ``cluster`` raises whatever the faces are, so that nobody embeds thousands of photos for nothing.

    Raises:
        InputError: The threshold is no similarity.
        MissingExtra: scipy is not installed.
    """
    if not -1 < threshold < 1:
        raise InputError(f"the threshold of groups is a similarity between -1 and 1; got {threshold}")
    _scipy("sparse")


def _components(vectors: FloatArray, threshold: float) -> Iterator[IntArray]:
    """Return the faces that hang together by pairs at or above the threshold."""
    sparse, csgraph = _scipy("sparse"), _scipy("sparse.csgraph")
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(vectors), _BLOCK):
        rows, columns = np.nonzero(vectors[start : start + _BLOCK] @ vectors[start:].T >= threshold - 1e-5)
        later = columns > rows
        first.append(rows[later] + start)
        second.append(columns[later] + start)
    edges = np.concatenate(first), np.concatenate(second)
    ones = np.ones(len(edges[0]), bool)
    graph = sparse.coo_matrix((ones, edges), shape=(len(vectors), len(vectors)))
    _, component = csgraph.connected_components(graph, directed=False)
    order = np.argsort(component, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(component))[:-1]) if len(order) else []


def _average_linkage(vectors: FloatArray, threshold: float, photos: IntArray | None) -> IntArray:
    """Return the group of each face (n,) of a component, from 0."""
    if len(vectors) == 1:
        return np.zeros(1, np.int64)
    if len(vectors) > LARGEST:
        raise InputError(
            f"{len(vectors):,} faces hang together by pairs at similarity {threshold:.3f} or above; up to {LARGEST:,} "
            "can be grouped. Choose a lower false-match rate (a higher threshold), or group fewer photos at once"
        )
    hierarchy = _scipy("cluster.hierarchy")
    joined = hierarchy.linkage(_distances(vectors, photos), method="average")
    return np.asarray(hierarchy.fcluster(joined, 1 - threshold, criterion="distance"), np.int64) - 1


def _distances(vectors: FloatArray, photos: IntArray | None) -> DoubleArray:
    """Return 1 − cosine of all pairs in scipy's condensed order, n(n − 1)/2 numbers, none below 0 (copies are near)."""
    count = len(vectors)
    distances = np.empty(count * (count - 1) // 2)
    end = 0
    for face in range(count - 1):
        start, end = end, end + count - 1 - face
        distances[start:end] = np.maximum(0, 1 - vectors[face + 1 :] @ vectors[face])
        if photos is not None:
            distances[start:end] += APART * (photos[face + 1 :] == photos[face])
    return distances


def _by_size(labels: IntArray) -> IntArray:
    """Return the labels renumbered: the largest group first, of equal ones that of the earlier face."""
    _, first, inverse, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(len(counts))
    return rank[inverse]


def _scipy(part: str) -> Any:
    try:
        return import_module(f"scipy.{part}")
    except ImportError as error:
        raise MissingExtra("groups of faces need scipy: pip install 'marginface[cluster]'") from error
