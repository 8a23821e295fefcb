r"""What embeddings say about labels, exactly and in blocks.

An identity is the direction of the sum s of its unit embeddings x, the field's template. The similarity of an image
with identity B is the cosine of x and s_B; with the other images of its own identity A that of x and s_A − x; that of
two identities the cosine of s_A and s_B. An image is so compared with C rows, not with N.

Cost for N images of C identities in D dimensions: 2·N·C·D operations for images, C²·D for identities, C·D numbers of
4 bytes for the sums, and a block of BLOCK similarities. Five million images of 93,000 identities in 512 dimensions are
5·10¹⁴ operations: an hour and a half at 10¹¹ a second.

Embeddings are (N, D), float32 or float16; a row of zeros is an image without embedding, and is never found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginface.values import BoolArray, FloatArray, IntArray

BLOCK = 1 << 24  # similarities at once: 64 MB
NEAREST = 3  # other identities that an image is compared with image by image
Embeddings = NDArray[Any]  # (N, D) float32 or float16, in memory or mapped


@dataclass(frozen=True, slots=True, eq=False)
class IdentitySums:
    """The sum of the embeddings of each identity, (C, D) float32, and how many there are, (C,)."""

    sums: FloatArray
    counts: IntArray

    @property
    def templates(self) -> FloatArray:
        """Return the direction of each identity, unit rows (C, D); zeros where there is none."""
        return _directions(self.sums)

    def __add__(self, other: IdentitySums) -> IdentitySums:
        """Return the sums over both shards."""
        return IdentitySums(self.sums + other.sums, self.counts + other.counts)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """For each of n images: ``own``, its similarity with the others of its identity (nan where it is alone).

    ``labels`` and ``similarities`` (n, k) are the k most similar of the other identities, label −1 beyond them.
    """

    own: FloatArray
    labels: IntArray
    similarities: FloatArray

    @classmethod
    def joined(cls, parts: list[Neighbors]) -> Neighbors:
        """Return those of several shards, in their order."""
        names = ("own", "labels", "similarities")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def sum_identities(embeddings: Embeddings, labels: IntArray, identities: int) -> IdentitySums:
    """Return the sums of one shard: embeddings (n, D) and labels (n,) in [0, identities)."""
    sums = np.zeros((identities, embeddings.shape[1]), np.float32)
    counts = np.zeros(identities, np.int64)
    for start, block in _blocks(embeddings, embeddings.shape[1]):
        own = labels[start : start + len(block)]
        np.add.at(sums, own, block)
        counts += np.bincount(own[block.any(axis=1)], minlength=identities)
    return IdentitySums(sums, counts)


def nearest_identities(
    embeddings: Embeddings, labels: IntArray, identities: IdentitySums, k: int = NEAREST
) -> Neighbors:
    """Compare the images of one shard with all identities but their own; a label of −1 has no own identity."""
    templates, parts = identities.templates, []
    for start, block in _blocks(embeddings, len(templates)):
        own_labels = labels[start : start + len(block)]
        similar = block @ templates.T
        own = own_similarities(block, own_labels, identities)
        similar[:, identities.counts == 0] = -np.inf
        has_own = np.flatnonzero(own_labels >= 0)
        similar[has_own, own_labels[has_own]] = -np.inf
        similar[~block.any(axis=1)] = -np.inf
        parts.append(Neighbors(own, *_largest(similar, k)))
    if not parts:
        parts = [Neighbors(np.empty(0, np.float32), np.empty((0, k), np.int64), np.empty((0, k), np.float32))]
    return Neighbors.joined(parts)


def own_similarities(embeddings: Embeddings, labels: IntArray, identities: IdentitySums) -> FloatArray:
    """Return the similarity (n,) of each image with the others of its identity; nan where there are none.

    The image itself is one of those that were summed up. A label of −1 has no own identity.
    """
    own = np.full(len(embeddings), np.nan, np.float32)
    for start, block in _blocks(embeddings, embeddings.shape[1]):
        names = labels[start : start + len(block)]
        several = np.flatnonzero((names >= 0) & (identities.counts[names] > 1) & block.any(axis=1))
        others = _directions(identities.sums[names[several]] - block[several])
        own[start + several] = np.einsum("ij,ij->i", block[several], others)
    return own


def alike_identities(first: IdentitySums, second: IdentitySums, threshold: float) -> list[tuple[int, int, float]]:
    """Return the identities (i, j) with a similarity of the threshold or more, best first."""
    templates, others, found = first.templates, second.templates, []
    present = second.counts > 0
    for start, block in _blocks(templates, len(others)):
        similar = block @ others.T
        similar[:, ~present] = -np.inf
        similar[first.counts[start : start + len(block)] == 0] = -np.inf
        rows, columns = np.nonzero(similar >= threshold)
        values = similar[rows, columns]
        found += list(zip((rows + start).tolist(), columns.tolist(), values.tolist(), strict=True))
    return sorted(found, key=lambda pair: (-pair[2], pair[0], pair[1]))


def alike_images(
    embeddings: Embeddings, labels: IntArray, neighbors: Neighbors, threshold: float, worth: float
) -> list[tuple[int, int, float]]:
    """Return images (i < j) of two identities with a similarity of the threshold or more, best first.

    An image is compared with every image of the NEAREST identities with which its similarity is ``worth`` or more.
    """
    members = _members(labels, embeddings)
    found: dict[tuple[int, int], float] = {}
    worthy = np.where(neighbors.similarities >= worth, neighbors.labels, -1)
    for own in members.values():
        asked = np.unique(worthy[own])
        others = np.concatenate([np.empty(0, np.int64), *(members[other] for other in asked.tolist() if other >= 0)])
        if not len(others):
            continue
        similar = _wide(embeddings[own]) @ _wide(embeddings[others]).T
        for row, column in np.argwhere(similar >= threshold).tolist():
            one, other = sorted((int(own[row]), int(others[column])))
            found[one, other] = float(similar[row, column])
    return sorted(((i, j, value) for (i, j), value in found.items()), key=lambda pair: (-pair[2], pair[0], pair[1]))


def has_embedding(embeddings: Embeddings) -> BoolArray:
    """Return which rows (N,) are an embedding."""
    parts = [block.any(axis=1) for _, block in _blocks(embeddings, embeddings.shape[1])]
    return np.concatenate([np.empty(0, bool), *parts])


def _blocks(rows: Embeddings, columns: int) -> Iterator[tuple[int, FloatArray]]:
    """Yield where a block begins and its rows, so many that they times the columns are about BLOCK."""
    step = max(1, BLOCK // max(columns, 1))
    for start in range(0, len(rows), step):
        yield start, _wide(rows[start : start + step])


def _directions(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), np.float32)


def _wide(rows: Embeddings) -> FloatArray:
    return np.asarray(rows, np.float32)


def _largest(similar: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Return the k largest of each row, largest first: columns and values, −1 and −inf where there are fewer."""
    kept = min(k, similar.shape[1])
    columns = np.argpartition(-similar, kept - 1, axis=1)[:, :kept]
    values = np.take_along_axis(similar, columns, axis=1)
    order = np.lexsort((columns, -values), axis=1)
    columns, values = np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)
    columns = np.where(np.isfinite(values), columns, -1)
    missing = ((0, 0), (0, k - kept))
    labels = np.pad(columns, missing, constant_values=-1).astype(np.int64)
    return labels, np.pad(values, missing, constant_values=-np.inf).astype(np.float32)


def _members(labels: IntArray, embeddings: Embeddings) -> dict[int, IntArray]:
    """Return the images of each identity that have an embedding."""
    order = np.argsort(labels, kind="stable")
    order = order[has_embedding(embeddings)[order]]
    names, begins = np.unique(labels[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, begins[1:]), strict=True))
