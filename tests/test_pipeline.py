"""The recognizer: detect, embed, verify, on drawn faces and on real ones."""

from __future__ import annotations

import threading
from dataclasses import FrozenInstanceError, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.contract import ThresholdEntry
from marginface.cropping import FaceCropper
from marginface.errors import FaceCountError, InputError, UnknownName, UnreadableImage
from marginface.images import read_image
from marginface.pipeline import Recognizer
from marginface.values import Decision, FloatArray, ImageArray
from oracles.red_faces import BlueEmbedder, RedDetector, photo_with_faces

LARGE, SMALL, TINY = (180, 60, 280, 180), (20, 20, 70, 80), (100, 100, 120, 126)


@pytest.fixture
def drawn() -> Recognizer:
    return Recognizer(FaceCropper(RedDetector()), BlueEmbedder())


def test_two_photos_of_one_face_are_the_same_and_of_two_different(drawn: Recognizer) -> None:
    same = drawn.verify(photo_with_faces(LARGE, blue=50), photo_with_faces(SMALL, blue=60))
    assert (same.decision, bool(same), same.exit_status, same.reasons) == (Decision.SAME, True, 0, ())
    assert same.similarity == pytest.approx(np.cos(10 / 255 * np.pi / 2), abs=1e-3)
    other = drawn.verify(photo_with_faces(LARGE, blue=0), photo_with_faces(LARGE, blue=150))
    assert (other.decision, bool(other), other.exit_status) == (Decision.DIFFERENT, False, 1)
    assert other.similarity == pytest.approx(np.cos(150 / 255 * np.pi / 2), abs=1e-3)


def test_a_similarity_equal_to_the_threshold_is_the_same(drawn: Recognizer) -> None:
    first, second = photo_with_faces(LARGE, blue=0), photo_with_faces(LARGE, blue=60)
    score = drawn.verify(first, second).similarity
    entry = drawn.embedder.card.thresholds[0].model_copy(update={"similarity": score})
    card = drawn.embedder.card.model_copy(update={"thresholds": (entry,)})
    assert Recognizer(drawn.cropper, BlueEmbedder(card)).verify(first, second).decision is Decision.SAME


@pytest.mark.parametrize("empty_first", [True, False])
def test_a_photo_without_a_face_cannot_be_told_and_nothing_is_embedded(empty_first: bool) -> None:
    class NeverEmbeds(BlueEmbedder):
        def embed(self, crops: ImageArray) -> FloatArray:
            assert (crops[:, 56, 56, 0] == 255).all(), "the background was embedded"
            return super().embed(crops)

    recognizer = Recognizer(FaceCropper(RedDetector()), NeverEmbeds())
    photos = [photo_with_faces(), photo_with_faces(LARGE)]
    answer = recognizer.verify(*(photos if empty_first else photos[::-1]))
    assert (answer.decision, answer.similarity, answer.exit_status) == (Decision.CANNOT_TELL, None, 3)
    assert [face is None for face in answer.faces] == [empty_first, not empty_first]
    role = "first photo" if empty_first else "second photo"
    assert answer.reasons[0].startswith(f"{role}: no face found (not even a faint one, 0.60 is needed)")


def test_the_reason_tells_how_good_the_best_candidate_was(drawn: Recognizer) -> None:
    answer = drawn.verify(photo_with_faces(LARGE, blue=220), photo_with_faces(LARGE))
    assert "the best candidate scores 0.30, 0.60 is needed" in answer.reasons[0]
    assert answer.faces[0] is None


