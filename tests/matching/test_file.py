"""A calibration on disk: it comes back as it was, and what was damaged or edited is said."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marginface.errors import CalibrationError
from marginface.matching.calibration import Calibration, Making, Origin, calibrate, read_calibration, write_calibration
from oracles.faces import drawn_people


def made(photos: list[int]) -> Calibration:
    making = Making.model_validate(
        {"date": "2026-11-28", "cropping": "drawn", "alignment": "arcface-112", "versions": {"numpy": "2.4.6"}}
    )
    return calibrate(*drawn_people(photos), Origin("0123456789abcdef", "drawn", "drawn", 1, making)).calibration


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return made([2] * 25)


@pytest.fixture
def path(calibration: Calibration, tmp_path: Path) -> Path:
    return write_calibration(calibration, tmp_path / "mine.toml")


@pytest.mark.parametrize("photos", [[2] * 25, [1] * 30])
def test_it_comes_back_as_it_was(photos: list[int], tmp_path: Path) -> None:
    calibration = made(photos)
    assert read_calibration(write_calibration(calibration, tmp_path / "a" / "mine.toml")) == calibration


def test_the_file_is_toml_that_a_person_can_read(path: Path, calibration: Calibration) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    assert list(values) == ["format", "contract", "model", "thresholds", "data", "made"]
    assert values["thresholds"][0]["fmr"] == 0.1
    assert values["thresholds"][0]["similarity"] == calibration.thresholds[0].similarity
    assert path.read_text(encoding="utf-8").startswith("# Thresholds by false-match rate")


def edited(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1)
    assert count == 1, pattern
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"format = 1", "format = 2", "a calibration of format 2; this marginface reads format 1. Update marginface"),
        (r"format = 1", "format = 0", "format 0; this marginface reads format 1. Calibrate again"),
        (r"format = 1\n", "", r"no calibration: a calibration begins with format = 1; got keys \['contract'"),
        (r'contract = "\w+"', 'contract = "sface"', "contract: String should match"),
        (r"similarity = 0\.\d+", "similarity = 0.9999", "the threshold of FMR 0.05 is laxer than that of 0.1"),
        (r"fmr = 0\.05\n", "fmr = 0.2\n", "rates fall from one threshold to the next; got 0.1 and 0.2"),
        (r"fmr = 0\.05\n", "fmr = 0.1\n", "rates fall from one threshold to the next; got 0.1 and 0.1"),
        (r"fmr = 0\.05\n", "fmr = 0.01\n", "false matches in 1,200 pairs are above it"),
        (r"fmr_low = 0\.\d+", "fmr_low = 0.5", "its measured rate 0.1 is not within its bounds"),
        (r"impostor_pairs = 1200", "impostor_pairs = 12000000", "not within its bounds"),
        (r"false_non_matches = \d+\n", "", "there are 25 genuine pairs, which does not fit its FNMR"),
        (r"similarity = 0\.\d+", "simlarity = 0.5", r"thresholds\.0\.similarity: Field required"),
        (r"similarity = 0\.\d+", "similarity = 7", r"thresholds\.0\.similarity: .*less than or equal to 1"),
        (r"people = 25", 'people = "many"', "data.people: .*valid integer"),
        (r"similarity = 0", "similarity 0", "damaged, or no calibration: it is not TOML"),
        (r"\[data\]", "[dat]", "data: Field required"),
    ],
)
def test_what_was_changed_is_said_with_its_place(path: Path, pattern: str, replacement: str, message: str) -> None:
    edited(path, pattern, replacement)
    with pytest.raises(CalibrationError, match=message) as caught:
        read_calibration(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"no\.toml: cannot read a calibration: No such file.*--out no\.toml"):
        read_calibration(tmp_path / "no.toml")
    (tmp_path / "photo.toml").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(CalibrationError, match="not text in UTF-8"):
        read_calibration(tmp_path / "photo.toml")
    with pytest.raises(CalibrationError, match="cannot read a calibration: Is a directory"):
        read_calibration(tmp_path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_a_file_cut_short_is_never_taken_for_a_whole_one(path: Path, data: st.DataObject) -> None:
    whole = path.read_bytes()
    short = path.with_name("short.toml")
    end = data.draw(st.integers(0, whole.index(b"alignment")))
    short.write_bytes(whole[:end])
    with pytest.raises(CalibrationError):
        read_calibration(short)
