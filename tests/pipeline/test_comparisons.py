"""All faces with all: beside verify of every two."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from marginface.pipeline import Recognizer
from marginface.reasons import Reason
from marginface.values import Decision
from oracles.red_faces import photo_with_faces

LARGE, SMALL, TINY = (180, 60, 280, 180), (20, 20, 70, 80), (100, 100, 110, 113)


def test_the_table_is_that_of_verify_of_every_two_photos(drawn: Recognizer) -> None:
    photos = [photo_with_faces(LARGE, blue=blue) for blue in (0, 30, 60, 120, 195)] + [photo_with_faces(TINY)]
    table = drawn.compare_all(photos)
    assert (len(table), table.similarities.shape) == (6, (6, 6))
    for first, one in enumerate(photos):
        for second, other in enumerate(photos):
            answer = drawn.verify(one, other)
            assert table.similarities[first, second] == pytest.approx(answer.similarity, abs=1e-6)
            assert table.decision(first, second) is answer.decision
    np.testing.assert_array_equal(table.similarities, table.similarities.T)
    assert [pair.decision for pair in table.pairs()].count(Decision.CANNOT_TELL) == 5
    assert bool(table)


def test_every_face_of_a_photo_has_a_row_and_its_name(drawn: Recognizer) -> None:
    table = drawn.compare_all([photo_with_faces(SMALL, LARGE), photo_with_faces(LARGE, blue=180)])
    assert [face.name for face in table.faces] == ["photo 1", "photo 1 #2", "photo 2"]
    assert [(face.photo_number, face.face_number) for face in table.faces] == [(1, 1), (1, 2), (2, 1)]
    assert [pair.decision.value for pair in table.pairs()] == ["same", "different", "different"]
    assert "3 faces, 3 pairs: 1 the same. By chance about 0.003 pairs" in table.explain()


def test_what_is_to_be_expected_by_chance_is_a_number_to_read(drawn: Recognizer) -> None:
    photos = [photo_with_faces(LARGE)] * 500
    look = drawn.embed_photo(photos[0])
    table = drawn.compare_embedded([look] * 500, drawn.pair_rule(1e-3))
    assert "By chance about 120 pairs" in table.explain().splitlines()[0]


def test_photos_that_give_nothing_are_outcomes_and_the_others_are_compared(drawn: Recognizer, tmp_path: Path) -> None:
    table = drawn.compare_all([photo_with_faces(), photo_with_faces(LARGE), tmp_path / "absent.jpg"])
    assert [len(photo.faces) for photo in table.photos] == [0, 1, 0]
    assert [photo.codes for photo in table.photos] == [(Reason.NO_FACE,), (), (Reason.UNREADABLE,)]
    assert not table
    assert "absent.jpg: no such file" in table.explain()


def test_no_photos_are_an_empty_table(drawn: Recognizer) -> None:
    table = drawn.compare_all([])
    assert (len(table), bool(table), list(table.pairs()), table.similarities.shape) == (0, False, [], (0, 0))
    assert json.loads(json.dumps(table.to_dict()))["similarities"] == []


def test_the_table_is_json_with_both_squares(drawn: Recognizer) -> None:
    values = json.loads(
        json.dumps(drawn.compare_all([photo_with_faces(LARGE), photo_with_faces(TINY)]).to_dict(), allow_nan=False)
    )
    assert values["similarities"] == [[1.0, 1.0], [1.0, 1.0]]
    assert values["decisions"] == [["same", "cannot tell"], ["cannot tell", "cannot tell"]]
    assert values["faces"][1] == {"photo": "photo 2", "photo_number": 2, "face": 1}
    assert values["photos"][1]["faces"][0]["codes"] == ["face_too_small"]


def test_similarities_cannot_be_written_to(drawn: Recognizer) -> None:
    table = drawn.compare_all([photo_with_faces(LARGE)])
    with pytest.raises(ValueError, match="read-only"):
        table.similarities[0, 0] = 0