def test_two_photos_without_a_face_give_two_reasons_with_their_names(drawn: Recognizer, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(photo_with_faces()).save(tmp_path / name)
    answer = drawn.verify(tmp_path / "a.png", str(tmp_path / "b.png"))
    assert ["a.png: no face" in answer.reasons[0], "b.png: no face" in answer.reasons[1]] == [True, True]
    assert "Cannot tell." in answer.explain()


def test_several_faces_and_small_faces_are_remarked_and_do_not_change_the_answer(drawn: Recognizer) -> None:
    answer = drawn.verify(photo_with_faces(SMALL, LARGE), photo_with_faces(TINY))
    assert answer.decision is Decision.SAME
    assert answer.reasons[0] == "first photo: 2 faces found, the largest was used."
    assert answer.reasons[1].startswith("second photo: the face is small, 20×26 px")
    assert answer.faces[0].box.x1 == LARGE[0]


def test_a_policy_of_one_cannot_tell_which_of_several_faces_is_meant() -> None:
    recognizer = Recognizer(FaceCropper(RedDetector(), policy="one"), BlueEmbedder())
    answer = recognizer.verify(photo_with_faces(SMALL, LARGE), photo_with_faces(LARGE))
    assert answer.decision is Decision.CANNOT_TELL
    assert "2 faces found, exactly one is wanted" in answer.reasons[0]


def test_a_rate_the_card_does_not_have_is_refused_before_any_photo_is_read(drawn: Recognizer) -> None:
    with pytest.raises(InputError, match=r"no threshold for FMR 0\.5\. Its card has: 0\.001"):
        drawn.verify("absent.jpg", "absent.jpg", fmr=0.5)


def test_a_photo_that_cannot_be_read_raises_and_is_not_a_face_that_was_not_found(drawn: Recognizer) -> None:
    with pytest.raises(UnreadableImage, match=r"absent\.jpg: no such file"):
        drawn.verify("absent.jpg", photo_with_faces(LARGE))


def test_embed_takes_the_largest_face_or_the_one_that_is_given(drawn: Recognizer) -> None:
    image = photo_with_faces(LARGE, blue=10)
    image[20:80, 20:70] = (255, 0, 100)
    large, small = drawn.detect(image)
    assert (large.box.x1, small.box.x1) == (180, 20)
    angle = 10 / 255 * np.pi / 2
    np.testing.assert_allclose(drawn.embed(image).vector, [np.cos(angle), np.sin(angle)], atol=1e-3)
    angle = 100 / 255 * np.pi / 2
    np.testing.assert_allclose(drawn.embed(image, small).vector, [np.cos(angle), np.sin(angle)], atol=1e-3)
    assert drawn.embed(image).contract == drawn.embedder.contract.id


def test_embed_without_a_face_raises_and_names_the_photo_and_what_was_found(drawn: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "garden.png"
    Image.fromarray(photo_with_faces()).save(path)
    with pytest.raises(FaceCountError, match=r"garden\.png: no face found .*0\.60 is needed"):
        drawn.embed(path)


def test_array_path_and_bytes_of_one_photo_give_one_embedding(drawn: Recognizer, tmp_path: Path) -> None:
    image, stream = photo_with_faces(LARGE, blue=77), BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    (tmp_path / "a").write_bytes(stream.getvalue())
    vectors = [drawn.embed(photo).vector for photo in (image, tmp_path / "a", str(tmp_path / "a"), stream.getvalue())]
    for vector in vectors[1:]:
        np.testing.assert_array_equal(vector, vectors[0])


def test_a_recognizer_is_frozen(drawn: Recognizer) -> None:
    with pytest.raises(FrozenInstanceError):
        drawn.embedder = BlueEmbedder()  # type: ignore[misc]


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="yunet"):
        Recognizer.load("sface", detector="yunnet")


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Recognizer:
    return Recognizer.load("sface")


def test_real_photos_of_one_person_are_the_same_and_of_two_different(real: Recognizer, shared_data: Path) -> None:
    lfw = shared_data / "lfw"
    one, two = (lfw / "Aaron_Peirsol" / f"Aaron_Peirsol_000{number}.jpg" for number in (1, 2))
    same = real.verify(one, two)
    other = real.verify(one, lfw / "Abdullah_Gul" / "Abdullah_Gul_0001.jpg")
    assert same.decision is Decision.SAME
    assert other.decision is Decision.DIFFERENT
    assert same.similarity > same.threshold.similarity > other.similarity


def test_a_real_photo_without_a_face_cannot_be_told(real: Recognizer, shared_data: Path) -> None:
    text = shared_data / "photos" / "pillow_hopper" / "pil_sample_cmyk.jpg"
    answer = real.verify(text, shared_data / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg")
    assert answer.decision is Decision.CANNOT_TELL
    assert "pil_sample_cmyk.jpg: no face found" in answer.reasons[0]


def test_the_mirror_sum_is_another_contract_with_thresholds_of_its_own(real: Recognizer, shared_data: Path) -> None:
    photo = shared_data / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg"
    mirrored = replace(real, embedder=replace(real.embedder, mirror=True))
    assert mirrored.embed(photo).contract != real.embed(photo).contract
    plain, summed = real.verify(photo, photo), mirrored.verify(photo, photo)
    assert plain.reasons == summed.reasons == ()
    assert 0 < summed.threshold.similarity - plain.threshold.similarity < 0.01


def test_a_card_speaks_of_no_mirror_sum_and_that_is_remarked(real: Recognizer, shared_data: Path) -> None:
    photo = shared_data / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg"
    entry = ThresholdEntry(similarity=0.363, fmr=1e-3, impostor_pairs=1, data="opencv_zoo")
    card = real.embedder.card.model_copy(update={"thresholds": (entry,), "std": 1.0001})  # of no shipped contract
    answer = replace(real, embedder=replace(real.embedder, card=card, mirror=True)).verify(photo, photo)
    assert answer.threshold == entry.value()
    assert "without the mirror sum" in answer.reasons[-1]


def test_threads_share_one_recognizer_and_get_the_same_embeddings(real: Recognizer, shared_data: Path) -> None:
    folders = sorted(folder for folder in (shared_data / "lfw").iterdir() if folder.is_dir())[:6]
    images = [read_image(sorted(folder.iterdir())[0]) for folder in folders]
    alone = [real.embed(image).vector for image in images]
    failures: list[int] = []

    def embed_all(start: int) -> None:
        for number in [*range(start, len(images)), *range(start)]:
            failures.extend([number] * (not np.allclose(real.embed(images[number]).vector, alone[number], atol=1e-6)))

    threads = [threading.Thread(target=embed_all, args=(start,)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
