"""Curves for TensorBoard, read back with its own reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from marginface.errors import MissingExtra
from marginface.training import Progress, Recipe, train
from marginface.training.folder.journal import read_journal

pytestmark = pytest.mark.usefixtures("no_pictures")
Small = Callable[..., Recipe]
AtStep = Callable[[int, Callable[[], object]], Callable[[Progress], None]]


class Killed(Exception):
    """Stands for a process that dies: nothing is saved."""


def die() -> None:
    raise Killed


def points(out: Path, tag: str) -> list[tuple[int, float]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    reader = accumulator.EventAccumulator(str(out / "tensorboard"))
    reader.Reload()
    return [(event.step, event.value) for event in reader.Scalars(tag)]


def of_journal(out: Path, key: str, every: int) -> list[tuple[int, float]]:
    records = [r for r in read_journal(out / "journal.jsonl") if key in r]
    return [(r["step"], pytest.approx(r[key], rel=1e-6)) for r in records if r["step"] % every == 0 or r["step"] == 20]


def test_a_resumed_run_has_each_point_once_and_those_of_the_journal(
    small: Small, tmp_path: Path, at_step: AtStep
) -> None:
    recipe, out = small(train={"tensorboard": True, "log_every": 2}), tmp_path / "run"
    with pytest.raises(Killed):
        train(recipe, out, progress=at_step(13, die))
    assert [step for step, _ in points(out, "train/loss")] == [2, 4, 6, 8, 10, 12], "they are there while it trains"
    train(recipe, out, resume=True)
    assert points(out, "train/loss") == of_journal(out, "loss", 2)
    assert points(out, "train/learning_rate") == of_journal(out, "learning_rate", 2)
    assert points(out, "held_out/accuracy_mean") == of_journal(out, "accuracy_mean", 2)
    files = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert {f"tensorboard/{path.name}" for path in (out / "tensorboard").iterdir()} < files.keys()


def test_curves_that_are_asked_for_late_have_the_steps_before_too(
    small: Small, tmp_path: Path, at_step: AtStep
) -> None:
    out = tmp_path / "run"
    with pytest.raises(Killed):
        train(small(data={"hold_out": 0}), out, progress=at_step(13, die))
    assert not (out / "tensorboard").exists()
    train(small(data={"hold_out": 0}, train={"tensorboard": True}), out, resume=True)
    assert points(out, "train/loss") == of_journal(out, "loss", 5)


def test_a_missing_package_is_said_before_anything_is_trained(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marginface.training.loop.live_curves.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'pip install "marginface\[tensorboard\]"'):
        train(small(train={"tensorboard": True}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
