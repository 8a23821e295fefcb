from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from marginface.errors import CheckpointError, InputError
from marginface.training import Recipe, TrainingInterrupted, write_recipe
from marginface.training.comparing import jobs as jobs_module
from marginface.training.comparing.compare import Plan, compare
from marginface.training.comparing.sweep import sweep
from marginface.training.comparing.variants import grid_of, read_variant, read_variants, recipe_of
from marginface.training.feed.batches import Batch, Batches
from marginface.training.feed.sources import open_data
from marginface.training.folder.journal import read_journal
from marginface.training.learning.learner import Learner
from oracles.patience import PATIENCE

Small = Callable[..., Recipe]
CPU = torch.device("cpu")


@pytest.fixture
def tiny(small: Small) -> Recipe:
    return small(train={"steps": 4, "checkpoint_every": 2})


def plan(losses: str, out: Path, seeds: int = 1, **others: object) -> Plan:
    return Plan(read_variants(losses), seeds, out, jobs=0, command="the command", **others)  # type: ignore[arg-type]


def test_every_loss_begins_with_the_same_backbone_and_sees_the_same_images(small: Small) -> None:
    recipe = small(train={"batch_images_per_identity": 4})
    data = open_data(recipe)
    starts, seen = [], []
    for variant in read_variants("arcface,softmax,x2softmax:k=0.8,sphereface,subcenter_arcface,triplet"):
        ours = recipe_of(variant, 3, recipe)
        starts.append(Learner(ours, len(data.train.identities), CPU).backbone.state_dict())
        seen.append([Batches(data.train, ours, CPU).load(step) for step in (0, 5)])
    for start, batches in zip(starts[1:], seen[1:], strict=True):
        assert all(torch.equal(start[name], value) for name, value in starts[0].items())
        for ours, first in zip(batches, seen[0], strict=True):
            assert torch.equal(ours.images, first.images)
            assert torch.equal(ours.labels, first.labels)
    other = Learner(
        recipe_of(read_variant("arcface"), 4, recipe), len(data.train.identities), CPU
    ).backbone.state_dict()
    assert any(not torch.equal(other[name], value) for name, value in starts[0].items()), (
        "another seed is another start"
    )


def test_every_loss_drops_the_same_features_at_a_step(small: Small) -> None:
    """Two losses see one mask: what they draw for themselves (class centers, random margins) does not shift it."""
    recipe = small(backbone={"name": "resnet18", "options": {"dropout": 0.5, "width": 0.25}})
    batch = Batch(torch.randn(8, 3, 32, 32), torch.arange(8))
    masks: dict[str, list[torch.Tensor]] = {}
    for variant in read_variants("softmax,elastic_arc,subcenter_arcface"):
        learner = Learner(recipe_of(variant, 3, recipe), 8, CPU)
        seen = masks.setdefault(variant.label, [])
        dropout = next(part for part in learner.backbone.modules() if isinstance(part, torch.nn.Dropout))
        dropout.register_forward_hook(lambda _layer, _args, maps, seen=seen: seen.append(maps == 0))
        for step in (0, 1):
            learner.learn(batch, step, learning_rate=0.1, margin_strength=1.0)
    first = masks["softmax"]
    assert 0.4 < first[0].float().mean() < 0.6
    assert not torch.equal(*first)
    for others in masks.values():
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(others, first, strict=True))


def test_a_comparison_trains_what_is_missing_and_nothing_twice(tiny: Recipe, tmp_path: Path) -> None:
    out, told = tmp_path / "out", []
    result = compare(tiny, plan("arcface,softmax", out), tell=told.append)
    assert sum("training" in line for line in told) == 2
    for loss in result.losses:
        run = loss.runs[0]
        journal = read_journal(out / loss.label / "seed-0" / "run" / "journal.jsonl")
        assert run.decisions["held-out pairs"].accuracy == pytest.approx(journal[-1]["accuracy_mean"])
        assert run.status == "finished"
        assert run.seconds > 0
        assert run.images_per_second > 0
    assert {path.name for path in out.iterdir() if path.is_file()} == {
        "recipe.toml",
        *(f"compare.{suffix}" for suffix in ("html", "json", "csv", "tex")),
    }
    told.clear()
    again = compare(tiny, plan("arcface,softmax,cosface", out), tell=told.append)
    assert told[0] == "cosface, seed 0: training"
    assert sum("training" in line for line in told) == 1
    assert np.array_equal(
        again.losses[0].runs[0].decisions["held-out pairs"].right,
        result.losses[0].runs[0].decisions["held-out pairs"].right,
    )


