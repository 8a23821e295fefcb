"""TinyFace in its published layout against walking down every list; images without a face count."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from marginface.data.identification.tinyface import read_tinyface
from marginface.data.synthetic.layouts.tinyface import TinyPlan, write_tinyface
from marginface.errors import DataError, InputError
from marginface.evaluation.protocols import tinyface as evaluation
from marginface.evaluation.protocols.tinyface import RANKS, evaluate_tinyface, retrieve
from marginface.evaluation.reading import Reader
from marginface.evaluation.reports.lines import tinyface_lines
from marginface.images import read_image
from oracles.all_pairs import area_under_precision
from oracles.coarse import Coarse, coarse
from oracles.face_lists import drawn_faces, vectors_of

PLAN = TinyPlan(people=14, gallery=2, probes=2, distractors=25, pixels=12, seed=3)


class NoFaceInBlack:
    """Stands in for FaceCropper: a black photo shows no face."""

    def crop(self, image: np.ndarray) -> object:
        return SimpleNamespace(crop=image if image.any() else None)


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    write_tinyface(tmp_path, PLAN)
    return tmp_path


def walked(root: Path) -> list[tuple[float, int, str]]:
    """Average precision, rank of the first mate and person of every probe, from the files alone."""

    def vector(path: Path) -> list[float] | None:
        image = read_image(path)
        if not image.any():
            return None
        feature = coarse(image).astype(float)
        return (feature / np.linalg.norm(feature)).tolist()

    folder = root / "Testing_Set"
    gallery = [(vector(path), path.name.split("_")[0]) for path in sorted((folder / "Gallery_Match").iterdir())]
    gallery += [(vector(path), "nobody") for path in sorted((folder / "Gallery_Distractor").rglob("*.png"))]
    found = []
    for path in sorted((folder / "Probe").iterdir()):
        person = path.name.split("_")[0]
        entries, names = zip(*gallery, strict=True)
        found.append((*area_under_precision(vector(path), person, entries, names), person))
    return found


@pytest.mark.parametrize("lost", [(), ("Gallery_Match/2_1.png", "Probe/5_3.png", "Gallery_Distractor/4.png")])
def test_every_number_is_that_of_walking_down_every_list(drawn: Path, lost: tuple[str, ...]) -> None:
    for name in lost:
        Image.new("RGB", (112, 112)).save(drawn / "Testing_Set" / name)
    reader = Reader(cropper=NoFaceInBlack())
    result = evaluate_tinyface(Coarse(), read_tinyface(drawn), reader)
    loops = walked(drawn)
    assert sorted(result.retrieval.precision) == pytest.approx(sorted(area for area, _, _ in loops))
    for rank in RANKS:
        rate, interval = result.retrieval.rate(rank)
        assert rate == pytest.approx(np.mean([0 < first <= rank for _, first, _ in loops]))
        assert interval.low <= rate <= interval.high
    precision, interval = result.retrieval.mean_precision()
    assert precision == pytest.approx(np.mean([area for area, _, _ in loops]))
    assert interval.low < precision < interval.high
    assert 0.1 < result.retrieval.rate(1)[0] < 1, "a protocol without errors would prove little"
    assert len(result.failures) == len(lost)


def test_blocks_of_probes_and_of_the_gallery_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    gallery = drawn_faces(rng.integers(0, 12, 90), seed=1, lost=0.1)
    probes = drawn_faces(rng.integers(0, 12, 40), seed=1, lost=0.1)
    asked = probes.vectors, probes.people, gallery.vectors, gallery.people, gallery.found
    whole = retrieve(*asked)
    monkeypatch.setattr(evaluation, "_SIMILARITIES", 200)
    monkeypatch.setattr(evaluation, "_COLUMNS", 7)
    parts = retrieve(*asked)
    np.testing.assert_array_equal(whole.first_rank, parts.first_rank)
    np.testing.assert_allclose(whole.precision, parts.precision)
    loops = [
        area_under_precision(vector, person, vectors_of(gallery), gallery.people.tolist())
        for vector, person in zip(vectors_of(probes), probes.people.tolist(), strict=True)
    ]
    assert whole.precision.tolist() == pytest.approx([area for area, _ in loops])
    assert whole.first_rank.tolist() == [first for _, first in loops]


def test_the_numbers_are_plain_and_the_table_has_them(drawn: Path) -> None:
    result = evaluate_tinyface(Coarse(), read_tinyface(drawn / "Testing_Set"))
    values = json.loads(json.dumps(result.to_dict()))
    assert (values["probes"], values["probe_people"], values["gallery"], values["distractors"]) == (28, 14, 28, 25)
    assert list(values["identification_rate"]) == ["1", "5", "10", "20"]
    assert [line[0] for line in tinyface_lines(result)] == ["rank 1", "rank 5", "rank 10", "rank 20", "mAP",
                                                            "Without a face"]  # fmt: skip


def test_distractors_may_lie_in_folders_and_none_are_needed(drawn: Path) -> None:
    folder = drawn / "Testing_Set" / "Gallery_Distractor"
    (folder / "deep").mkdir()
    (folder / "1.png").rename(folder / "deep" / "1.png")
    assert len(read_tinyface(drawn).distractors) == 25
    write_tinyface(drawn / "none", TinyPlan(people=3, distractors=0))
    assert evaluate_tinyface(Coarse(), read_tinyface(drawn / "none")).retrieval.rate(10)[0] == 1


def test_what_is_not_tinyface_is_said(drawn: Path) -> None:
    with pytest.raises(DataError, match="expected TinyFace, that is folders Gallery_Match, Gallery_Distractor, Probe"):
        read_tinyface(drawn / "nowhere")
    probes = drawn / "Testing_Set" / "Probe"
    (probes / "1_3.png").rename(probes / "99_3.png")
    with pytest.raises(DataError, match="1 people of Probe have no image in Gallery_Match, such as 99"):
        read_tinyface(drawn)
    (probes / "99_3.png").rename(probes / "nobody.png")
    with pytest.raises(DataError, match=r"a name such as 17_3\.jpg.*got 'nobody.png'"):
        read_tinyface(drawn)
    for path in probes.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="images to search with; got none"):
        read_tinyface(drawn)
    with pytest.raises(InputError, match="a plan has a person"):
        TinyPlan(people=0)
