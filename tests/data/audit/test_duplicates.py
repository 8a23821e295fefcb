"""Copies of a photo are found whatever was done to them, without comparing every two; other photos are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from marginface.data.audit import audit_images
from marginface.data.audit.duplicates import COARSE_BOUND, FINE_BOUND, connected, copies, near_pairs
from marginface.data.audit.hashes import MIRROR_FINE, perceptual_hashes
from marginface.data.audit.rows import ROW, has_size
from oracles.audits import distinct_rows, jpeg, near_by_comparing_all, photo, png


def dct_by_the_formula(gray: np.ndarray, u: int, v: int) -> float:
    n = len(gray)
    k = np.arange(n)
    down, across = (np.cos(np.pi * (2 * k + 1) * frequency / (2 * n)) for frequency in (u, v))
    return float(down @ gray @ across)


def test_the_bits_are_the_signs_of_the_cosine_transform() -> None:
    image = photo(1, 64, 64)
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    coarse, fine = perceptual_hashes(image)
    bits = np.unpackbits(np.array([coarse], np.uint64).view(np.uint8)).reshape(8, 8)
    more = np.unpackbits(fine.view(np.uint8)).reshape(16, 16)
    for u in range(16):
        for v in range(16):
            if (u, v) == (0, 0):
                continue
            sign = dct_by_the_formula(gray, u, v) > 0
            assert more[u, v] == sign
            assert u >= 8 or v >= 8 or bits[u, v] == sign
    assert bits[0, 0] == more[0, 0] == 0


def test_the_mirrored_hash_needs_no_second_transform() -> None:
    image = photo(2)
    mirrored = np.ascontiguousarray(image[:, ::-1])
    assert np.array_equal(perceptual_hashes(mirrored)[1], perceptual_hashes(image)[1] ^ MIRROR_FINE)


CHANGES = {
    "the same pixels in another file": lambda image: png(image),
    "saved again as JPEG of quality 20": lambda image: jpeg(image, 20),
    "half as large": lambda image: png(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)),
    "twice as large": lambda image: png(cv2.resize(image, None, fx=2, fy=2)),
    "gray": lambda image: png(np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)),
    "darker": lambda image: png((image * 0.8).astype(np.uint8)),
    "mirrored": lambda image: jpeg(np.ascontiguousarray(image[:, ::-1]), 80),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_among_other_photos(change: str) -> None:
    photos = [photo(seed) for seed in range(40)]
    rows = audit_images([*(jpeg(image, 95) for image in photos), CHANGES[change](photos[7])])
    (group,) = copies(rows)
    assert (group.images, group.identical) == ((7, 40), False)


def test_a_cut_off_border_of_a_tenth_is_another_photo() -> None:
    image = photo(3)
    assert copies(audit_images([png(image), png(image[16:-16, 14:-14])])) == []


def test_identical_files_are_told_from_near_duplicates() -> None:
    one, other = png(photo(4)), png(photo(5))
    groups = copies(audit_images([one, other, one, jpeg(photo(5), 90), None, b"no image", None]))
    assert [(group.images, group.identical) for group in groups] == [((0, 2), True), ((1, 3), False)]


def test_a_thousand_copies_are_one_group() -> None:
    rows = np.repeat(audit_images([png(photo(6))]), 1000)
    assert [len(group.images) for group in copies(rows)] == [1000]


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_what_comparing_all_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = distinct_rows(30, seed)
    other = rows.copy()
    for row in other:  # up to two bits beyond the bounds
        for bit in random.choice(63, size=random.integers(0, COARSE_BOUND + 3), replace=False):
            row["coarse"] ^= np.uint64(1) << np.uint64(bit)
        for bit in random.choice(256, size=random.integers(0, FINE_BOUND + 3), replace=False):
            row["fine"][bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    expected = near_by_comparing_all(rows, other, COARSE_BOUND, FINE_BOUND)
    assert expected <= {(int(i), int(j)) for i, j in near_pairs(rows, other)}
    assert {tuple(pair) for pair in near_pairs(rows, other).tolist()} <= {(i, i) for i in range(30)}


def test_what_links_connect_is_one_thing() -> None:
    assert connected([], 3) == [0, 1, 2]
    assert connected([(4, 3), (3, 1), (2, 0)], 5) == [0, 1, 0, 1, 1]


def test_a_row_says_what_reading_an_image_tells() -> None:
    content = png(photo(7, 112, 112))
    rows = audit_images([content, b"", None])
    assert rows["readable"].tolist() == [True, False, False]
    assert rows[["size", "width", "height"]].tolist() == [(len(content), 112, 112), (0, 0, 0), (0, 0, 0)]
    assert has_size(rows, 112).tolist() == [True, False, False]
    shards = [audit_images([content]), audit_images([b""]), audit_images([None])]
    assert np.concatenate(shards).tobytes() == rows.tobytes()
    assert audit_images([]).dtype == ROW