def test_a_run_that_diverges_is_a_row_and_is_not_tried_again(small: Small, tmp_path: Path) -> None:
    recipe = small(
        loss={"margin_from": 0.0, "margin_full": 0.0},
        optim={"learning_rate": 1e30, "clip_norm": 0.0},
        train={"steps": 4},
    )
    told: list[str] = []
    result = compare(recipe, plan("softmax", tmp_path / "out"), tell=told.append)
    assert result.losses[0].runs[0].status == "diverged"
    assert result.results() == {}
    assert "diverged: step" in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    told.clear()
    compare(recipe, plan("softmax", tmp_path / "out"), tell=told.append)
    assert told == []


def test_an_interrupted_comparison_says_how_to_go_on_and_does(
    tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = jobs_module.train, []

    def stops_in_the_second(recipe: Recipe, out: Path, *, resume: bool) -> object:
        calls.append(resume)
        if len(calls) == 2:
            write_recipe_and_stop(recipe, out)
        return real(recipe, out, resume=resume)

    def write_recipe_and_stop(recipe: Recipe, out: Path) -> None:
        def press(progress: object) -> None:
            if getattr(progress, "step", 0) == 2 and getattr(progress, "record", None):
                raise KeyboardInterrupt

        real(recipe, out, progress=press)

    monkeypatch.setattr(jobs_module, "train", stops_in_the_second)
    with pytest.raises(
        TrainingInterrupted, match=r"The table has what is finished. Go on with the same command: the command"
    ):
        compare(tiny, plan("arcface,softmax", tmp_path / "out"))
    values = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert [loss["runs"][0]["status"] for loss in values["runs"]] == ["finished", "interrupted"]
    result = compare(tiny, plan("arcface,softmax", tmp_path / "out"))
    assert calls == [False, False, True], "the first is kept, the second is resumed"
    assert [loss.runs[0].status for loss in result.losses] == ["finished", "finished"]


def test_another_recipe_needs_another_folder(tiny: Recipe, small: Small, tmp_path: Path) -> None:
    compare(tiny, plan("softmax", tmp_path / "out"))
    with pytest.raises(CheckpointError, match=r"train\.steps: 5, the run has 4"):
        compare(small(train={"steps": 5}), plan("softmax", tmp_path / "out"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.jpg").touch()
    with pytest.raises(InputError, match="other files"):
        compare(tiny, plan("softmax", tmp_path / "other"))


def test_what_is_wrong_is_said_before_anything_is_trained(tiny: Recipe, small: Small, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown option of cosface"):
        compare(tiny, plan("arcface,cosface:k=1", tmp_path / "out"))
    with pytest.raises(InputError, match="hold_out is 0"):
        compare(small(data={"hold_out": 0}), plan("arcface", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_sweep_shows_the_margin_of_every_point(tiny: Recipe, tmp_path: Path) -> None:
    axes, points = grid_of(read_variant("x2softmax"), ["k=0.65,0.8"])
    sweep(tiny, axes, Plan(points, 1, tmp_path / "out", jobs=0, name="sweep"))
    page = (tmp_path / "out" / "sweep.html").read_text(encoding="utf-8")
    assert "held-out pairs, mean over seeds" in page
    assert page.count("x2softmax:k=0.65: ") >= 1
    assert page.count("x2softmax:k=0.8: ") >= 1


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_stops_the_processes_of_a_comparison_in_order(small: Small, tmp_path: Path) -> None:
    write_recipe(small(train={"steps": 100_000}), tmp_path / "recipe.toml")
    out = tmp_path / "out"
    command = ["compare", tmp_path / "recipe.toml", "--losses", "arcface,softmax", "--seeds", "1", "--out", out]
    process = subprocess.Popen(
        [sys.executable, "-m", "marginface", *map(str, command)],
        stderr=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
    )
    journal, deadline = out / "arcface" / "seed-0" / "run" / "journal.jsonl", time.monotonic() + PATIENCE
    while not (journal.is_file() and journal.read_text(encoding="utf-8")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "Go on with the same command: marginface compare" in said
    outcome = json.loads((out / "arcface" / "seed-0" / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["status"] == "interrupted"
    assert list((out / "arcface" / "seed-0" / "run" / "checkpoints").glob("step-*"))
    assert not (out / "softmax" / "seed-0" / "run").exists()
