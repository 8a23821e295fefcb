"""Photos of people → a calibration and its page: failures counted, exclusions left out, words true."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from marginface.data.crops.exclusions import Exclusions
from marginface.errors import CalibrationError, DataError, UnreadableImage
from marginface.evaluation.calibration import (
    CalibrationResult,
    calibrate_photos,
    people_photos,
    require_enough_photos,
)
from marginface.evaluation.calibration.page import calibration_lines, calibration_page, decades, remarks
from marginface.evaluation.reading import Reader, Vectors
from marginface.matching.calibration import Origin, calibrate, read_calibration
from oracles.faces import every_pair
from oracles.mean_color import MeanColor

WORDS = "colored people"


class NoFaceInBlack:
    """Stands in for FaceCropper: a photo with a black corner shows no face."""

    def __str__(self) -> str:
        return "no face in black"

    def crop(self, image: np.ndarray) -> object:
        from types import SimpleNamespace

        return SimpleNamespace(crop=image if image[0, 0].any() else None)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Twelve people of two photos in a color of their own, and one of one photo."""
    rng = np.random.default_rng(0)
    for person in range(13):
        color = rng.integers(70, 250, 3)
        for number in range(2 if person < 12 else 1):
            place = tmp_path / "people" / f"p{person:02}" / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (112, 112), tuple(int(value) for value in color + 2 * number)).save(place)
    return tmp_path / "people"


@pytest.fixture
def result(people: Path) -> CalibrationResult:
    Image.new("RGB", (112, 112)).save(people / "p00" / "black.png")
    (people / "p01" / "letter.png").write_text("Dear Ann, ...")
    reader, command = Reader(cropper=NoFaceInBlack()), "marginface calibrate mean-color people"
    return calibrate_photos(MeanColor(), people_photos([people]), WORDS, reader, command=command)


def test_every_two_photos_with_a_face_are_compared_and_the_others_are_listed(
    people: Path, result: CalibrationResult
) -> None:
    photos = [path for path in sorted(people.rglob("*.png")) if path.name[0] in "01"]
    directions = np.stack([np.asarray(Image.open(path)).mean(axis=(0, 1)) - 60 for path in photos])
    vectors = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    genuine, impostor = every_pair(vectors, np.array([int(path.parent.name[1:]) for path in photos]))
    data = result.calibration.data
    assert (data.people, data.photos, data.failures_to_acquire) == (13, 25, 2)
    assert (data.genuine_pairs, data.impostor_pairs) == (len(genuine), len(impostor)) == (12, 288)
    for rung in result.calibration.thresholds:
        assert sum(pair.similarity >= rung.similarity for pair in impostor) == pytest.approx(rung.false_matches, abs=1)
    assert result.failures["p00/black.png"] == "no face found"
    assert "it holds text" in result.failures["p01/letter.png"]
    assert result.calibration.contract == MeanColor().contract.id
    assert result.calibration.made.alignment == "arcface-112"
    assert result.calibration.made.cropping == "no face in black"
    assert json.loads(json.dumps(result.to_dict()))["data"]["impostor_pairs"] == 288


def test_each_root_is_a_set_and_its_photos_are_compared_with_each_other_only(people: Path, tmp_path: Path) -> None:
    for person in ("p12", "zoe"):
        for number in range(2):
            more = tmp_path / "more" / person / f"{number}.png"
            more.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (112, 112), (200, 100 + 50 * number, 100)).save(more)
    photos = people_photos([people, tmp_path / "more"])
    assert (len(photos.paths), photos.impostor_pairs()) == (29, 288 + 4)
    assert {"0/p12/0.png", "1/p12/0.png", "1/zoe/1.png"} <= set(photos.names)
    data = calibrate_photos(MeanColor(), photos, WORDS).calibration.data
    assert (data.people, data.photos, data.genuine_pairs, data.impostor_pairs) == (15, 29, 14, 292)


def test_excluded_people_and_photos_take_no_part(people: Path) -> None:
    exclusions = Exclusions({"P03": "twice in the data"}, {"p04/1.png": "someone else"})
    photos = people_photos([people], exclusions)
    assert {"p03/0.png", "p03/1.png", "p04/1.png"}.isdisjoint(photos.names)
    assert len(photos.names) == 22
    assert photos.excluded == ("p03: twice in the data", "p04/1.png: someone else")
    result = calibrate_photos(MeanColor(), photos, WORDS)
    assert result.calibration.data.photos == 22
    with pytest.raises(DataError, match="no photo is left; 13 people are excluded"):
        people_photos([people], Exclusions.of_names(f"p{number:02}" for number in range(13)))


