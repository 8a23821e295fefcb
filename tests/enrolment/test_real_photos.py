"""Real faces: people of LFW enrolled from one photo are found in another; strangers are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from marginface.enrolment import Enroller, EnrolSettings, PersonPhoto, SearchSettings, collection_for, identify_each
from marginface.gallery import Gallery
from marginface.pipeline import Recognizer, SearchDecision
from marginface.reasons import Reason

PEOPLE, STRANGERS = 20, 20


@pytest.fixture(scope="module")
def sface() -> Recognizer:
    return Recognizer.load("sface")


@pytest.fixture(scope="module")
def lfw(shared_data: Path) -> list[Path]:
    return sorted(folder for folder in (shared_data / "lfw").iterdir() if (folder / f"{folder.name}_0002.jpg").exists())


def photo(folder: Path, number: int) -> Path:
    return folder / f"{folder.name}_{number:04d}.jpg"


def test_people_of_lfw_are_found_and_strangers_are_not(gallery: Gallery, sface: Recognizer, lfw: list[Path]) -> None:
    known, strangers = lfw[:: len(lfw) // PEOPLE][:PEOPLE], lfw[1 :: len(lfw) // STRANGERS][:STRANGERS]
    collection = collection_for(gallery, "", sface)
    settings = EnrolSettings(faces="center", refuse_lookalikes=True)
    report = Enroller(collection, sface, settings).enrol(PersonPhoto(one.name, photo(one, 1)) for one in known)
    refused = [one for one in report.photos if not one]
    assert len(refused) <= 3, report.explain()
    enrolled = {one.person for one in report.photos if one}
    search = SearchSettings(faces="center")
    mates = list(identify_each(sface, collection, [photo(one, 2) for one in known if one.name in enrolled], search))
    right = [
        answer.identification is not None and answer.identification.people == (Path(answer.photo).parent.name,)
        for answer in mates
    ]
    assert sum(right) >= 0.8 * len(right)
    others = list(identify_each(sface, collection, [photo(one, 1) for one in strangers], search))
    found = [answer for answer in others if answer]
    assert len(found) <= 1, [answer.explain() for answer in found]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_every_photo_that_breaks_pipelines_has_a_typed_outcome(
    gallery: Gallery, sface: Recognizer, shared_data: Path
) -> None:
    photos = [path for path in sorted((shared_data / "photos").rglob("*")) if path.is_file()]
    photos = [path for path in photos if path.stat().st_size < 400_000][::2]
    collection = collection_for(gallery, "", sface)
    report = Enroller(collection, sface, EnrolSettings(keep_crops=True)).enrol(
        PersonPhoto(f"photo {number}", path) for number, path in enumerate(photos)
    )
    assert len(report.photos) == len(photos)
    codes = {code for one in report.photos for code in one.codes}
    assert {Reason.UNREADABLE, Reason.NO_FACE, Reason.SEVERAL_FACES} <= codes
    assert all(one or one.remarks for one in report.photos)
    assert sum(bool(one) for one in report.photos) > 20
    assert len(collection.people()) == sum(bool(one) for one in report.photos)
    assert gallery.check().findings == ()
    answers = identify_each(sface, collection, photos[::10], SearchSettings(fpir=0.1))
    decisions = {answer.identification.decision for answer in answers if answer.identification is not None}
    assert SearchDecision.MATCH in decisions
