"""Audits the slow way, and images that are copies of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from marginface.data.audit import ROW, AuditedSet, Rows
from marginface.data.images.encoded import Listing
from marginface.values import ImageArray


def photo(seed: int, height: int = 160, width: int = 140) -> ImageArray:
    """A smooth picture of its own, with a frequency spectrum like that of a photo."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for side in (4, 8, 16, 32):
        coarse = random.normal(size=(side, side, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * 4 / side
    return np.clip(picture * 60 + 128, 0, 255).astype(np.uint8)


def png(image: ImageArray) -> bytes:
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def jpeg(image: ImageArray, quality: int) -> bytes:
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def audited(identities: Sequence[str], labels: Sequence[int], rows: Rows, embeddings: Any = None) -> AuditedSet:
    numbers = np.asarray(labels, np.int64)
    return AuditedSet(Listing("made", tuple(identities), numbers, np.zeros(len(numbers), np.int64)), rows, embeddings)


def distinct_rows(count: int, seed: int = 0) -> Rows:
    """Rows of readable images that have nothing to do with each other."""
    random = np.random.default_rng(seed)
    rows = np.zeros(count, ROW)
    rows["readable"], rows["width"], rows["height"] = True, 112, 112
    rows["size"] = 1000
    rows["sha256"] = random.integers(0, 256, size=(count, 32))
    rows["coarse"] = random.integers(0, 2**63, size=count, dtype=np.uint64)
    rows["fine"] = random.integers(0, 2**64, size=(count, 4), dtype=np.uint64)
    return rows


def near_by_comparing_all(first: Rows, second: Rows, coarse_bound: int, fine_bound: int) -> set[tuple[int, int]]:
    """Every pair, bit by bit, not mirrored."""
    found = set()
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            coarse = (int(one["coarse"]) ^ int(other["coarse"])).bit_count()
            fine = sum((int(a) ^ int(b)).bit_count() for a, b in zip(one["fine"], other["fine"], strict=True))
            if coarse <= coarse_bound and fine <= fine_bound:
                found.add((i, j))
    return found


def people(counts: Sequence[int], size: int = 32, spread: float = 0.5, seed: int = 0) -> tuple[Any, Any]:
    """Embeddings (N, size) of people with so many images, and labels: a center each, and noise."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centers = random.normal(size=(len(counts), size))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    noise = random.normal(size=(len(labels), size)) / np.sqrt(size)
    vectors = centers[labels] + spread * noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels
