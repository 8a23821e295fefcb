"""The demo: both roads with small numbers, and what it says about folders it cannot use."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from marginface import demo
from marginface.errors import DataError, InputError
from marginface.images import read_image
from marginface.values import Decision


def quiet(_: object) -> None:
    """Say nothing."""


def test_the_demo_trains_twice_reports_exports_and_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        demo,
        "_drawn_data",
        lambda: {"source": "drawn", "identities": 60, "images_per_identity": 8, "hold_out": 40},
    )
    monkeypatch.setattr(demo, "STEPS", 4)
    said: list[str] = []
    result = demo.run_demo(tmp_path / "demo", photos=None, say=said.append, progress=quiet)
    assert set(result.runs) == {"arcface", "x2softmax"}
    assert result.model.with_suffix(".toml").is_file()
    page = result.report.read_text(encoding="utf-8")
    assert "arcface" in page
    assert "x2softmax" in page
    assert result.same.decision in (Decision.SAME, Decision.DIFFERENT)
    assert result.same.similarity is not None
    assert said[-1].startswith("Finished in")
    chance = [line for line in said if "beat chance" in line]
    lows = [run.held_out.scores.accuracy_interval.low for run in result.runs.values()]
    assert bool(chance) == (max(lows) <= 0.5)


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="new or empty folder"):
        demo.run_demo(tmp_path, photos=None, say=quiet, progress=quiet)


def test_photos_of_too_few_people_are_refused_with_the_layout(tmp_path: Path, shared_data: Path) -> None:
    person = tmp_path / "photos" / "Aaron_Peirsol"
    person.mkdir(parents=True)
    for number in (1, 2):
        name = f"Aaron_Peirsol_{number:04d}.jpg"
        (person / name).write_bytes((shared_data / "lfw" / "Aaron_Peirsol" / name).read_bytes())
    assert read_image(person / "Aaron_Peirsol_0001.jpg").shape == (250, 250, 3)
    with pytest.raises(DataError, match=r"1 person with two or more usable photos; the demo needs 8"):
        demo.run_demo(tmp_path / "demo", photos=tmp_path / "photos", say=quiet, progress=quiet)
