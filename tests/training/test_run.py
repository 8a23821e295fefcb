from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from marginface.contract import file_sha256, read_card
from marginface.embedding import load_embedder
from marginface.errors import CheckpointError, InputError, RecipeError, TrainingDiverged
from marginface.training import Progress, Recipe, TrainingInterrupted, read_recipe, train
from marginface.training.feed.sources import open_data
from marginface.training.folder.journal import read_journal
from marginface.training.loop.divergence import LossWatch
from marginface.training.resolve import resolve
from marginface.words import percent

Small = Callable[..., Recipe]


def everything(folder: Path) -> dict[str, torch.Tensor]:
    """Return every tensor of a checkpoint under file and name."""
    files = sorted(folder.glob("*.safetensors"))
    return {f"{path.name}:{name}": value for path in files for name, value in load_file(path).items()}


def assert_equal_to_the_bit(first: Path, second: Path) -> None:
    ours, theirs = everything(first), everything(second)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def stop_at(step: int, how: Callable[[], None]) -> Callable[[Progress], None]:
    def callback(progress: Progress) -> None:
        if progress.step == step and progress.record:
            how()

    return callback


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


class Killed(Exception):
    """Stands for a process that dies: nothing is saved."""


def die() -> None:
    raise Killed


def losses(out: Path) -> list[tuple[int, float]]:
    return [(record["step"], record["loss"]) for record in read_journal(out / "journal.jsonl")]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optim": {"ema": 0.9, "kind": "adamw", "learning_rate": 0.002}, "data": {"balance": 0.5, "hold_out": 0}},
        {"train": {"threads": 2}, "data": {"hold_out": 0}},
        {"train": {"precision": "bfloat16"}, "data": {"hold_out": 0}},
        {"backbone": {"name": "resnet18", "options": {"dropout": 0.4, "width": 0.25}}, "data": {"hold_out": 0}},
    ],
    ids=["plain", "averaged, adamw, balanced", "two threads", "bfloat16", "dropout"],
)
def test_a_killed_run_resumes_to_the_bit(small: Small, tmp_path: Path, changes: dict[str, dict[str, object]]) -> None:
    recipe = small(**changes)
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(Killed):
        train(recipe, tmp_path / "cut", progress=stop_at(13, die))
    assert losses(tmp_path / "cut")[-1][0] == 13
    resumed = train(recipe, tmp_path / "cut", resume=True)
    assert resumed.checkpoint.step == whole.checkpoint.step == 20
    assert_equal_to_the_bit(whole.checkpoint.folder, resumed.checkpoint.folder)
    assert losses(tmp_path / "whole") == losses(tmp_path / "cut")
    assert [step for step, _ in losses(tmp_path / "cut")] == list(range(1, 21))


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("how", [press_ctrl_c, lambda: os.kill(os.getpid(), signal.SIGINT)], ids=["raised", "signal"])
def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(
    small: Small, tmp_path: Path, how: Callable[[], None]
) -> None:
    recipe = small(data={"hold_out": 0})
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingInterrupted, match=r"after step 7 of 20.*step-00000007 is saved.*--resume"):
        train(recipe, tmp_path / "cut", progress=stop_at(7, how))
    assert signal.getsignal(signal.SIGINT) == handler
    resumed = train(recipe, tmp_path / "cut", resume=True)
    whole = train(recipe, tmp_path / "whole")
    assert_equal_to_the_bit(whole.checkpoint.folder, resumed.checkpoint.folder)


@pytest.mark.usefixtures("no_pictures")
def test_a_stop_at_a_checkpoint_keeps_it_as_it_was_saved(
    small: Small, tmp_path: Path, at_step: Callable[..., Callable[[Progress], None]]
) -> None:
    recipe = small(data={"identities": 14, "images_per_identity": 12, "hold_out": 6}, train={"evaluate_every": 10})

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted, match="step-00000010 is saved"):
        train(recipe, tmp_path / "run", progress=at_step(10, stop))
    (kept,) = (tmp_path / "run" / "checkpoints").iterdir()
    assert kept.name == "step-00000010"
    assert read_card(kept / "card.toml").thresholds  # of the evaluation at this step


