"""The whole road on drawn faces: photos → calibration file → decisions, with the default model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.data.synthetic import draw_photo
from marginface.matching.calibration import read_calibration

PEOPLE = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    for person in range(PEOPLE):
        (root / "people" / f"p{person:02}").mkdir(parents=True)
        for number in range(2):
            Image.fromarray(draw_photo(person, number)[0]).save(root / "people" / f"p{person:02}" / f"{number}.png")
    Image.new("RGB", (200, 200), (90, 120, 90)).save(root / "people" / "p00" / "garden.png")
    (root / "people" / "p01" / "letter.jpg").write_text("Dear Ann, ...")
    return root


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_photos_become_thresholds_that_verify_uses(folder: Path) -> None:
    made = folder / "mine.toml"
    memory = folder / "kept.sqlite"
    answer = call("calibrate", "sface", folder / "people", "--out", made, "--fmr", "5e-2", "--memory", memory)
    assert answer.exit_code == 0, answer.output
    assert "2 of 34 photos gave no face" in answer.stdout
    calibration = read_calibration(made)
    assert (calibration.data.people, calibration.data.photos) == (PEOPLE, 2 * PEOPLE)
    assert calibration.made.cropping == "yunet, face: largest, score 0.6 or more"
    again = call("calibrate", "sface", folder / "people", "--out", folder / "again.toml", "--memory", memory)
    assert again.exit_code == 0
    assert read_calibration(folder / "again.toml").thresholds == calibration.thresholds

    photo = folder / "people" / "p02" / "0.png"
    verified = call("verify", photo, photo, "--fmr", "0.05", "--calibration", made, "--json")
    values = json.loads(verified.stdout)
    assert verified.exit_code == 0
    assert values["threshold"] == calibration.threshold(0.05).similarity
    assert values["fmr_bounds"] == list(calibration.threshold(0.05).fmr_bounds)
    assert values["threshold_data"].startswith("people: 32 photos of 16 people")

    refused = call("verify", photo, photo, "--fmr", "1e-4", "--calibration", made)
    assert refused.exit_code == 2
    assert "FMR 0.0001 is beyond this calibration: it has 480 impostor pairs of 16 people" in refused.stderr
    other = call("verify", photo, photo, "--calibration", made, "--mirror")
    assert other.exit_code == 2
    assert "the calibration is for sface, contract" in other.stderr
    missing = call("verify", photo, photo, "--calibration", folder / "none.toml")
    assert missing.exit_code == 2
    assert "none.toml: cannot read a calibration: No such file or directory" in missing.stderr


def test_without_a_file_the_shipped_thresholds_decide_with_and_without_the_mirror(folder: Path) -> None:
    photo = folder / "people" / "p03" / "0.png"
    for options in ([], ["--mirror"]):
        answer = call("verify", photo, photo, "--fmr", "1e-6", *options)
        assert answer.exit_code == 0, answer.output
        assert "LFW and CFP" in answer.stdout
        assert "without the mirror sum" not in answer.stdout
