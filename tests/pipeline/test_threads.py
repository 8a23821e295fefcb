"""One recognizer, eight threads, every verb: the same answers as alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginface.data.synthetic import draw_photo
from marginface.images import read_image
from marginface.pipeline import KnownPeople, Recognizer
from marginface.values import ImageArray

THREADS = 8


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load("sface")


def drawn_photos() -> list[ImageArray]:
    return [draw_photo(who, number, size=(240, 320))[0] for who in range(4) for number in range(2)]


def real_photos(shared_data: Path) -> list[ImageArray]:
    folders = sorted(folder for folder in (shared_data / "lfw").iterdir() if len(list(folder.iterdir())) > 1)[:4]
    return [read_image(photo) for folder in folders for photo in sorted(folder.iterdir())[:2]]


def verbs(recognizer: Recognizer, known: KnownPeople) -> list[Callable[[ImageArray, ImageArray], Any]]:
    return [
        lambda one, _: [face.to_dict() for face in recognizer.detect(one)],
        lambda one, _: recognizer.embed_photo(one).to_dict(),
        lambda one, _: recognizer.embed_photo(one).embedding.vector.tobytes(),
        lambda one, other: recognizer.verify(one, other).to_dict(),
        lambda one, other: recognizer.compare_all([one, other], workers=2).to_dict(),
        lambda one, _: recognizer.identify(one, known).to_dict(),
    ]


def check(recognizer: Recognizer, photos: list[ImageArray]) -> None:
    known = recognizer.enrol({"first": photos[:2], "second": photos[2:4]}, quality="off")
    assert len(known) == 2
    jobs = [
        (verb, one, other)
        for verb in verbs(recognizer, known)
        for one, other in zip(photos, photos[1:] + photos[:1], strict=True)
    ]
    alone = [verb(one, other) for verb, one, other in jobs]
    order = np.random.default_rng(0).permutation(len(jobs)).tolist()
    with ThreadPoolExecutor(THREADS) as pool:
        together = dict(zip(order, pool.map(lambda number: jobs[number][0](*jobs[number][1:]), order), strict=True))
    assert [together[number] for number in range(len(jobs))] == alone


def test_eight_threads_get_the_answers_that_one_gets_on_drawn_faces(recognizer: Recognizer) -> None:
    check(recognizer, drawn_photos())


def test_eight_threads_get_the_answers_that_one_gets_on_real_faces(recognizer: Recognizer, shared_data: Path) -> None:
    check(recognizer, real_photos(shared_data))


def test_the_number_of_workers_does_not_change_a_batch(recognizer: Recognizer) -> None:
    photos = drawn_photos()
    one, eight = (recognizer.embed_all(photos, workers=workers) for workers in (1, 8))
    for alone, among in zip(one, eight, strict=True):
        np.testing.assert_array_equal(alone.embedding.vector, among.embedding.vector)
