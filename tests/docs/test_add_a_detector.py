"""docs/how-to/add-a-detector.md, done: every block of the page is executed."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from marginface import detection
from marginface.contract import LANDMARKS_NAME
from marginface.detection import DETECTORS, SecondLook, load_detector
from marginface.errors import InputError
from marginface.pipeline import Recognizer

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-a-detector.md").read_text(encoding="utf-8")
DETECTOR, TABLE, USE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Do what the page says, until the end of the test; return the new module."""
    path = tmp_path / "redball.py"
    path.write_text(DETECTOR, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("marginface.detection.redball", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(DETECTORS, "_entries", dict(DETECTORS._entries))
    exec(TABLE, dict(vars(detection)))
    return module


def red_spot() -> np.ndarray:
    image = np.full((80, 100, 3), 90, np.uint8)
    image[20:60, 30:70, 0] = 220
    return image


def test_the_page_names_at_most_four_files_and_those_of_its_blocks_among_them() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert len(listed) <= 4
    assert [block.splitlines()[0].removeprefix("# ") for block in (DETECTOR, TABLE)] == listed[:2]
    assert all((ROOT / name).is_file() for name in listed[1:])


@pytest.mark.usefixtures("added")
def test_the_new_detector_finds_and_refuses_as_the_others() -> None:
    detector = load_detector("redball")
    (face,) = detector.detect(red_spot())
    assert (face.box.x1, face.box.y1, face.box.x2, face.box.y2) == (30, 20, 69, 59)
    assert face.landmarks[0, 0] < face.landmarks[1, 0]  # the left eye as seen in the image first
    assert detector.detect(np.zeros((80, 100, 3), np.uint8)) == ()
    assert detector.detect(red_spot(), min_score=0.95) == ()
    with pytest.raises(InputError, match="RGB"):
        detector.detect(red_spot()[..., 0])


def test_its_options_are_checked_and_a_second_look_goes_around_it(added: ModuleType) -> None:
    with pytest.raises(InputError, match="got 300"):
        added.RedBall(300)
    (face,) = SecondLook(added.RedBall()).detect(red_spot())
    assert face.box.x1 == 30


@pytest.mark.usefixtures("added")
def test_the_contract_is_another(capsys: pytest.CaptureFixture[str]) -> None:
    exec(USE, {})
    usual = Recognizer.load("sface").contract
    assert usual.landmarks == LANDMARKS_NAME
    assert capsys.readouterr().out.strip() != usual.id


def test_what_the_page_adds_keeps_the_rules_that_are_checked() -> None:
    assert "min_score: float = DEFAULT_MIN_SCORE" in DETECTOR, "a default is said once"
    assert "the module in the docstring |" in PAGE


def test_nothing_of_it_stays() -> None:
    assert "redball" not in DETECTORS
