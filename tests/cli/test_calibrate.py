"""``marginface calibrate``, and ``verify --calibration``, as a user calls them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marginface.cli import app
from marginface.matching.calibration import read_calibration
from oracles.mean_color import MeanColor


@pytest.fixture(autouse=True)
def _foreseeable_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("marginface.embedding")
    module.load_embedder = lambda model, *, mirror=False, engine="": MeanColor()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "marginface.embedding", module)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(1)
    for person in range(20):
        color = rng.integers(70, 250, 3)
        (tmp_path / "people" / f"p{person:02}").mkdir(parents=True)
        for number in range(2):
            shade = tuple(int(value) for value in color + 2 * number)
            Image.new("RGB", (112, 112), shade).save(tmp_path / "people" / f"p{person:02}" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "people"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_calibration_and_a_page_are_written_and_a_table_is_printed(people: Path) -> None:
    rates = ("--fmr", "1e-1", "--fmr", "1e-2")
    answer = call("calibrate", "m", people, "--aligned", *rates, "--out", "c.toml", "--report", "c.html")
    assert answer.exit_code == 0, answer.output
    calibration = read_calibration(Path("c.toml"))
    assert calibration.data.description == "people"
    assert calibration.made.cropping == "aligned crops as they are"
    for fmr in (0.1, 0.01):
        assert f"{calibration.threshold(fmr).similarity:.4f}" in answer.stdout
    assert "760 impostor pairs and 20 genuine pairs" in answer.stdout
    assert "Calibration: c.toml, report: c.html" in answer.stdout
    assert "Calibration of mean-color" in Path("c.html").read_text(encoding="utf-8")


def test_json_is_all_that_is_printed(people: Path) -> None:
    answer = call("calibrate", "m", people, "--aligned", "--out", "c.toml", "--json", "--description", "my colleagues")
    values = json.loads(answer.stdout)
    assert values["data"]["description"] == "my colleagues"
    assert values["thresholds"][0]["fmr"] == 0.1
    assert values["failures"] == {}


def test_a_rate_that_no_photo_could_support_is_refused_before_anything_is_read(people: Path) -> None:
    answer = call("calibrate", "m", people, "--aligned", "--fmr", "1e-2", "--fmr", "1e-6", "--out", "c.toml")
    assert answer.exit_code == 2
    assert "760 impostor pairs cannot support FMR 1e-06" in answer.stderr
    assert "3,000,000 are needed" in answer.stderr
    assert not Path("c.toml").exists()


def test_a_rate_that_is_lost_to_unreadable_photos_is_an_error_beside_a_file(people: Path) -> None:
    for person in range(10):
        (people / f"p{person:02}" / "0.png").write_text("Dear Ann, ...")
    answer = call("calibrate", "m", people, "--aligned", "--fmr", "1e-1", "--fmr", "5e-3", "--out", "c.toml")
    assert answer.exit_code == 2
    assert "FMR 0.005 is beyond this calibration: it has 425 impostor pairs" in answer.stderr
    assert read_calibration(Path("c.toml")).data.failures_to_acquire == 10
    assert "p00/0.png: not an image" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--exclude", "none.toml"], "none.toml"),
        (["--fmr", "0"], "share between 0 and 1"),
        (["--report", "people"], "people: this is a folder, and a file is written there"),
        (["--report", "people/p00/0.png/a.html"], "people/p00/0.png is a file"),
    ],
)
def test_a_wrong_option_is_one_message(people: Path, arguments: list[str], message: str) -> None:
    answer = call("calibrate", "m", people, "--aligned", "--out", "c.toml", *arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stdout == ""


def test_photos_of_another_size_are_no_aligned_crops(people: Path) -> None:
    Image.new("RGB", (50, 50), (99, 99, 99)).save(people / "p00" / "0.png")
    answer = call("calibrate", "m", people, "--aligned", "--out", "c.toml")
    assert answer.exit_code == 2
    assert "an aligned crop is 112×112 pixels; got 50×50" in answer.stderr
