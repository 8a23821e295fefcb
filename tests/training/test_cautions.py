"""What a run says before its first step about a recipe that theory speaks against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marginface.training import Progress, Recipe, train

Small = Callable[..., Recipe]


def notes_before(small: Small, out: Path, **loss: Any) -> list[str]:
    """Return the notes of a run's start, and stop it there."""
    notes: list[str] = []

    class Enough(Exception):
        pass

    def listen(progress: Progress) -> None:
        notes.extend(progress.notes)
        raise Enough

    section = {"margin": None, "scale": None, **loss}
    with pytest.raises(Enough):
        train(small(loss=section), out, progress=listen)
    return [note for note in notes if note.startswith("caution: ")]


def test_a_recipe_that_violates_a_bound_is_told_so_at_the_start(small: Small, tmp_path: Path) -> None:
    notes = notes_before(small, tmp_path / "run", name="x2softmax", scale=2.0)
    assert any("scale 2 is too small for 8 classes" in note for note in notes)
    assert any("between class angles of 49° and 94°" in note for note in notes)


def test_a_recipe_that_keeps_them_is_not(small: Small, tmp_path: Path) -> None:
    assert notes_before(small, tmp_path / "run", name="cosface", margin=0.35, scale=64.0) == []
