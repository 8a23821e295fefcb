"""A collection is searched as people in memory are; the threshold follows its size; other models are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from marginface.contract import foreign_contract
from marginface.enrolment import (
    CollectionPeople,
    Enroller,
    EnrolSettings,
    SearchSettings,
    collection_for,
    exit_status,
    folder_of_people,
    identify_each,
    require_contract,
)
from marginface.errors import ContractMismatch, InputError, UnknownName
from marginface.gallery import Collection, Gallery
from marginface.pipeline import Recognizer
from oracles.enrolments import FACE, write_people, write_photo
from oracles.red_faces import BLUE_CARD, BlueEmbedder

BLUES = {"Ann": (0, 20), "Bob": (100,), "Cem": (180,)}


@pytest.fixture
def enrolled(people: Collection, red: Recognizer, tmp_path: Path) -> Collection:
    folder = write_people(tmp_path / "photos", BLUES)
    assert Enroller(people, red, EnrolSettings()).enrol(folder_of_people(folder).photos)
    return people


def test_a_collection_answers_as_the_same_people_in_memory(
    enrolled: Collection, red: Recognizer, tmp_path: Path
) -> None:
    photos = {
        name: [tmp_path / "photos" / name / f"{blue:03d}.png" for blue in theirs] for name, theirs in BLUES.items()
    }
    memory = red.enrol(photos)
    for blue in (0, 30, 98, 140, 199):
        photo = write_photo(tmp_path / f"{blue}.png", blue)
        ours, theirs = red.identify(photo, CollectionPeople(enrolled)), red.identify(photo, memory)
        assert (ours.people, ours.decision, ours.comparisons) == (theirs.people, theirs.decision, 4)
        assert ours.threshold == theirs.threshold
        for one, other in zip(ours.faces, theirs.faces, strict=True):
            assert [found.person for found in one.candidates] == [found.person for found in other.candidates]
            similarities = [found.similarity for found in other.candidates]
            assert [found.similarity for found in one.candidates] == pytest.approx(similarities, abs=1e-5)


def test_the_threshold_follows_the_size_that_other_writers_made(
    enrolled: Collection, red: Recognizer, tmp_path: Path
) -> None:
    photo = write_photo(tmp_path / "asked.png", 98)
    (before,) = identify_each(red, enrolled, [photo], SearchSettings())
    with Gallery.open(tmp_path / "people.db") as other:
        folder = write_people(tmp_path / "more", {"Dov": tuple(range(40, 46))})
        Enroller(other.collection(), red, EnrolSettings()).enrol(folder_of_people(folder).photos)
    (after,) = identify_each(red, enrolled, [photo], SearchSettings())
    assert before.identification is not None
    assert after.identification is not None
    assert [before.identification.comparisons, after.identification.comparisons] == [4, 10]
    assert [one.identification.threshold.fmr for one in (before, after) if one.identification] == [0.0025, 0.001]


def test_many_photos_have_an_answer_each_and_one_exit_status(
    enrolled: Collection, red: Recognizer, tmp_path: Path
) -> None:
    known, stranger = write_photo(tmp_path / "known.png", 101), write_photo(tmp_path / "stranger.png", 60)
    nobody = write_photo(tmp_path / "nobody.png", 220)
    text = tmp_path / "text.png"
    text.write_text("no photo")
    answers = list(identify_each(red, enrolled, [known, stranger, nobody, text], SearchSettings()))
    assert [answer.exit_status for answer in answers] == [0, 1, 3, 2]
    assert [bool(answer) for answer in answers] == [True, False, False, False]
    assert [answer.to_dict()["decision"] for answer in answers] == ["match", "no match", "cannot tell", "cannot tell"]
    assert answers[3].to_dict()["codes"] == ["unreadable"]
    assert "Bob" in answers[0].explain()
    assert exit_status(answers[:1]) == 0
    assert exit_status(answers[:2]) == 1
    assert exit_status(answers[:3]) == 3
    assert exit_status(answers) == 2


def test_of_many_photos_the_threshold_is_said_once_and_again_when_it_is_another_one(
    enrolled: Collection, red: Recognizer, tmp_path: Path
) -> None:
    known, nobody, gone = write_photo(tmp_path / "a.png", 101), write_photo(tmp_path / "b.png", 220), tmp_path / "c.png"
    first = list(identify_each(red, enrolled, [known, nobody, gone, known], SearchSettings()))
    folder = write_people(tmp_path / "more", {"Dov": tuple(range(40, 46))})
    assert Enroller(enrolled, red, EnrolSettings()).enrol(folder_of_people(folder).photos)
    answers = [*first, *identify_each(red, enrolled, [known], SearchSettings())]
    texts = [answer.explain_after(answers[:place]) for place, answer in enumerate(answers)]
    assert [text.count("The threshold was set for") for text in texts] == [1, 0, 0, 0, 1]
    assert [texts[0], texts[2], texts[4]] == [answers[place].explain() for place in (0, 2, 4)]
    assert texts[3] == "\n".join(answers[3].explain().split("\n")[:2])


def test_another_model_is_refused_and_migrate_is_offered(
    gallery: Gallery, enrolled: Collection, red: Recognizer
) -> None:
    newer = replace(red, embedder=BlueEmbedder(BLUE_CARD.model_copy(update={"sha256": "1" * 64})), calibration=None)
    with pytest.raises(ContractMismatch, match=r"migrate people\.db --model blue"):
        require_contract("people.db", enrolled, newer)
    with pytest.raises(ContractMismatch, match="migrate"):
        collection_for(gallery, "", newer)
    photo = write_photo(Path(gallery.address).parent / "a.png", 0, FACE)
    with pytest.raises(ContractMismatch, match="known people were embedded under contract"):
        newer.identify(photo, CollectionPeople(enrolled))
    require_contract("people.db", enrolled, red)


def test_vectors_of_another_system_are_refused_with_another_advice(gallery: Gallery, red: Recognizer) -> None:
    contract = foreign_contract("deepface", "Facenet512", "retinaface", "aligned")
    foreign = gallery.create_collection("old", contract=contract, embedding_size=512)
    with pytest.raises(
        ContractMismatch, match=r"foreign:deepface/facenet512/retinaface/aligned\), which only that system"
    ):
        require_contract("people.db", foreign, red)
    with pytest.raises(InputError, match="in words of letters and digits"):
        foreign_contract("deepface", "…")


def test_an_empty_gallery_gets_its_first_collection_and_no_other_is_made_by_a_slip(
    gallery: Gallery, red: Recognizer
) -> None:
    made = collection_for(gallery, "", red)
    assert (made.name, made.contract, made.embedding_size) == ("people", red.contract.id, 2)
    assert collection_for(gallery, "", red).uid == made.uid
    with pytest.raises(UnknownName, match=r"no collection 'poeple'\. Did you mean 'people'"):
        collection_for(gallery, "poeple", red)
