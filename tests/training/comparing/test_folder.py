"""The folder of a comparison, read by those who look: which trainings there are, and how far each is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from marginface.training.comparing.folder import find_comparisons
from marginface.training.folder.lock import held
from oracles.patience import PATIENCE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A comparison of two losses: one has finished, one waits; beside it a run, and a folder that only plans one."""
    two = tmp_path / "papers" / "two"
    for loss in ("arcface", "cosface"):
        (two / loss / "seed-0").mkdir(parents=True)
        (two / loss / "seed-0" / "recipe.toml").write_text("")
    (two / "recipe.toml").write_text("")
    outcome = {"status": "finished", "message": "", "seconds": 1.0, "peak_mb": 0.0}
    (two / "arcface" / "seed-0" / "outcome.json").write_text(json.dumps(outcome))
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text("")
    (run / "journal.jsonl").write_text("")
    return tmp_path.resolve()


def states(folder: Path) -> list[tuple[str, str, str]]:
    (found,) = find_comparisons(folder)
    return [(job.variant, job.seed, job.state) for job in found.jobs]


def test_its_trainings_are_told_with_their_ends(folder: Path) -> None:
    (found,) = find_comparisons(folder)
    assert (found.path, found.work, found.done) == (folder / "papers" / "two", "", 1)
    assert states(folder) == [("arcface", "0", "finished"), ("cosface", "0", "waiting")]
    with held(found.path, "sweep"), held(found.path / "cosface" / "seed-0", "training"):
        assert next(find_comparisons(folder)).work == "sweep"
        assert states(folder)[1] == ("cosface", "0", "running")


@pytest.mark.parametrize("damage", ["{", "[]", '{"status": 7}', '{"status": "flying"}'])
def test_an_outcome_that_cannot_be_read_is_none(folder: Path, damage: str) -> None:
    (folder / "papers" / "two" / "arcface" / "seed-0" / "outcome.json").write_text(damage)
    assert states(folder)[0] == ("arcface", "0", "waiting")


def test_links_lead_nowhere(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "seed-0").mkdir()
    (outside / "seed-0" / "recipe.toml").write_text("")
    (folder / "papers" / "two" / "linked").symlink_to(outside)
    assert [variant for variant, _, _ in states(folder)] == ["arcface", "cosface"]
    (outside / "outcome.json").write_text('{"status": "finished", "message": "a secret"}')
    (folder / "papers" / "two" / "cosface" / "seed-0" / "outcome.json").symlink_to(outside / "outcome.json")
    assert states(folder)[1] == ("cosface", "0", "waiting")


def test_it_is_read_without_torch() -> None:
    code = "import sys, marginface.training.comparing.folder; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE)
    assert done.stdout.strip() == "False"