@pytest.mark.usefixtures("no_pictures")
def test_a_damaged_checkpoint_is_passed_over_with_a_message(small: Small, tmp_path: Path) -> None:
    recipe = small(data={"hold_out": 0}, train={"checkpoint_every": 5})
    with pytest.raises(Killed):
        train(recipe, tmp_path / "run", progress=stop_at(12, die))
    victim = tmp_path / "run" / "checkpoints" / "step-00000010" / "optimizer.safetensors"
    victim.write_bytes(victim.read_bytes()[:-1])
    told: list[str] = []
    train(recipe, tmp_path / "run", resume=True, progress=lambda progress: told.extend(progress.notes))
    assert "optimizer.safetensors is changed or cut off" in told[0]
    assert told[1] == "resumed at step 5"
    assert [step for step, _ in losses(tmp_path / "run")] == list(range(1, 21))


@pytest.mark.usefixtures("no_pictures")
def test_a_run_killed_before_its_first_checkpoint_starts_again(small: Small, tmp_path: Path) -> None:
    recipe = small(data={"hold_out": 0})
    with pytest.raises(Killed):
        train(recipe, tmp_path / "run", progress=stop_at(3, die))
    assert train(recipe, tmp_path / "run", resume=True).checkpoint.step == 20
    assert [step for step, _ in losses(tmp_path / "run")] == list(range(1, 21))


