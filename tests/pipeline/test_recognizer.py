"""The recognizer: load, detect, embed, verify, on drawn faces and on real ones."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.contract import Contract, ThresholdEntry
from marginface.cropping import FaceCropper
from marginface.errors import (
    CalibrationError,
    ContractMismatch,
    FaceCountError,
    InputError,
    UnknownName,
    UnreadableImage,
)
from marginface.matching import shipped_calibration, write_calibration
from marginface.pipeline import Recognizer
from marginface.reasons import Reason
from marginface.values import Decision, FloatArray, ImageArray, Threshold
from oracles.calibrations import Table
from oracles.red_faces import BlueEmbedder, RedDetector, photo_with_faces

LARGE, SMALL, TINY = (180, 60, 280, 180), (20, 20, 70, 80), (100, 100, 120, 126)


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
        def features(self, crops: ImageArray) -> FloatArray:
            assert (crops[:, 56, 56, 0] == 255).all(), "the background was embedded"
            return super().features(crops)

    recognizer = Recognizer(FaceCropper(RedDetector()), NeverEmbeds())
    photos = [photo_with_faces(), photo_with_faces(LARGE)]
    answer = recognizer.verify(*(photos if empty_first else photos[::-1]))
    assert (answer.decision, answer.similarity, answer.exit_status) == (Decision.CANNOT_TELL, None, 3)
    assert [face is None for face in answer.faces] == [empty_first, not empty_first]
    role = "first photo" if empty_first else "second photo"
    assert answer.reasons[0].reason is Reason.NO_FACE
    assert answer.reasons[0].text.startswith(f"{role}: no face found (not even a faint one, 0.60 is needed)")


def test_the_reason_tells_how_good_the_best_candidate_was(drawn: Recognizer) -> None:
    answer = drawn.verify(photo_with_faces(LARGE, blue=220), photo_with_faces(LARGE))
    assert "the best candidate scores 0.30, 0.60 is needed" in answer.reasons[0].text
    assert answer.faces[0] is None


def test_two_photos_without_a_face_give_two_reasons_with_their_names(drawn: Recognizer, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(photo_with_faces()).save(tmp_path / name)
    answer = drawn.verify(tmp_path / "a.png", str(tmp_path / "b.png"))
    assert ["a.png: no face" in answer.reasons[0].text, "b.png: no face" in answer.reasons[1].text] == [True, True]
    assert "Cannot tell." in answer.explain()


def test_several_faces_and_small_faces_are_remarked_and_do_not_change_the_answer(drawn: Recognizer) -> None:
    answer = drawn.verify(photo_with_faces(SMALL, LARGE), photo_with_faces(TINY))
    assert answer.decision is Decision.SAME
    assert answer.codes == (Reason.OTHER_FACES, Reason.FACE_TOO_SMALL)
    assert answer.reasons[0].text == "first photo: 2 faces found, the largest was used."
    assert answer.reasons[1].text.startswith("second photo: The eyes are too few pixels apart: inter eye distance 8 px")
    assert answer.reasons[1].text.endswith("Trust the answer less.")
    assert answer.faces[0].box.x1 == LARGE[0]


def test_a_face_too_small_to_be_used_cannot_be_told_but_its_similarity_is_shown(drawn: Recognizer) -> None:
    photos = photo_with_faces(LARGE), photo_with_faces((100, 100, 110, 113))
    answer = drawn.verify(*photos)
    assert (answer.decision, answer.codes) == (Decision.CANNOT_TELL, (Reason.FACE_TOO_SMALL,))
    assert answer.similarity == pytest.approx(1)
    assert "at least 8 is wanted" in answer.explain()
    assert drawn.verify(*photos, quality="off").decision is Decision.SAME


@pytest.mark.parametrize(("policy", "decision"), [("largest", "same"), ("center", "different"), ("one", "cannot tell")])
def test_the_face_policy_says_which_of_several_faces_is_meant(drawn: Recognizer, policy: str, decision: str) -> None:
    image = photo_with_faces((10, 10, 110, 130))
    image[80:140, 125:175] = photo_with_faces((0, 0, 50, 60), blue=190)[:60, :50]
    answer = drawn.verify(image, photo_with_faces(LARGE), faces=policy)
    assert answer.decision.value == decision
    assert (Reason.SEVERAL_FACES in answer.codes) == (policy == "one")


def test_verify_compares_one_face_and_says_which_verb_compares_all(drawn: Recognizer) -> None:
    with pytest.raises(InputError, match="compare_all compares all"):
        drawn.verify("absent.jpg", "absent.jpg", faces="all")
    with pytest.raises(UnknownName, match="Did you mean 'largest'"):
        drawn.embed_photo(photo_with_faces(LARGE), faces="larges")


def test_a_policy_of_the_cropper_that_no_verb_would_use_is_refused() -> None:
    with pytest.raises(InputError, match="faces='one'"):
        Recognizer(FaceCropper(RedDetector(), policy="one"), BlueEmbedder())


def test_between_two_thresholds_it_cannot_be_told(drawn: Recognizer) -> None:
    entries = [
        ThresholdEntry(similarity=similarity, fmr=fmr, impostor_pairs=3000, data="drawn faces")
        for fmr, similarity in ((1e-3, 0.9), (1e-2, 0.6))
    ]
    card = drawn.embedder.card.model_copy(update={"thresholds": tuple(entries)})
    recognizer = Recognizer(drawn.cropper, BlueEmbedder(card))
    first = photo_with_faces(LARGE, blue=0)
    for blue in range(0, 195, 15):
        second = photo_with_faces(LARGE, blue=blue)
        answer = recognizer.verify(first, second, uncertain_fmr=1e-2)
        similarity = answer.similarity
        wanted = "same" if similarity >= 0.9 else "different" if similarity < 0.6 else "cannot tell"
        assert answer.decision.value == wanted
        assert (Reason.BETWEEN_THRESHOLDS in answer.codes) == (wanted == "cannot tell")
        sure = recognizer.verify(first, second)
        assert sure.decision.value == ("same" if similarity >= 0.9 else "different")


def test_an_uncertain_rate_that_is_not_laxer_is_refused(drawn: Recognizer) -> None:
    with pytest.raises(InputError, match="the uncertain rate is laxer"):
        drawn.verify("absent.jpg", "absent.jpg", uncertain_fmr=1e-3)


def test_a_calibration_decides_in_place_of_the_card(drawn: Recognizer) -> None:
    recognizer = replace(drawn, calibration=Table(drawn.contract.id))
    answer = recognizer.verify(photo_with_faces(LARGE), photo_with_faces(LARGE, blue=60), fmr=0.05)
    assert answer.threshold.data == "a table"
    assert answer.decision is Decision.DIFFERENT


def test_a_calibration_of_another_contract_is_refused_when_loaded(drawn: Recognizer) -> None:
    with pytest.raises(ContractMismatch, match="0123"):
        replace(drawn, calibration=Table("0123"))


@pytest.mark.parametrize("path", ["staff.toml", Path("staff.toml")])
def test_the_path_of_a_calibration_is_refused_and_who_reads_it_named(drawn: Recognizer, path: object) -> None:
    with pytest.raises(InputError, match=r"read_calibration.*got 'staff\.toml'"):
        replace(drawn, calibration=path)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_recognizer_is_loaded_with_the_file_of_a_calibration(kind: type, tmp_path: Path) -> None:
    plain = Recognizer.load("sface")
    shipped = shipped_calibration(plain.contract.id)
    file = write_calibration(shipped, str(tmp_path / "staff.toml"))
    assert Recognizer.load("sface", calibration=kind(file)).calibration == shipped
    with pytest.raises(CalibrationError, match=r"gone\.toml: cannot read a calibration"):
        Recognizer.load("sface", calibration=kind(tmp_path / "gone.toml"))


@pytest.mark.parametrize("one", ["ann.jpg", Path("ann.jpg"), b"\xff\xd8", photo_with_faces(LARGE)])
def test_one_photo_for_several_is_refused_and_not_taken_letter_by_letter(drawn: Recognizer, one: object) -> None:
    for asked in (drawn.embed_all, drawn.compare_all, drawn.cluster, lambda photo: drawn.enrol({"Ann": photo})):
        with pytest.raises(InputError, match="photos are several: give a list"):
            asked(one)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Ann: photos are several"):
        drawn.enrol({"Ann": one})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="names with their photos"):
        drawn.enrol([one])  # type: ignore[arg-type]


def test_an_array_of_photos_is_several(drawn: Recognizer) -> None:
    photo = photo_with_faces(LARGE)
    assert len(drawn.embed_all(np.stack([photo, photo]))) == 2


@pytest.mark.parametrize("people", ["people.db", {"Ann": ["ann.jpg"]}, None])
def test_what_is_no_known_people_is_refused_and_what_is_named(drawn: Recognizer, people: object) -> None:
    with pytest.raises(InputError, match=r"Recognizer\.enrol gives, or marginface\.enrolment\.CollectionPeople"):
        drawn.identify(photo_with_faces(LARGE), people)  # type: ignore[arg-type]


def test_a_rate_the_card_does_not_have_is_refused_before_any_photo_is_read(drawn: Recognizer) -> None:
    with pytest.raises(InputError, match=r"no threshold for FMR 0\.5\. Its card has: 0\.001"):
        drawn.verify("absent.jpg", "absent.jpg", fmr=0.5)


def test_a_photo_that_cannot_be_read_raises_and_is_not_a_face_that_was_not_found(drawn: Recognizer) -> None:
    with pytest.raises(UnreadableImage, match=r"absent\.jpg: no such file"):
        drawn.verify("absent.jpg", photo_with_faces(LARGE))


def test_embed_takes_the_largest_face_or_the_one_that_is_given(drawn: Recognizer) -> None:
    image = photo_with_faces(LARGE, blue=10)
    image[20:80, 20:70] = photo_with_faces((0, 0, 50, 60), blue=100)[:60, :50]
    large, small = drawn.detect(image)
    assert (large.box.x1, small.box.x1) == (180, 20)
    angle = 10 / 255 * np.pi / 2
    np.testing.assert_allclose(drawn.embed(image).vector, [np.cos(angle), np.sin(angle)], atol=1e-3)
    angle = 100 / 255 * np.pi / 2
    np.testing.assert_allclose(drawn.embed(image, small).vector, [np.cos(angle), np.sin(angle)], atol=1e-3)
    assert drawn.embed(image).contract == drawn.contract.id
    with pytest.raises(FaceCountError, match="2 faces found, exactly one is wanted"):
        drawn.embed(image, faces="one")


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


def test_another_detector_is_another_contract_and_its_threshold_is_remarked(drawn: Recognizer) -> None:
    other = Recognizer(FaceCropper(RedDetector(network="a better one")), BlueEmbedder())
    assert drawn.contract.id == drawn.embedder.contract.id
    assert other.contract.id != drawn.contract.id
    photo = photo_with_faces(LARGE)
    assert other.embed(photo).contract == other.contract.id
    remark = other.verify(photo, photo).reasons[-1]
    assert (remark.reason, "a better one" in remark.text) == (Reason.OTHER_CONTRACT, True)


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="yunet"):
        Recognizer.load("sface", detector="yunnet")


@dataclass(frozen=True)
class PublishersThreshold(Table):
    """The one that the publisher of SFace gives, 0.363, so that these tests do not hang on a measured one."""

    def threshold(self, fmr: float) -> Threshold:
        return Threshold(0.363, fmr, 1, "opencv_zoo")


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Recognizer:
    recognizer = Recognizer.load("sface")
    return replace(recognizer, calibration=PublishersThreshold(recognizer.contract.id))


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
    assert "pil_sample_cmyk.jpg: no face found" in answer.reasons[0].text


def test_the_mirror_sum_is_another_contract_with_thresholds_and_a_usual_norm_of_its_own(
    real: Recognizer, shared_data: Path
) -> None:
    photo = shared_data / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg"
    mirrored = replace(real, embedder=replace(real.embedder, mirror=True), calibration=None)
    one, other = (recognizer.embed_photo(photo) for recognizer in (real, mirrored))
    assert one.embedding.contract != other.embedding.contract
    norms = [photo.faces[0].quality["feature_norm"] for photo in (one, other)]
    assert norms[1] == pytest.approx(norms[0], rel=0.1)
    shipped = replace(real, calibration=None)
    plain, summed = shipped.verify(photo, photo), mirrored.verify(photo, photo)
    assert plain.reasons == summed.reasons == ()
    assert 0 < summed.threshold.similarity - plain.threshold.similarity < 0.01


def test_thresholds_of_a_card_are_remarked_where_the_mirror_sum_is_used(drawn: Recognizer) -> None:
    class Mirrored(BlueEmbedder):
        @property
        def contract(self) -> Contract:
            return self.card.contract(mirror=True)

    photo = photo_with_faces(LARGE)
    remark = replace(drawn, embedder=Mirrored()).verify(photo, photo).reasons[-1]
    assert (remark.reason, "without the mirror sum" in remark.text) == (Reason.OTHER_CONTRACT, True)