def test_what_the_photos_cannot_support_is_refused_before_the_work(people: Path) -> None:
    photos = people_photos([people])
    require_enough_photos(photos, [0.1, 0.02])
    with pytest.raises(CalibrationError, match=r"288 impostor pairs cannot support FMR 0\.001.*3,000 are needed"):
        require_enough_photos(photos, [0.1, 0.001])
    with pytest.raises(CalibrationError, match=r"share between 0 and 1, such as 1e-3; got 2"):
        require_enough_photos(photos, [2.0])
    alone = people_photos([people], Exclusions.of_names(f"p{number:02}" for number in range(1, 13)))
    with pytest.raises(CalibrationError, match="2 photos of 1 person are 0 impostor pairs"):
        require_enough_photos(alone, [])


def test_photos_without_faces_of_two_people_end_with_advice(people: Path) -> None:
    for path in people.rglob("*.png"):
        Image.new("RGB", (112, 112)).save(path)
    with pytest.raises(CalibrationError, match=r"25 of 25 photos show no face; no two people.*--pad 0\.25"):
        calibrate_photos(MeanColor(), people_photos([people]), WORDS, Reader(cropper=NoFaceInBlack()))


def test_a_protocol_still_refuses_a_photo_that_cannot_be_decoded(people: Path) -> None:
    (people / "p01" / "letter.png").write_text("Dear Ann, ...")
    embedder = MeanColor()
    vectors = Vectors("x", 3, embedder.embed)
    with pytest.raises(UnreadableImage, match=r"letter\.png"):
        Reader().embed(people_photos([people]).paths, vectors)


def test_the_table_has_the_decades_or_the_rates_that_were_asked_for(result: CalibrationResult) -> None:
    calibration = result.calibration
    assert decades(calibration) == (0.1, 3 / 288)
    assert [line[0] for line in calibration_lines(calibration)] == ["0.1", "0.0104"]
    (line,) = calibration_lines(calibration, [0.03])
    threshold = calibration.threshold(0.03)
    assert line[:2] == ("0.03", f"{threshold.similarity:.4f}")
    assert line[2] == f"{threshold.fmr_bounds[0]:.2g} – {threshold.fmr_bounds[1]:.2g}"
    assert line[3] == f"{100 * threshold.fnmr:.2f} %"


def test_few_people_and_no_genuine_pairs_are_remarked(result: CalibrationResult, people: Path) -> None:
    text = "\n".join(remarks(result))
    assert "colored people: 25 photos of 13 people; 288 impostor pairs and 12 genuine pairs" in text
    assert "2 of 27 photos gave no face" in text
    assert "Smallest supported FMR: 0.01. No error in n pairs bounds the rate below 3/n" in text
    assert "for 0.001 it takes 2,880 impostor pairs" in text
    assert "13 people are few" in text
    singles = Exclusions(images={f"p{number:02}/1.png": "" for number in range(12)})
    alone = calibrate_photos(MeanColor(), people_photos([people], singles), WORDS, Reader(cropper=NoFaceInBlack()))
    assert "Nobody has two photos" in remarks(alone)[-1]
    assert [line[3:] for line in calibration_lines(alone.calibration)] == [("–", "–")] * 2
    assert "DET" not in calibration_page(alone)


def test_the_page_has_every_threshold_the_searches_the_curves_and_the_failures(result: CalibrationResult) -> None:
    page = calibration_page(result, [0.1, 0.05])
    for rung in result.calibration.thresholds:
        assert f"<td>{rung.similarity:.4f}</td>" in page
    assert page.count("data:image/svg+xml") == 2
    assert "p01/letter.png" in page
    assert re.search(r"DET curve", page)
    assert f"{result.calibration.identification_threshold(0.1, 10).similarity:.4f}" in page
    assert "marginface calibrate mean-color people" in page
    assert "<script" not in page


def test_a_fitted_calibration_survives_its_file(result: CalibrationResult, tmp_path: Path) -> None:
    result.write(tmp_path / "c.toml")
    assert read_calibration(tmp_path / "c.toml") == result.calibration


def test_many_failures_are_cut_short_on_the_page(result: CalibrationResult) -> None:
    many = replace(result, failures={f"p/{number}.png": "no face found" for number in range(250)})
    assert "50 more are in the JSON." in calibration_page(many)


def test_copies_that_end_the_ladder_early_are_told_of(result: CalibrationResult) -> None:
    said = "lies under several names"
    cut = result.calibration.model_copy(update={"thresholds": result.calibration.thresholds[:1]})
    assert said in " ".join(remarks(replace(result, calibration=cut)))
    whole = calibrate(
        np.eye(40, dtype=np.float32), np.arange(40), Origin("0" * 16, "m", WORDS, 0, result.calibration.made)
    )
    assert said not in " ".join(remarks(replace(result, calibration=whole.calibration)))
