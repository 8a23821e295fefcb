"""A run with a pair loss: without class centers, in batches of P × K."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from marginface.data.sampling.sampler import IdentityBatches
from marginface.errors import InputError, RecipeError
from marginface.losses import LOSSES
from marginface.losses.pairs import PairLoss
from marginface.training import Progress, Recipe, read_recipe, recipe_from, train
from marginface.training.feed.batches import Batches
from marginface.training.feed.sources import open_data
from marginface.training.folder.journal import read_journal
from marginface.training.loop import collapse
from marginface.training.recipe.file import recipe_sha256

PAIRS = [name for name, loss in LOSSES.items() if isinstance(loss, PairLoss)]
PLAIN = {"scale": None, "margin": None, "margin_from": 0.0, "margin_full": 0.0}
PairRecipe = Callable[..., Recipe]


@pytest.fixture
def paired(small: Callable[..., Recipe]) -> PairRecipe:
    """Return a function: a loss and changes by section → a small recipe with it, 4 identities × 2 images a batch."""

    def recipe(loss: str, /, **changes: dict[str, Any]) -> Recipe:
        sections: dict[str, dict[str, Any]] = {
            "loss": {"name": loss, **PLAIN},
            "train": {"batch_images_per_identity": 2},
            "data": {"hold_out": 0},
        }
        names = sections.keys() | changes.keys()
        return small(**{name: {**sections.get(name, {}), **changes.get(name, {})} for name in names})

    return recipe


class Killed(Exception):
    """Stands for a process that dies: nothing is saved."""


def die_at_13(progress: Progress) -> None:
    if progress.step == 13 and progress.record:
        raise Killed


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    files = sorted(folder.glob("*.safetensors"))
    return {f"{path.name}:{name}": value for path in files for name, value in load_file(path).items()}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("loss", "changes"),
    [
        *((name, {}) for name in PAIRS),
        ("triplet", {"optim": {"ema": 0.9, "kind": "adamw", "learning_rate": 0.002}}),
        ("supcon", {"train": {"precision": "bfloat16", "batch_images_per_identity": 2}}),
        ("triplet", {"data": {"tail": 2.0, "hold_out": 0}, "train": {"batch_images_per_identity": 4}}),
    ],
)
def test_a_killed_run_resumes_to_the_bit(
    paired: PairRecipe, tmp_path: Path, loss: str, changes: dict[str, dict[str, Any]]
) -> None:
    recipe = paired(loss, **changes)
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(Killed):
        train(recipe, tmp_path / "cut", progress=die_at_13)
    resumed = train(recipe, tmp_path / "cut", resume=True)
    ours, theirs = tensors(whole.checkpoint.folder), tensors(resumed.checkpoint.folder)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    journals = [read_journal(tmp_path / run / "journal.jsonl") for run in ("whole", "cut")]
    assert [record["loss"] for record in journals[0]] == [record["loss"] for record in journals[1]]


@pytest.mark.parametrize("loss", PAIRS)
def test_a_run_learns_something_and_says_what_there_is_to_say(paired: PairRecipe, tmp_path: Path, loss: str) -> None:
    said: list[str] = []
    held = {"hold_out": 4}
    recipe = paired(loss, data=held)
    train(recipe, tmp_path / "run", progress=lambda progress: said.extend([*progress.notes, progress.describe()]))
    journal = read_journal(tmp_path / "run" / "journal.jsonl")
    measured = journal[-1]
    assert {"genuine_similarity", "impostor_similarity", "accuracy_mean"} <= measured.keys()
    assert not {"train_accuracy", "target_cosine", "batches_without_pairs"} & measured.keys()
    assert "genuine similarity" in said[-1]
    assert "each batch: 4 identities with 2 images each" in said
    assert not any("softmax that knows nothing" in line or "first loss" in line for line in said)
    assert not any("notes" in record for record in journal)
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Loss, learning rate, accuracy and similarities over the steps of the training" in report


def test_a_short_training_learns_to_tell_strangers_apart(paired: PairRecipe, tmp_path: Path) -> None:
    recipe = paired(
        "triplet",
        data={"identities": 40, "images_per_identity": 8, "hold_out": 12},
        augment={"final_strength": None},
        train={"steps": 120, "batch_size": 32, "batch_images_per_identity": 4},
        optim={"learning_rate": 0.1},
        evaluation={"pairs": 200},
    )
    result = train(recipe, tmp_path / "run")
    assert result.held_out is not None
    assert result.held_out.scores.accuracy.mean > 0.65
    last = read_journal(tmp_path / "run" / "journal.jsonl")[-1]
    assert last["genuine_similarity"] > last["impostor_similarity"] + 0.3


def test_the_batches_of_a_run_are_those_of_the_sampler_at_each_step(paired: PairRecipe) -> None:
    recipe = paired("triplet", train={"batch_images_per_identity": 2, "seed": 3})
    source = open_data(recipe).train
    batches = Batches(source, recipe, torch.device("cpu"))
    sampler = IdentityBatches(source.labels, 2)
    for step in (0, 1, 7):
        expected = source.labels[sampler.batch(8, 3, step)]
        assert batches.load(step).labels.tolist() == expected.tolist()
    assert batches.load(0).labels.tolist() != batches.load(1).labels.tolist()


@pytest.mark.usefixtures("no_pictures")
def test_the_defaults_of_the_loss_are_written_out(paired: PairRecipe, tmp_path: Path) -> None:
    recipe = paired("triplet", train={"steps": 1, "batch_images_per_identity": 2})
    train(recipe, tmp_path / "run")
    stored = read_recipe(tmp_path / "run" / "recipe.toml").loss
    assert (stored.scale, stored.margin, stored.options) == (None, 0.2, {"mining": "semi_hard"})
    train(recipe, tmp_path / "run", resume=True)
    train(paired("supcon", train={"steps": 1, "batch_images_per_identity": 2}), tmp_path / "supcon")
    stored = read_recipe(tmp_path / "supcon" / "recipe.toml").loss
    assert (stored.margin, stored.options) == (None, {"temperature": 0.1})


def test_identities_with_too_few_images_are_reported(paired: PairRecipe, tmp_path: Path) -> None:
    said: list[str] = []
    few = {"images_per_identity": 3, "hold_out": 0}
    recipe = paired("triplet", data=few, train={"steps": 1, "batch_images_per_identity": 4})
    train(recipe, tmp_path / "run", progress=lambda progress: said.extend(progress.notes))
    assert "12 identities have fewer than 4 images: theirs are repeated within a batch" in said


@pytest.mark.usefixtures("no_pictures")
def test_a_collapse_is_noted_once_in_the_journal(
    paired: PairRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collapse, "NEAR", 1.0)  # any loss from 0 to 2 α counts as near
    monkeypatch.setattr(collapse, "STEPS", 4)
    said: list[str] = []
    train(paired("triplet"), tmp_path / "run", progress=lambda progress: said.extend(progress.notes))
    noted = [record for record in read_journal(tmp_path / "run" / "journal.jsonl") if "notes" in record]
    assert len(noted) == 1
    assert noted[0]["notes"][0] in said
    assert "of 0.2, its margin" in noted[0]["notes"][0]


@pytest.mark.usefixtures("no_pictures")
def test_a_collapse_that_was_told_before_a_kill_is_not_told_again(
    paired: PairRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collapse, "NEAR", 10.0)
    monkeypatch.setattr(collapse, "STEPS", 4)
    recipe, said = paired("triplet"), []
    with pytest.raises(Killed):
        train(recipe, tmp_path / "run", progress=die_at_13)
    train(recipe, tmp_path / "run", resume=True, progress=lambda progress: said.extend(progress.notes))
    noted = [record["step"] for record in read_journal(tmp_path / "run" / "journal.jsonl") if "notes" in record]
    assert noted == [4]
    assert not any("its margin" in note for note in said)


@pytest.mark.usefixtures("no_pictures")
def test_steps_before_and_after_a_kill_are_counted_together(
    paired: PairRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collapse, "NEAR", 10.0)
    monkeypatch.setattr(collapse, "STEPS", 16)
    with pytest.raises(Killed):
        train(paired("triplet"), tmp_path / "run", progress=die_at_13)  # the checkpoint is that of step 10
    train(paired("triplet"), tmp_path / "run", resume=True)
    noted = [record["step"] for record in read_journal(tmp_path / "run" / "journal.jsonl") if "notes" in record]
    assert noted == [16]


@pytest.mark.parametrize("loss", PAIRS)
def test_a_pair_loss_without_its_batches_says_what_to_write(paired: PairRecipe, tmp_path: Path, loss: str) -> None:
    recipe = paired(loss, train={"batch_images_per_identity": 0})
    with pytest.raises(RecipeError, match=rf"{loss} compares.*Write batch_images_per_identity = 4 under \[train\]"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_pair_loss_has_no_margin_that_grows(paired: PairRecipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="triplet has no margin that can grow"):
        train(paired("triplet", loss={"margin_full": 0.5}), tmp_path / "run")


def test_more_identities_in_a_batch_than_there_are_is_an_error(paired: PairRecipe, tmp_path: Path) -> None:
    recipe = paired("triplet", train={"batch_size": 32, "batch_images_per_identity": 2})
    with pytest.raises(InputError, match="P from 2 to 12"):
        train(recipe, tmp_path / "run")


def test_a_margin_loss_may_have_batches_of_identities_too(small: Callable[..., Recipe], tmp_path: Path) -> None:
    train(small(data={"hold_out": 0}, train={"batch_images_per_identity": 4}), tmp_path / "run")
    assert "train_accuracy" in read_journal(tmp_path / "run" / "journal.jsonl")[-1]


@pytest.mark.parametrize(
    ("train_section", "message"),
    [
        ({"batch_images_per_identity": 3, "batch_size": 64}, "P × K with P ≥ 2; got 3 and batch_size 64"),
        ({"batch_images_per_identity": 1, "batch_size": 64}, "K ≥ 2"),
        ({"batch_images_per_identity": 64, "batch_size": 64}, "P ≥ 2"),
        ({"batch_images_per_identity": -1}, r"\[train\] batch_images_per_identity: .*greater than or equal to 0"),
    ],
)
def test_a_batch_that_is_no_p_times_k_is_refused_by_the_recipe(train_section: dict[str, int], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_from({"train": train_section})


def test_a_balance_beside_batches_of_identities_is_refused_by_the_recipe() -> None:
    with pytest.raises(RecipeError, match=r"^recipe: \[train\] batch_images_per_identity brings.*balance.*got 0.5$"):
        recipe_from({"train": {"batch_images_per_identity": 4}, "data": {"balance": 0.5}})


def test_the_images_of_an_identity_in_a_batch_decide_the_numbers() -> None:
    recipes = [recipe_from({"train": {"batch_images_per_identity": images}}) for images in (0, 4)]
    assert recipe_sha256(recipes[0]) != recipe_sha256(recipes[1])
