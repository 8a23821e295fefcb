"""Open-set identification of photos: the split by its rule, failures counted and never dropped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.data.identification.photos import identification_split, photos_by_person
from marginface.errors import DataError, InputError, UnknownName
from marginface.evaluation.kinds.identify import gallery_figures
from marginface.evaluation.protocols.open_set import evaluate_open_set
from marginface.evaluation.reading import Reader
from marginface.evaluation.reports.lines import open_set_lines
from marginface.evaluation.scoring.distances import DISTANCES
from marginface.metrics import cmc, identification_rate
from marginface.similarity import l2_normalize
from oracles.mean_color import MeanColor


def photo(path: Path, color: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (112, 112), color).save(path)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Four people of three photos of nearly one color, and a stranger; colors are directions apart."""
    colors = {"ann": (250, 60, 60), "bob": (60, 250, 60), "cy": (60, 60, 250), "dee": (250, 250, 60)}
    for name, (red, green, blue) in colors.items():
        for number in range(3):
            photo(tmp_path / name / f"{number}.png", (red, green, min(blue + 8 * number, 255)))
    for number in range(12):
        photo(tmp_path / f"stranger{number:02}" / "0.png", (60 + 12 * number, 200, 60 + 15 * number))
    return tmp_path


def test_who_has_more_photos_than_are_enrolled_is_known_and_the_rest_are_strangers(people: Path) -> None:
    split = identification_split(photos_by_person(people))
    assert [path.parent.name for path in split.gallery] == ["ann", "bob", "cy", "dee"]
    assert [path.name for path in split.gallery] == ["0.png"] * 4
    mated = np.isin(split.probe_people, split.gallery_people)
    assert (int(mated.sum()), int((~mated).sum())) == (8, 12)
    two = identification_split(photos_by_person(people), enrolled=2)
    assert (len(two.gallery), len(two.probes)) == (8, 16)


def test_drawn_strangers_bring_all_their_photos_and_a_seed_decides(people: Path) -> None:
    photos = {name: paths for name, paths in photos_by_person(people).items() if len(paths) > 1}
    splits = [identification_split(photos, strangers=0.5, seed=seed) for seed in (1, 1, 2)]
    assert splits[0].probes == splits[1].probes
    known = set(splits[0].gallery_people.tolist())
    assert 0 < len(known) < 4
    assert len(splits[0].probes) == 2 * len(known) + 3 * (4 - len(known))
    with pytest.raises(DataError, match=r"everybody is enrolled.*--strangers 0\.3"):
        identification_split(photos)
    with pytest.raises(DataError, match="nobody has more photos"):
        identification_split(photos, enrolled=3)
    with pytest.raises(InputError, match="a share in"):
        identification_split(photos, strangers=1.0)
    with pytest.raises(InputError, match="a seed is 0 or more; got -1"):
        identification_split(photos, seed=-1)


def test_the_numbers_are_those_of_looking_at_every_probe(people: Path) -> None:
    split = identification_split(photos_by_person(people))
    result = evaluate_open_set(MeanColor(), split)

    def direction(path: Path) -> np.ndarray:
        color = np.asarray(Image.open(path)).mean(axis=(0, 1)) - 60
        return color / np.linalg.norm(color)

    entries = [direction(path) for path in split.gallery]
    hits, strangers = [], []
    for path in split.probes:
        similarities = [float(direction(path) @ entry) for entry in entries]
        owner = [entry.parent.name for entry in split.gallery]
        if path.parent.name in owner:
            own = similarities[owner.index(path.parent.name)]
            hits.append((own, own == max(similarities)))
        else:
            strangers.append(max(similarities))
    assert identification_rate(result.scores.searches, 1) == pytest.approx(sum(hit for _, hit in hits) / len(hits))
    limit = sorted(strangers)[-2]  # one of twelve may be above: FPIR 0.1
    (point,) = result.scores.tpir_at_fpir
    assert point.tpir == pytest.approx(sum(hit and value > limit for value, hit in hits) / len(hits))
    assert json.loads(json.dumps(result.to_dict()))["mated_searches"] == 8


class NoFaceInBlack:
    """Stands in for FaceCropper: a photo with a black corner shows no face."""

    def crop(self, image: np.ndarray) -> object:
        from types import SimpleNamespace

        return SimpleNamespace(crop=image if image[0, 0].any() else None)


def test_a_photo_without_a_face_is_a_failure_that_counts(people: Path) -> None:
    def blacken(path: Path) -> None:
        photo(path, (0, 0, 0))

    blacken(people / "ann" / "0.png")  # ann cannot be enrolled: her two probes are missed
    blacken(people / "bob" / "1.png")  # a mated probe
    blacken(people / "stranger03" / "0.png")  # a stranger: returns nobody
    split = identification_split(photos_by_person(people))
    result = evaluate_open_set(MeanColor(), split, Reader(cropper=NoFaceInBlack()))
    searches = result.scores.searches
    assert (searches.gallery, len(searches.mated), len(searches.nonmated)) == (3, 8, 12)
    assert result.not_enrolled == ("ann",)
    assert len(result.failures) == 3
    for rank in (1, 3, 50):  # the gallery has 3: a search that could not be made is a miss at the last rank too
        assert identification_rate(searches, rank) == pytest.approx(5 / 8)
    assert cmc(searches).tolist() == pytest.approx([5 / 8] * 3)
    assert (searches.mated == -1).sum() == 3
    assert (searches.nonmated == -1).sum() == 1
    assert open_set_lines(result)[-1][1] == "3 of 24"
    assert searches.mated_people.tolist().count(split.people.index("ann")) == 2
    assert len(set(searches.nonmated_people.tolist())) == 12


def test_the_figures_of_a_suite_are_over_people(people: Path) -> None:
    result = evaluate_open_set(MeanColor(), identification_split(photos_by_person(people)))
    values = json.loads(json.dumps(result.to_dict()))
    rank, tpir = gallery_figures(values)
    assert [rank.low, rank.high] == values["identification_interval_identities"]["1"]
    assert [tpir.low, tpir.high] == values["tpir_at_fpir"][0]["interval_identities"]
    assert sum("bootstrap" in note for _, _, note in open_set_lines(result)) == len(values["identification_rate"]) + 1


@pytest.mark.parametrize("distance", list(DISTANCES))
def test_a_distance_is_its_formula(distance: str) -> None:
    rng = np.random.default_rng(0)
    probes, gallery = (l2_normalize(rng.normal(size=(n, 9)).astype(np.float32)) for n in (5, 130))
    found = DISTANCES[distance](probes, gallery)
    for i, a in enumerate(probes.astype(float)):
        for j, b in enumerate(gallery.astype(float)):
            expected = {
                "cosine": sum(a * b),
                "euclidean": 1 - sum((a - b) ** 2) ** 0.5,
                "manhattan": 1 - sum(abs(a - b)) / 3,
            }[distance]
            assert found[i, j] == pytest.approx(expected, abs=1e-6)
    assert found.min() >= -1
    assert found.max() <= 1


def test_an_unknown_distance_is_named(people: Path) -> None:
    with pytest.raises(UnknownName, match=r"unknown distance 'cosin'. Did you mean 'cosine'"):
        evaluate_open_set(MeanColor(), identification_split(photos_by_person(people)), distance="cosin")


def test_a_folder_without_people_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one folder of photos per person"):
        photos_by_person(tmp_path)


def test_a_hidden_folder_is_nobody(people: Path) -> None:
    before = photos_by_person(people)
    (people / ".thumbnails").mkdir()
    (people / ".thumbnails" / "1.png").touch()
    assert photos_by_person(people) == before
