"""Known people in memory: beside a search that looks at each face in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from marginface.errors import ContractMismatch, InputError
from marginface.pipeline import KnownPeople, Recognizer
from marginface.similarity import l2_normalize
from marginface.values import Candidate, Embedding, FloatArray
from oracles.red_faces import photo_with_faces

LARGE, SMALL, TINY = (180, 60, 280, 180), (20, 20, 70, 80), (100, 100, 110, 113)


def slow_nearest(people: KnownPeople, probe: FloatArray, k: int) -> list[Candidate]:
    """Look at every face, keep the best of each person, sort."""
    best: dict[str, Candidate] = {}
    for person, face, vector in zip(people.people, people.faces, people.vectors, strict=True):
        likeness = float(np.dot(vector, probe))
        if person not in best or likeness > best[person].similarity:
            best[person] = Candidate(person, likeness, face)
    return sorted(best.values(), key=lambda one: -one.similarity)[:k]


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 8), st.integers(1, 6))
def test_the_nearest_people_are_those_of_a_slow_search(seed: int, faces: int, names: int, k: int) -> None:
    random = np.random.default_rng(seed)
    vectors = l2_normalize(random.normal(size=(faces, 8)).astype(np.float32))
    owners = tuple(f"person {number}" for number in random.integers(0, names, faces))
    people = KnownPeople("c", owners, tuple(f"{row}.jpg" for row in range(faces)), vectors)
    probes = l2_normalize(random.normal(size=(3, 8)).astype(np.float32))
    asked = [Embedding(probe, "c") for probe in probes]
    for probe, found in zip(probes, people.nearest(asked, k), strict=True):
        wanted = slow_nearest(people, probe, k)
        assert [(one.person, one.face) for one in found] == [(one.person, one.face) for one in wanted]
        assert [one.similarity for one in found] == pytest.approx([one.similarity for one in wanted], abs=1e-5)


def test_nobody_known_is_no_candidate() -> None:
    nobody = KnownPeople("c", (), (), np.empty((0, 8), np.float32))
    assert nobody.nearest([Embedding(np.eye(8, dtype=np.float32)[0], "c")] * 2, 3) == ((), ())
    assert (len(nobody), nobody.comparisons()) == (0, 0)


def test_rows_people_and_faces_are_of_one_number() -> None:
    with pytest.raises(InputError, match="each row has its person"):
        KnownPeople("c", ("a",), ("a.jpg", "b.jpg"), np.empty((1, 8), np.float32))
    with pytest.raises(InputError, match="k is at least 1"):
        KnownPeople("c", (), (), np.empty((0, 8), np.float32)).nearest([], 0)


def test_a_probe_of_another_contract_is_refused() -> None:
    people = KnownPeople("c", ("a",), ("a.jpg",), np.eye(8, dtype=np.float32)[:1])
    with pytest.raises(ContractMismatch):
        people.nearest([Embedding(np.eye(8, dtype=np.float32)[0], "another")], 1)


def test_enrolment_takes_photos_of_one_good_face_and_says_what_it_left_out(drawn: Recognizer, tmp_path: Path) -> None:
    Image.fromarray(photo_with_faces(LARGE, blue=10)).save(tmp_path / "ann.png")
    people = drawn.enrol(
        {
            "Ann": [tmp_path / "ann.png", photo_with_faces(LARGE, blue=20), photo_with_faces(LARGE, SMALL)],
            "Bob": [photo_with_faces(TINY), photo_with_faces(), tmp_path / "absent.jpg"],
            "Cem": [],
        }
    )
    assert (len(people), people.comparisons(), people.people) == (1, 2, ("Ann", "Ann"))
    assert people.faces == (str(tmp_path / "ann.png"), "photo 2")
    assert people.left_out == ("Bob", "Cem")
    codes = {name: [[code.value for code in one.codes] for one in photos] for name, photos in people.outcomes.items()}
    assert codes == {
        "Ann": [[], [], ["several_faces"]],
        "Bob": [["face_too_small"], ["no_face"], ["unreadable"]],
        "Cem": [],
    }
    assert people.contract == drawn.contract.id
    text = people.explain()
    assert text.startswith("1 person, 2 faces.")
    assert "Bob: no usable photo." in text
    assert "absent.jpg: no such file" in text


def test_enrolment_is_as_strict_as_it_is_told(drawn: Recognizer) -> None:
    photos = {"Ann": [photo_with_faces(TINY)]}
    assert len(drawn.enrol(photos)) == 0
    assert len(drawn.enrol(photos, quality="off")) == 1
