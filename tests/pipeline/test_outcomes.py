"""Many photos: each has its outcome with a reason code, and none stops the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.cropping import FaceCropper
from marginface.errors import FaceCountError, InputError, UnknownName
from marginface.images import list_images
from marginface.pipeline import NamedPhoto, Photo, Recognizer
from marginface.reasons import Reason
from marginface.values import Box, Face, ImageArray
from oracles.red_faces import BlueEmbedder, RedDetector, photo_with_faces

LARGE, SMALL, TINY = (180, 60, 280, 180), (20, 20, 70, 80), (100, 100, 110, 113)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One photo for each outcome; the name of a file is its code."""
    for name, image in {
        "fine": photo_with_faces(LARGE),
        "no_face": photo_with_faces(),
        "several_faces": photo_with_faces(LARGE, SMALL),
        "face_too_small": photo_with_faces(TINY),
    }.items():
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    (tmp_path / "unreadable.png").write_text("Dear Ann, ...")
    return tmp_path


@pytest.mark.parametrize("workers", [1, 3])
def test_every_photo_of_a_folder_has_its_outcome_and_its_code(drawn: Recognizer, folder: Path, workers: int) -> None:
    photos = [*list_images(folder), folder / "absent.jpg"]
    outcomes = drawn.embed_all(photos, faces="one", quality="usable", workers=workers)
    assert [outcome.photo for outcome in outcomes] == [str(photo) for photo in photos]
    codes = {Path(outcome.photo).stem: [code.value for code in outcome.codes] for outcome in outcomes}
    assert codes == {
        "fine": [],
        "no_face": ["no_face"],
        "several_faces": ["several_faces"],
        "face_too_small": ["face_too_small"],
        "unreadable": ["unreadable"],
        "absent": ["unreadable"],
    }
    assert [bool(outcome) for outcome in outcomes] == [Path(photo).stem == "fine" for photo in photos]
    for outcome in outcomes:
        assert outcome.photo in outcome.explain()
        assert len(outcome.explain().splitlines()) == 1
        assert outcome.explain().count(outcome.photo) == 1


def test_outcomes_are_json_without_embeddings(drawn: Recognizer, folder: Path) -> None:
    for outcome in drawn.embed_all(list_images(folder), faces="all", quality="usable"):
        text = json.dumps(outcome.to_dict(), allow_nan=False)
        assert "vector" not in text
        assert "embedding" not in text


def test_an_outcome_gives_the_embedding_or_says_why_there_is_none(drawn: Recognizer, folder: Path) -> None:
    fine = drawn.embed_photo(folder / "fine.png")
    np.testing.assert_array_equal(fine.embedding.vector, drawn.embed(folder / "fine.png").vector)
    small = drawn.embed_photo(folder / "face_too_small.png", quality="standard")
    assert (len(small.faces), small.usable) == (1, ())
    with pytest.raises(FaceCountError, match="The eyes are too few pixels apart"):
        _ = small.embedding


def test_all_faces_of_a_photo_come_largest_first_and_quality_is_asked_of_each(drawn: Recognizer) -> None:
    photo = drawn.embed_photo(photo_with_faces(TINY, LARGE, SMALL), faces="all", quality="usable")
    assert [face.face.box.x1 for face in photo.faces] == [180, 20, 100]
    assert [face.is_usable for face in photo.faces] == [True, True, False]
    assert photo.faces_found == 3
    assert photo.remarks == ()
    assert "2 faces of 3 embedded" in photo.explain()


def test_pixels_and_bytes_are_called_by_their_number(drawn: Recognizer) -> None:
    stream = BytesIO()
    Image.fromarray(photo_with_faces()).save(stream, "PNG")
    photos: list[Photo] = [photo_with_faces(LARGE), stream.getvalue(), b"no image"]
    assert [outcome.photo for outcome in drawn.embed_all(photos)] == ["photo 1", "photo 2", "photo 3"]


