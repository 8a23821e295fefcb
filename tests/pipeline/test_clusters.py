"""Groups of the faces of many photos, as values."""

from __future__ import annotations

import json

import numpy as np
import pytest

from marginface.contract import ModelCard, ThresholdEntry
from marginface.errors import InputError
from marginface.matching.calibration import CardThresholds
from marginface.pipeline import EmbeddedFace, EmbeddedPhoto
from marginface.pipeline.clusters import clusters_of, threshold_among
from marginface.quality import Quality
from marginface.reasons import Reason, Remark
from marginface.values import Box, Embedding, Face
from oracles.nearest import people, unit

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'marginface[cluster]'")

LANDMARKS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
POOR = Remark(Reason.BLURRED, "x.jpg: blurred")


def face(row: np.ndarray, *refusals: Remark) -> EmbeddedFace:
    found = Face(Box(0, 0, 100, 100), LANDMARKS, 0.9)
    return EmbeddedFace(found, Quality({}), Embedding(row, "c"), refusals)


def photo(name: str, *faces: EmbeddedFace) -> EmbeddedPhoto:
    remarks = () if faces else (Remark(Reason.NO_FACE, f"{name}: no face found"),)
    return EmbeddedPhoto(name, faces, len(faces), remarks)


def test_groups_name_their_photos_and_begin_with_the_most_typical_face() -> None:
    world = people(persons=6, faces=4, size=64, spread=0.6)
    photos = [photo(f"{number}.jpg", face(row)) for number, row in enumerate(world.vectors)]
    found = clusters_of(photos, 0.4, None, "c")
    assert len(found) == 6
    for group in found.groups:
        rows = [one.photo for one in group]
        assert len({world.owners[row] for row in rows}) == 1
        center = unit(world.vectors[rows].sum(axis=0, keepdims=True))[0]
        likeness = [float(center @ world.vectors[row]) for row in rows]
        assert likeness == sorted(likeness, reverse=True)
        np.testing.assert_allclose([one.likeness for one in group], likeness, atol=1e-6)
        assert [found.name(one) for one in group] == [f"{row}.jpg" for row in rows]


def test_only_usable_faces_are_grouped_and_photos_without_one_say_why() -> None:
    row, other = np.eye(4, dtype=np.float32)[:2]
    photos = [
        photo("a.jpg", face(row), face(other, POOR)),
        photo("b.jpg", face(row)),
        photo("wall.jpg"),
        photo("x.jpg", face(row, POOR)),
    ]
    found = clusters_of(photos, 0.5, None, "c", (Remark(Reason.OTHER_CONTRACT, "another contract"),))
    assert [[one.photo for one in group] for group in found.groups] == [[0, 1]]
    assert [left.photo for left in found.left_out] == ["wall.jpg", "x.jpg"]
    said = found.explain()
    assert "Photos: 4. Faces: 2. Groups of two or more: 1. Faces without company: 0." in said
    for words in ("wall.jpg: no face found", "x.jpg: blurred", "another contract", "0.500. That was asked for."):
        assert words in said


def test_two_faces_of_a_photo_are_two_people() -> None:
    row = np.eye(4, dtype=np.float32)[0]
    assert len(clusters_of([photo("twins.jpg", face(row), face(row))], 0.5, None, "c")) == 2
    assert len(clusters_of([photo("a.jpg", face(row)), photo("b.jpg", face(row))], 0.5, None, "c")) == 1


def test_json_holds_every_face_and_no_embedding() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(3, 8)))
    found = clusters_of([photo(f"{number}.jpg", face(row)) for number, row in enumerate(rows)], 0.9, None, "c")
    values = json.loads(json.dumps(found.to_dict()))
    assert [[one["photo"] for one in group] for group in values["groups"]] == [["0.jpg"], ["1.jpg"], ["2.jpg"]]
    assert values["groups"][0][0].keys() == {"photo", "faces_found", "likeness", "box", "landmarks", "score"}
    assert (values["similarity"], values["threshold"], values["contract"]) == (0.9, None, "c")


def test_nothing_to_group_is_no_error() -> None:
    found = clusters_of([photo("wall.jpg")], 0.5, None, "c")
    assert (len(found), found.with_company) == (0, ())
    assert "Faces: 0" in found.explain()


def test_faces_that_cancel_out_are_like_nothing() -> None:
    rows = np.array([[1, 0], [-1, 0]], np.float32)
    (group,) = clusters_of([photo(str(n), face(row)) for n, row in enumerate(rows)], -0.999999, None, "c").groups[:1]
    assert all(np.isfinite(one.likeness) for one in group)


def test_few_faces_have_the_threshold_of_one_in_a_thousand_and_many_a_higher_one() -> None:
    entries = tuple(
        ThresholdEntry(similarity=similarity, fmr=fmr, impostor_pairs=10**7, data="drawn")
        for similarity, fmr in ((0.3, 1e-2), (0.36, 1e-3), (0.42, 1e-4))
    )
    card = ModelCard(name="x", file="x.onnx", sha256="0" * 64, license="none", embedding_size=2, thresholds=entries)
    thresholds = CardThresholds(card)
    assert [threshold_among(thresholds, 0.5, faces).similarity for faces in (1, 2, 693, 6_000)] == [0.36] * 3 + [0.42]
    with pytest.raises(InputError, match=r"goes down to 0\.0001"):
        threshold_among(thresholds, 0.5, 100_000)
