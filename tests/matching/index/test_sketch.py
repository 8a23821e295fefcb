"""The sketch, and the index that scans it."""

from __future__ import annotations

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.matching.index import SketchIndex
from marginface.matching.index.sketch import BITS, numpy_scan, sketches
from oracles.nearest import people, unit


def bits_of(sketch: np.ndarray) -> list[int]:
    return [(int(word) >> place) & 1 for word in sketch for place in range(64)]


def hamming_by_hand(first: np.ndarray, second: np.ndarray) -> int:
    return sum(a != b for a, b in zip(bits_of(first), bits_of(second), strict=True))


@pytest.mark.parametrize("size", [4, 128, 300, 512, 700])
def test_the_share_of_different_bits_is_the_angle_over_pi(size: int) -> None:
    random = np.random.default_rng(0)
    first = unit(random.normal(size=(400, size)))
    other = unit(random.normal(size=(400, size)))
    for cosine in (0.9, 0.5, 0.0):
        away = unit(other - (other * first).sum(axis=1, keepdims=True) * first)
        second = (cosine * first + np.sqrt(1 - cosine**2) * away).astype(np.float32)
        different = np.bitwise_count(sketches(first) ^ sketches(second)).sum(axis=1) / BITS
        assert different.mean() == pytest.approx(np.arccos(cosine) / np.pi, abs=0.01)


@pytest.mark.parametrize("scan", [numpy_scan, "faiss"])
def test_a_scan_finds_the_smallest_distances(scan: object) -> None:
    if scan == "faiss":
        pytest.importorskip("faiss", reason="faiss is not installed")
        from marginface.matching.index.sketch import faiss_scan as scan
    made = sketches(unit(np.random.default_rng(1).normal(size=(300, 24))))
    probes = made[:5] ^ np.uint64(0b1011)
    for probe, positions in zip(probes, scan(probes, made, 40), strict=True):
        by_hand = [hamming_by_hand(probe, row) for row in made]
        bar = sorted(by_hand)[39]
        assert (np.diff(positions) > 0).all()
        assert {n for n, d in enumerate(by_hand) if d < bar} <= set(positions.tolist())
        assert all(by_hand[n] <= bar for n in positions)
        assert len(positions) >= 40


def test_a_scan_over_several_blocks_is_the_scan_over_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sketches(unit(np.random.default_rng(1).normal(size=(100, 24))))
    whole = [row.tolist() for row in numpy_scan(made[:4], made, 10)]
    monkeypatch.setattr("marginface.matching.index.sketch._BLOCK", 7)
    assert [row.tolist() for row in numpy_scan(made[:4], made, 10)] == whole
    assert (sketches(unit(np.random.default_rng(1).normal(size=(100, 24)))) == made).all()


def test_all_are_found_if_more_are_wanted_than_there_are() -> None:
    made = sketches(unit(np.random.default_rng(1).normal(size=(6, 24))))
    assert [row.tolist() for row in numpy_scan(made[:1], made, 10)] == [[0, 1, 2, 3, 4, 5]]


def test_float16_is_half_the_memory_and_off_by_little() -> None:
    world = people(size=128)
    full, half = SketchIndex(128, scan=numpy_scan), SketchIndex(128, stored=np.float16, scan=numpy_scan)
    for index in (full, half):
        index.upsert(world.ids, world.vectors, world.owners)
    one, other = (index.search(world.probes, 3) for index in (full, half))
    assert 0 < np.abs(one.similarities - other.similarities).max() < 2e-4
    with pytest.raises(InputError, match="got int8"):
        SketchIndex(128, stored=np.int8)