def test_photos_are_taken_from_an_iterator_as_they_are_needed(drawn: Recognizer) -> None:
    taken: list[int] = []

    def endless() -> Iterator[ImageArray]:
        while True:
            taken.append(1)
            yield photo_with_faces(LARGE)

    outcomes = drawn.embed_each(endless(), workers=2)
    assert all(next(outcomes) for _ in range(5))
    assert len(taken) < 12


def test_progress_counts_the_photos_that_are_done(drawn: Recognizer, folder: Path) -> None:
    done: list[int] = []
    drawn.embed_all(list_images(folder), progress=done.append)
    assert done == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("wrong", [{"faces": "larges"}, {"quality": "standart"}, {"workers": 0}])
def test_a_wrong_word_is_said_at_once_and_not_once_a_photo(drawn: Recognizer, wrong: dict[str, object]) -> None:
    with pytest.raises((UnknownName, InputError)):
        drawn.embed_each([], **wrong)  # type: ignore[arg-type]


def test_a_face_whose_landmarks_are_one_point_is_left_out_with_a_reason() -> None:
    class Pointing(RedDetector):
        def detect(self, image: ImageArray, *, min_score: float = 0.6) -> tuple[Face, ...]:
            found = super().detect(image, min_score=min_score)
            return (*found, Face(Box(0, 0, 10, 10), np.full((5, 2), 5.0, np.float32), 0.9))

    recognizer = Recognizer(FaceCropper(Pointing()), BlueEmbedder())
    photo = recognizer.embed_photo(photo_with_faces(LARGE), faces="all")
    assert (len(photo.faces), photo.codes) == (1, (Reason.ODD_LANDMARKS,))
    alone = recognizer.embed_photo(photo_with_faces(), faces="largest")
    assert (alone.faces, alone.codes) == ((), (Reason.ODD_LANDMARKS,))
    answer = recognizer.verify(photo_with_faces(), photo_with_faces(LARGE))
    assert answer.decision.value == "cannot tell"


def test_quality_comes_without_an_embedding_too(drawn: Recognizer) -> None:
    (large, quality), (small, _) = drawn.assess(photo_with_faces(LARGE, SMALL))
    assert (large.box.x1, small.box.x1) == (180, 20)
    assert quality["inter_eye_distance"] == pytest.approx(40, abs=1)
    assert "feature_norm" not in quality
    assert drawn.embed_photo(photo_with_faces(LARGE)).faces[0].quality["feature_norm"] == pytest.approx(1, abs=1e-3)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged tags
def test_real_photos_that_break_pipelines_all_have_an_outcome(shared_data: Path) -> None:
    recognizer = Recognizer.load("sface", detector="yunet-single-pass")
    photos = [path for path in list_images(shared_data / "photos") if path.stat().st_size < 300_000]
    outcomes = recognizer.embed_all(photos, faces="all", quality="standard")
    assert len(outcomes) == len(photos) > 50
    for outcome in outcomes:
        assert outcome.usable or outcome.codes
        json.dumps(outcome.to_dict(), allow_nan=False)
    assert {Reason.UNREADABLE, Reason.NO_FACE} <= {code for outcome in outcomes for code in outcome.codes}


def test_a_photo_in_memory_is_called_by_its_name(drawn: Recognizer, tmp_path: Path) -> None:
    stream = BytesIO()
    Image.fromarray(photo_with_faces(LARGE)).save(stream, "PNG")
    (tmp_path / "there.png").write_bytes(stream.getvalue())
    named = [NamedPhoto("Ann/1.png", stream.getvalue()), NamedPhoto(str(tmp_path / "there.png"), b"")]
    fine, empty = drawn.embed_each(named)
    assert (fine.photo, len(fine.usable)) == ("Ann/1.png", 1)
    assert [one.reason for one in empty.reasons] == [Reason.UNREADABLE], "no file of that name is opened"
    assert "the file is empty" in empty.reasons[0].text
