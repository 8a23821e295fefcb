"""Drawn faces that are drawn once in a process of tests, and taken from memory afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from unittest import mock

from marginface.data.synthetic import DrawnFaces
from marginface.values import ImageArray

MOST = 6000  # crops of 38 kB
draw = DrawnFaces._draw


@lru_cache(MOST)
def _drawn(seed: int, strength: float, identity: int, number: int) -> ImageArray:
    one = DrawnFaces(1, number + 1, seed=seed, strength=strength, first_identity=identity)
    crop = draw(one, number)
    crop.setflags(write=False)
    return crop


def _remembered(faces: DrawnFaces, index: int) -> ImageArray:
    identity = faces.first_identity + int(faces._drawn[index])
    return _drawn(faces.seed, faces.strength, identity, int(faces._number[index]))


@contextmanager
def remembering_faces() -> Iterator[None]:
    with mock.patch.object(DrawnFaces, "_draw", _remembered):
        yield


@contextmanager
def drawing_each_time() -> Iterator[None]:
    with mock.patch.object(DrawnFaces, "_draw", draw):
        yield
