"""Who of the known people a photo shows: candidates, decisions, and thresholds that rise with the number of faces."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from marginface.errors import ContractMismatch, InputError, UnreadableImage
from marginface.pipeline import KnownPeople, Recognizer, SearchDecision
from marginface.reasons import Reason
from oracles.calibrations import Table
from oracles.red_faces import photo_with_faces

LARGE, SMALL, TINY = (180, 60, 280, 180), (20, 20, 70, 80), (100, 100, 110, 113)


@pytest.fixture
def recognizer(drawn: Recognizer) -> Recognizer:
    return replace(drawn, calibration=Table(drawn.contract.id))


@pytest.fixture
def known(recognizer: Recognizer) -> KnownPeople:
    """Ann at blue 0 and 20, Bob at 100, Cem at 180."""
    blues = {"Ann": (0, 20), "Bob": (100,), "Cem": (180,)}
    return recognizer.enrol({name: [photo_with_faces(LARGE, blue=b) for b in each] for name, each in blues.items()})


def test_each_face_of_a_photo_is_answered_with_person_candidates_and_box(
    recognizer: Recognizer, known: KnownPeople
) -> None:
    image = photo_with_faces(LARGE, blue=98)
    image[20:80, 20:70] = photo_with_faces((0, 0, 50, 60), blue=58)[:60, :50]
    answer = recognizer.identify(image, known, most=2)
    first, second = answer.faces
    assert (first.person, first.decision, bool(first)) == ("Bob", SearchDecision.MATCH, True)
    assert (second.person, second.decision, bool(second)) == (None, SearchDecision.NO_MATCH, False)
    assert [one.person for one in second.candidates] == ["Ann", "Bob"]
    assert second.candidates[0].similarity == pytest.approx(np.cos(38 / 255 * np.pi / 2), abs=2e-3)
    assert (bool(answer), answer.people, answer.exit_status) == (True, ("Bob",), 0)
    assert (first.used.face.box.x1, answer.comparisons, answer.fpir) == (180, 4, 0.01)
    assert answer.threshold.fmr == pytest.approx(0.0025)
    assert "this photo: match." in answer.explain()
    assert "identification rate of 0.01 in a search of 4" in answer.explain()


def test_a_stranger_is_nobody_and_is_not_given_a_name(recognizer: Recognizer, known: KnownPeople) -> None:
    answer = recognizer.identify(photo_with_faces(LARGE, blue=60), known)
    assert (bool(answer), answer.people, answer.decision, answer.exit_status) == (
        False, (), SearchDecision.NO_MATCH, 1,
    )  # fmt: skip


def test_the_threshold_rises_with_the_number_of_known_faces(recognizer: Recognizer) -> None:
    photo = photo_with_faces(LARGE, blue=10)
    thresholds = []
    for count in (1, 5, 25):
        people = recognizer.enrol({f"p{number}": [photo_with_faces(LARGE)] for number in range(count)})
        thresholds.append(recognizer.identify(photo, people, fpir=0.1).threshold)
    assert [one.fmr for one in thresholds] == pytest.approx([0.1, 0.02, 0.004])
    assert (np.diff([one.similarity for one in thresholds]) > 0).all()


def test_what_cannot_be_told_says_why(recognizer: Recognizer, known: KnownPeople) -> None:
    nothing = recognizer.identify(photo_with_faces(), known)
    assert (nothing.faces, nothing.decision, nothing.codes) == ((), SearchDecision.CANNOT_TELL, (Reason.NO_FACE,))
    poor = recognizer.identify(photo_with_faces(TINY), known)
    assert (poor.decision, poor.codes, poor.exit_status) == (
        SearchDecision.CANNOT_TELL, (Reason.FACE_TOO_SMALL,), 3,
    )  # fmt: skip
    between = recognizer.identify(photo_with_faces(LARGE, blue=115), known, uncertain_fpir=0.5)
    assert (between.decision, between.codes) == (SearchDecision.CANNOT_TELL, (Reason.BETWEEN_THRESHOLDS,))
    assert recognizer.identify(photo_with_faces(LARGE, blue=115), known).decision is SearchDecision.NO_MATCH


def test_a_match_beside_a_face_that_cannot_be_told_is_a_match(recognizer: Recognizer, known: KnownPeople) -> None:
    assert recognizer.identify(photo_with_faces(TINY, LARGE, blue=100), known).decision is SearchDecision.MATCH
    assert recognizer.identify(photo_with_faces(TINY, LARGE, blue=60), known).decision is SearchDecision.CANNOT_TELL


def test_nobody_known_is_no_match_and_is_said(drawn: Recognizer) -> None:
    answer = drawn.identify(photo_with_faces(LARGE), drawn.enrol({}), fpir=0.1)
    assert (answer.decision, answer.codes) == (SearchDecision.NO_MATCH, (Reason.NOBODY_KNOWN,))
    assert answer.faces[0].candidates == ()


def test_people_of_another_contract_are_refused(recognizer: Recognizer, known: KnownPeople) -> None:
    with pytest.raises(ContractMismatch, match="were embedded under contract other"):
        recognizer.identify("absent.jpg", replace(known, contract="other"))


def test_a_card_that_has_no_rate_so_small_is_said_before_the_photo_is_read(drawn: Recognizer) -> None:
    people = drawn.enrol({f"p{number}": [photo_with_faces(LARGE)] for number in range(11)})
    with pytest.raises(InputError, match=r"enough for 10 faces"):
        drawn.identify("absent.jpg", people)
    with pytest.raises(UnreadableImage):
        drawn.identify("absent.jpg", people, fpir=0.02)


def test_an_identification_is_json(recognizer: Recognizer, known: KnownPeople) -> None:
    values = json.loads(json.dumps(recognizer.identify(photo_with_faces(LARGE), known).to_dict(), allow_nan=False))
    assert values["faces"][0]["person"] == "Ann"
    assert values["faces"][0]["candidates"][0] == {
        "person": "Ann",
        "uid": None,
        "similarity": 1.0,
        "face": "photo 1",
    }
    assert (values["decision"], values["fpir"], values["comparisons"]) == ("match", 0.01, 4)


@dataclass(frozen=True)
class OnePerson:
    """The smallest thing that can be searched: no class of ours."""

    contract: str

    def comparisons(self) -> int:
        return 1

    def nearest(self, probes: object, k: int) -> list[tuple[object, ...]]:
        from marginface.values import Candidate

        return [(Candidate("Zoe", 0.999, "zoe.jpg"),)] * len(probes)  # type: ignore[arg-type]


def test_anything_that_searches_can_be_asked(recognizer: Recognizer) -> None:
    assert recognizer.identify(photo_with_faces(LARGE), OnePerson(recognizer.contract.id)).people == ("Zoe",)  # type: ignore[arg-type]
