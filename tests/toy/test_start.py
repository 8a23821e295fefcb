"""The shared start: the same for every loss, and a way out of the places where class centers used to get stuck."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from marginface.losses.notation import read_losses
from marginface.toy import Budget, ToyData, digits, run_toy, toy_losses
from marginface.toy.entries import ToyLoss, innermost
from marginface.toy.start import DEVICE, START_LABEL, Start, make_start, mean_directions, rate_factor, start_steps
from marginface.toy.study import _recipe as recipe_of
from marginface.training import Recipe
from marginface.training.feed.batches import Batches
from marginface.training.schedule import learning_rate_factor

SHORT = Budget(steps=20, digits=16)


def entry(text: str, classes: int) -> ToyLoss:
    (loss,) = toy_losses(read_losses(text), classes, 2)
    return loss


def recipe(data: ToyData, text: str = "softmax") -> Recipe:
    return recipe_of(entry(text, len(data.classes)), data, 2, 0, SHORT)


@pytest.fixture(scope="module")
def start(few_digits: ToyData) -> Start:
    return make_start(recipe(few_digits), few_digits, lambda *_: None)


def test_the_mean_direction_is_of_length_1_and_does_not_ask_how_long_the_features_are() -> None:
    features = torch.tensor([[3.0, 0.0], [0.0, 0.1], [-2.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    half = math.sqrt(0.5)
    expected = torch.tensor([[half, half], [-1.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(mean_directions(features, torch.tensor([0, 0, 1, 2, 2]), 3), expected)


@pytest.mark.parametrize(
    "text", ["softmax", "normface", "cosface", "arcface", "x2softmax", "lsoftmax", "curricularface"]
)
def test_every_loss_begins_with_the_same_network_and_the_same_centers(
    few_digits: ToyData, start: Start, text: str
) -> None:
    learner = start.learner(recipe(few_digits, text))
    weights = learner.backbone.state_dict()
    assert weights.keys() == start.backbone.keys()
    assert all(torch.equal(weights[name], start.backbone[name]) for name in weights)
    centers = innermost(learner.head).centers
    assert torch.equal(centers, start.centers)
    torch.testing.assert_close(torch.linalg.vector_norm(centers, dim=1), torch.ones(len(few_digits.classes)))


def test_a_training_leaves_the_start_as_it_was_for_the_next_loss(few_digits: ToyData) -> None:
    fresh = make_start(recipe(few_digits), few_digits, lambda *_: None)
    before = {name: tensor.clone() for name, tensor in fresh.backbone.items()}
    learner = fresh.learner(recipe(few_digits, "arcface"))
    batch = Batches(few_digits.train, recipe(few_digits), DEVICE).load(0)
    learner.learn(batch, 0, learning_rate=0.1, margin_strength=1.0)
    assert not torch.equal(innermost(learner.head).centers, fresh.centers)
    assert all(torch.equal(before[name], tensor) for name, tensor in fresh.backbone.items())


def test_the_learning_rate_grows_again_after_the_start_and_is_the_recipe_s_elsewhere(few_digits: ToyData) -> None:
    chosen = recipe(few_digits)
    batches = Batches(few_digits.train, chosen, DEVICE)
    plain = [learning_rate_factor(chosen.schedule, step, 20, batches.steps_per_epoch) for step in range(20)]
    found = [rate_factor(chosen, step, batches) for step in range(20)]
    assert start_steps(20) == 6
    assert found[:6] == plain[:6]
    assert [value / whole for value, whole in zip(found[6:10], plain[6:10], strict=True)] == pytest.approx(
        [0.25, 0.5, 0.75, 1.0]
    )
    assert found[10:] == plain[10:]


def test_the_start_is_trained_once_and_every_loss_goes_on_from_its_step(few_digits: ToyData) -> None:
    seen: list[tuple[str, int, int]] = []
    losses = toy_losses(read_losses("softmax,arcface"), len(few_digits.classes), 2)
    study = run_toy(
        few_digits,
        losses,
        size=2,
        seed=0,
        budget=SHORT,
        progress=lambda name, step, of, _: seen.append((name, step, of)),
    )
    assert seen[:6] == [(START_LABEL, step, 6) for step in range(1, 7)]
    assert seen[6:20] == [("softmax", step, 20) for step in range(7, 21)]
    assert seen[20:] == [("arcface", step, 20) for step in range(7, 21)]
    assert "the first 6 steps are one softmax training for all losses" in study.settings["start"]


def test_a_run_of_one_step_has_no_start_and_works(few_digits: ToyData) -> None:
    losses = toy_losses(read_losses("softmax,cosface"), len(few_digits.classes), 2)
    study = run_toy(few_digits, losses, size=2, seed=0, budget=Budget(steps=1, digits=16), progress=lambda *_: None)
    assert all(np.isfinite(result.centers).all() for result in study.results)


@pytest.mark.parametrize("text", ["normface", "cosface"])
def test_ten_classes_of_a_plane_find_ten_places(text: str) -> None:
    """From fresh centers several of them settle on one place, up to 50 long, and 10 to 60 % of the images are wrong."""
    data = digits(10)
    losses = toy_losses(read_losses(text), 10, 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two would wait for each other, and sum in another order
    try:
        (result,) = run_toy(data, losses, size=2, seed=0, budget=Budget(steps=300), progress=lambda *_: None).results
    finally:
        torch.set_num_threads(threads)
    assert result.train.accuracy > 0.92
    assert np.degrees(np.nanmin(result.center_angles)) > 15
    assert np.linalg.norm(result.centers, axis=1).max() < 5
