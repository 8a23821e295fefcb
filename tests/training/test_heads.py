"""The trainer with every loss of the table: it learns, says how well, and keeps its state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from marginface.errors import RecipeError
from marginface.losses import LOSSES
from marginface.losses.pairs import PairLoss
from marginface.training import Recipe, train
from marginface.training.feed.batches import Batch
from marginface.training.folder.journal import read_journal
from marginface.training.learning.learner import Learner, build_head
from marginface.training.loop.divergence import LossWatch

pytestmark = pytest.mark.usefixtures("no_pictures")
Small = Callable[..., Recipe]
PLAIN = {"margin": None, "scale": None, "margin_from": 0.0, "margin_full": 0.0}
CPU = torch.device("cpu")


WITH_CENTERS = [name for name, loss in LOSSES.items() if not isinstance(loss, PairLoss)]  # others: test_pair_run
WITH_A_TERM = [(name, {"center": {"weight": 0.5}}) for name in WITH_CENTERS if name != "center"]


@pytest.mark.parametrize(("name", "terms"), [*((name, {}) for name in WITH_CENTERS), *WITH_A_TERM])
def test_every_loss_with_centers_learns_and_has_diagnostics(
    small: Small, name: str, terms: dict[str, dict[str, float]]
) -> None:
    recipe = small(loss={**PLAIN, "name": name, "terms": terms}, train={"precision": "float32"})
    learner = Learner(recipe, 6, CPU)
    batch = Batch(torch.randn(8, 3, 32, 32), torch.arange(8) % 6)
    before = [parameter.detach().clone() for parameter in learner.head.parameters()]
    result = learner.learn(batch, 0, learning_rate=0.1, margin_strength=1.0)
    assert result.gradient_norm > 0
    assert any(not torch.equal(a, b) for a, b in zip(before, learner.head.parameters(), strict=True))
    with torch.no_grad():
        centers = learner.head.centers.reshape(6, -1, 16)
        centers[:] = torch.eye(6, 16)[:, None]
    perfect = learner.diagnostics(3 * torch.eye(6, 16), torch.arange(6))
    assert perfect == {"train_accuracy": 1.0, "target_cosine": pytest.approx(1.0)}
    wrong = learner.diagnostics(3 * torch.eye(6, 16), torch.tensor([1, 0, 2, 3, 4, 5]))
    assert wrong == {"train_accuracy": pytest.approx(4 / 6), "target_cosine": pytest.approx(4 / 6)}
    assert ("center_loss" in learner.report(0)) == ("center" in terms or name == "center")


def test_a_run_with_terms_resumes_to_the_bit_and_journals_their_share(small: Small, tmp_path: Path) -> None:
    terms = {"center": {"weight": 0.01}, "triplet_center": {"weight": 0.01}}
    recipe = small(loss={"terms": terms}, data={"hold_out": 0})
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(_Stop):
        train(recipe, tmp_path / "cut", progress=_stop_at_13)
    resumed = train(recipe, tmp_path / "cut", resume=True)
    ours, theirs = (load_file(run.checkpoint.folder / "head.safetensors") for run in (whole, resumed))
    assert ours.keys() == theirs.keys() == {"head.centers", "terms.center.centers", "terms.triplet_center.centers"}
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    last = read_journal(tmp_path / "whole" / "journal.jsonl")[-1]
    assert 0 < last["center_loss"] + last["triplet_center_loss"] < last["loss"]
    assert last["margin_strength"] == 1.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("adaface", {"norm_mean", "norm_std"}),
        ("kappaface", {"margin_least", "margin_most"}),
        ("adacos", {"scale"}),
        ("curricularface", {"t"}),
    ],
)
def test_a_run_whose_head_learns_from_batches_resumes_to_the_bit(
    small: Small, tmp_path: Path, name: str, said: set[str]
) -> None:
    recipe = small(loss={**PLAIN, "name": name}, data={"hold_out": 0})
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(_Stop):
        train(recipe, tmp_path / "cut", progress=_stop_at_13)
    resumed = train(recipe, tmp_path / "cut", resume=True)
    ours, theirs = (load_file(run.checkpoint.folder / "head.safetensors") for run in (whole, resumed))
    assert len(ours) > 1
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    records = read_journal(tmp_path / "whole" / "journal.jsonl")
    assert said <= records[-1].keys()
    assert [note for record in records for note in record.get("notes", [])] == []


class _Stop(Exception):
    pass


def _stop_at_13(progress) -> None:
    if progress.step == 13 and progress.record:
        raise _Stop


@pytest.mark.parametrize(
    "name", ["sface", "sphereface2", "uniface", "subcenter_arcface", "triplet_center", "magface", "npcface", "circle"]
)
def test_a_short_run_reaches_its_end_without_a_false_alarm(small: Small, tmp_path: Path, name: str) -> None:
    run = train(small(loss={**PLAIN, "name": name}, data={"hold_out": 0}), tmp_path / name)
    assert run.checkpoint.step == 20
    assert [
        note for record in read_journal(tmp_path / name / "journal.jsonl") for note in record.get("notes", [])
    ] == []


@pytest.mark.parametrize("name", ["sface", "softmax", "center"])
def test_a_margin_that_cannot_grow_is_a_recipe_error(small: Small, name: str) -> None:
    recipe = small(loss={"name": name, "margin": None, "scale": None})
    with pytest.raises(RecipeError, match=f"margin_full: {name} has no margin that can grow"):
        build_head(recipe, 6)


def test_the_margins_of_one_vs_all_losses_and_of_heads_with_terms_can_grow(small: Small) -> None:
    for name in ("sphereface2", "uniface", "subcenter_arcface"):
        learner = Learner(small(loss={"name": name, "terms": {"center": {}}}), 6, CPU)
        learner.learn(Batch(torch.randn(4, 3, 32, 32), torch.arange(4)), 0, learning_rate=0.1, margin_strength=0.25)
        assert learner.head.margin_strength == 0.25


def test_a_loss_below_0_that_comes_back_to_0_is_no_runaway() -> None:
    watch = LossWatch()
    for step in range(400):
        watch.check(step, -20.0 if step < 200 else 0.5, settling=False)