def test_the_folder_of_a_run_holds_what_it_says(small: Small, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = train(small(), out)
    assert {path.name for path in out.iterdir()} == {
        "recipe.toml",
        "data.json",
        "history.jsonl",
        "journal.jsonl",
        "checkpoints",
        "report.html",
        "manifest.json",
    }
    stored = read_recipe(out / "recipe.toml")
    assert stored.train.precision in ("float32", "bfloat16")
    assert (stored.train.device, stored.loss.scale, stored.optim.head_weight_decay) == ("cpu", 16.0, 5e-4)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"]["trained_on"]["held_out_identities"] == 4
    assert all(file_sha256(out / name) == sha256 for name, sha256 in manifest["files"].items())
    assert {"recipe.toml", "data.json", "history.jsonl", "journal.jsonl", "report.html"} < manifest["files"].keys()
    assert [event["event"] for event in manifest["history"]] == ["started", "finished"]
    last = read_journal(out / "journal.jsonl")[-1]
    keys = {"step", "epoch", "loss", "learning_rate", "images_per_second", "train_accuracy", "accuracy_mean", "auc"}
    assert keys <= last.keys()
    assert result.held_out is not None
    assert percent(result.held_out.scores.accuracy.mean) in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_pictures")
def test_a_run_folder_is_a_model_with_thresholds_that_its_pairs_support(small: Small, tmp_path: Path) -> None:
    result = train(small(), tmp_path / "run")
    card = read_card(result.checkpoint.folder / "card.toml")
    assert [entry.fmr for entry in card.thresholds] == []  # 24 images make 216 impostor pairs: 1e-2 needs 1,000
    embedder = load_embedder(tmp_path / "run")
    assert embedder.contract.embedding_size == 16
    held_out = open_data(resolve(small())).held_out
    assert held_out is not None
    lengths = np.linalg.norm(embedder.features(held_out.read(np.arange(len(held_out.labels)))), axis=1)
    assert card.usual_norm == pytest.approx(np.median(lengths), rel=1e-3)


@pytest.mark.usefixtures("no_pictures")
def test_the_paper_defaults_are_written_out(small: Small, tmp_path: Path) -> None:
    recipe = small(data={"hold_out": 0}, loss={"name": "x2softmax", "scale": None, "margin": None}, train={"steps": 1})
    train(recipe, tmp_path / "run")
    stored = read_recipe(tmp_path / "run" / "recipe.toml").loss
    assert stored.scale == 64
    assert {"a": -0.9, "h": 0.0, "k": 0.65}.items() <= stored.options.items()
    train(recipe, tmp_path / "run", resume=True)


def test_a_used_folder_is_refused_with_advice(small: Small, tmp_path: Path) -> None:
    train(small(data={"hold_out": 0}, train={"steps": 1}), tmp_path / "run")
    with pytest.raises(InputError, match="a run: --resume goes on with it"):
        train(small(), tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.jpg").touch()
    with pytest.raises(InputError, match="other files"):
        train(small(), tmp_path / "other")
    with pytest.raises(CheckpointError, match="no run to resume"):
        train(small(), tmp_path / "none", resume=True)


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    "changes",
    [{"train": {"batch_size": 999}}, {"backbone": {"options": {"width": -1.0}}}, {"loss": {"name": "softmax"}}],
    ids=["more images than there are", "an impossible network", "a margin that cannot grow"],
)
def test_a_new_run_that_is_refused_leaves_its_folder_free(
    small: Small, tmp_path: Path, changes: dict[str, dict[str, object]]
) -> None:
    out = tmp_path / "run"
    with pytest.raises((InputError, RecipeError)):
        train(small(data={"hold_out": 0}, **changes), out)
    assert not out.exists() or list(out.iterdir()) == []
    assert train(small(data={"hold_out": 0}), out).checkpoint.step == 20


def test_resuming_with_another_recipe_names_the_keys(small: Small, tmp_path: Path) -> None:
    train(small(data={"hold_out": 0}, train={"steps": 1}), tmp_path / "run")
    other = small(data={"hold_out": 0}, train={"steps": 2}, loss={"margin": 0.3})
    with pytest.raises(
        CheckpointError, match=r"loss\.margin: 0\.3, the run has 0\.2: .*\n  train\.steps: 2, the run has 1:"
    ):
        train(other, tmp_path / "run", resume=True)


def test_a_run_that_diverges_stops_with_its_step(small: Small, tmp_path: Path) -> None:
    recipe = small(
        data={"hold_out": 0},
        loss={"name": "softmax", "scale": None, "margin": None, "margin_from": 0.0, "margin_full": 0.0},
        optim={"learning_rate": 1e30, "clip_norm": 0.0},
    )
    with pytest.raises(TrainingDiverged, match=r"step \d+: the loss"):
        train(recipe, tmp_path / "run")


@pytest.mark.usefixtures("no_pictures")
def test_a_resumed_run_measures_a_runaway_loss_by_its_whole_past(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small(data={"hold_out": 0})
    with pytest.raises(Killed):
        train(recipe, tmp_path / "cut", progress=stop_at(13, die))
    seen: list[tuple[float, bool]] = []
    real = LossWatch.see

    def see(watch: LossWatch, loss: float, *, settling: bool) -> None:
        seen.append((loss, settling))
        real(watch, loss, settling=settling)

    monkeypatch.setattr(LossWatch, "see", see)
    train(recipe, tmp_path / "cut", resume=True)
    journal = read_journal(tmp_path / "cut" / "journal.jsonl")
    assert seen == [(record["loss"], record["margin_strength"] < 1) for record in journal]
    assert {settling for _, settling in seen} == {True, False}


def test_a_margin_cannot_grow_in_a_loss_that_has_none(small: Small, tmp_path: Path) -> None:
    recipe = small(data={"hold_out": 0}, loss={"name": "softmax", "scale": None, "margin": None})
    with pytest.raises(RecipeError, match="softmax has no margin that can grow"):
        train(recipe, tmp_path / "run")


@pytest.mark.usefixtures("no_pictures")
def test_training_leaves_the_random_state_and_the_threads_as_they_were(small: Small, tmp_path: Path) -> None:
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    train(small(data={"hold_out": 0}, train={"steps": 2}), tmp_path / "run")
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_a_short_training_learns_to_tell_strangers_apart(small: Small, tmp_path: Path) -> None:
    recipe = small(
        data={"identities": 40, "images_per_identity": 8, "hold_out": 12},
        augment={"final_strength": None},
        train={"steps": 120, "batch_size": 32},
        optim={"learning_rate": 0.1},
        evaluation={"pairs": 200},
    )
    result = train(recipe, tmp_path / "run")
    first, last = (record["loss"] for record in (lambda r: (r[0], r[-1]))(read_journal(tmp_path / "run/journal.jsonl")))
    assert result.held_out is not None
    assert result.held_out.scores.accuracy.mean > 0.65
    assert last < first
    assert read_journal(tmp_path / "run" / "journal.jsonl")[-1]["train_accuracy"] > 0.5
