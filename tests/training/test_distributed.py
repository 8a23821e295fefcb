"""Runs over 1, 2 and 4 processes: equal numbers, resumed by fewer and by more, and told of what goes wrong in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from marginface.training.folder.checkpoint import newest_checkpoint
from marginface.training.folder.history import read_history
from marginface.training.folder.journal import read_journal
from oracles.spread_runs import CASES, FAILURES, OF_FOUR, STEPS

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = ("loss", "gradient_norm", "train_accuracy", "target_cosine", "accuracy_mean", "t", "center_loss", "scale")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let processes train, and return where."""
    folder = tmp_path_factory.mktemp("runs")
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-m", "oracles.spread_runs", str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return folder


def told(folder: Path) -> dict[int, tuple[str, float, str]]:
    """Return kind, seconds and text of what each process was told at its end, by rank."""
    found = {}
    for path in folder.glob("* of *"):
        kind, seconds, text = path.read_text(encoding="utf-8").split("\n", 2)
        found[int(path.name.split()[0])] = (kind, float(seconds), text)
    return found


def assert_equal_numbers(ours: Path, theirs: Path, relative: float = 1e-4) -> None:
    found, expected = (read_journal(place / "journal.jsonl") for place in (ours, theirs))
    assert [record["step"] for record in found] == list(range(1, STEPS + 1))
    for mine, other in zip(found, expected, strict=True):
        assert mine.keys() - {"notes"} == other.keys() - {"notes"}
        for name in mine.keys() & set(NUMBERS):
            assert mine[name] == pytest.approx(other[name], rel=relative, abs=1e-5), (mine["step"], name)


def tensors(run: Path, name: str) -> dict[str, torch.Tensor]:
    checkpoint, problems = newest_checkpoint(run)
    assert checkpoint is not None
    assert problems == []
    assert checkpoint.step == STEPS
    return checkpoint.tensors(name)


@pytest.mark.parametrize(("case", "world_size"), [*((case, 2) for case in CASES), *((case, 4) for case in OF_FOUR)])
def test_the_numbers_of_a_run_do_not_depend_on_the_processes(runs: Path, case: str, world_size: int) -> None:
    assert told(runs / "equal_runs" / "told") == {}
    place = runs / "equal_runs" / case
    assert_equal_numbers(place / str(world_size), place / "1")
    for name in ("backbone", "head", "optimizer"):
        found, expected = tensors(place / str(world_size), name), tensors(place / "1", name)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=1e-3, atol=1e-5)


def test_a_batch_in_parts_learns_what_the_whole_one_does(runs: Path) -> None:
    assert_equal_numbers(runs / "equal_runs" / "in parts" / "1", runs / "equal_runs" / "arcface" / "1")


def test_the_classes_are_spread_where_the_loss_allows_it(runs: Path) -> None:
    parts = {
        case: len(list((runs / "equal_runs" / case / "2").glob("checkpoints/step-00000008/classes-*")))
        for case in CASES
    }
    whole = {"all classes in each", "in the backward pass, whole", "does not spread", "term", "pairs"}
    assert parts == {case: 0 if case in whole else 2 for case in CASES}


def test_a_run_killed_in_the_middle_goes_on_to_the_last_bit(runs: Path) -> None:
    place = runs / "cut_and_resumed"
    cut = read_journal(place / "cut 4" / "journal.jsonl")
    assert 3 <= len(cut) < STEPS
    assert_equal_numbers(place / "4 then 4", place / "whole 4", relative=0)
    for name in ("backbone", "live", "head", "optimizer"):
        found, expected = tensors(place / "4 then 4", name), tensors(place / "whole 4", name)
        assert [key for key in expected if not torch.equal(found[key], expected[key])] == []


@pytest.mark.parametrize(("before", "after"), [(4, 2), (4, 1), (1, 4)])
def test_other_processes_go_on_with_a_run(runs: Path, before: int, after: int) -> None:
    place = runs / "cut_and_resumed"
    assert_equal_numbers(place / f"{before} then {after}", place / f"whole {before}")


@pytest.mark.parametrize("failure", FAILURES)
def test_what_goes_wrong_in_one_process_ends_all_with_its_words(runs: Path, failure: str) -> None:
    found = told(runs / "failing" / f"told of {failure}")
    assert all(seconds < 300 for _, seconds, _ in found.values())
    if failure == "killed":
        assert found.keys() == {0}
        assert found[0][0] == "RankLost"
        assert found[0][2].startswith("rank 1 of 2 has ended without a word: it was killed or has crashed.")
        assert "--resume" in found[0][2]
        return
    (one,) = [rank for rank, (kind, _, _) in found.items() if kind != "RankFailed"]
    kind, _, text = found[one]
    assert kind == FAILURES[failure][1]
    assert found[1 - one][0] == "RankFailed"
    assert found[1 - one][2] == f"rank {one}: {text}"
    history = [event["event"] for event in read_history(runs / "failing" / failure)]
    refused = failure in ("other data", "no folder")
    assert history == ([] if refused else ["started", "diverged" if failure == "no number" else "failed"])
    if kind in ("DataError", "StorageError") and not refused:
        assert "--resume --procs 2" in text
