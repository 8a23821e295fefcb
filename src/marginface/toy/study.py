"""One training per loss, equal in all but the loss: same seed, start, batches, network, optimizer and steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from marginface.data.source import ArrayCrops
from marginface.losses import MarginHead
from marginface.losses.notation import read_losses
from marginface.losses.theory import TargetCurve
from marginface.metrics import class_geometry
from marginface.toy.data import ToyData
from marginface.toy.entries import WARM_UP, ToyLoss, innermost, toy_losses
from marginface.toy.results import LossResult, SplitResult, ToyStudy
from marginface.toy.start import DEVICE, REGROWTH, Progress, Start, decided, features_of, learn_steps, make_start
from marginface.training import Recipe, recipe_from
from marginface.training.feed.batches import Batches
from marginface.training.learning.learner import Learner
from marginface.training.loop.trainer import torch_settings
from marginface.values import BoolArray, FloatArray

BACKBONE = "tiny_linear"


@dataclass(frozen=True)
class Budget:
    """What every loss gets: optimizer steps with the start, and images per step, of digits and of the larger photos."""

    steps: int = 1000
    digits: int = 64
    photos: int = 32


BUDGET = Budget()


def run_toy(
    data: ToyData,
    losses: tuple[ToyLoss, ...],
    *,
    size: int,
    seed: int,
    budget: Budget = BUDGET,
    progress: Progress,
) -> ToyStudy:
    """Train the start that all share, then once per loss, and measure.

    The same seed gives the same numbers on the same machine with the same number of threads.

    Args:
        data: what to train on.
        losses: from ``toy_losses``, for the classes of the data and this size.
        size: D, 2 or 3.
        seed: decides weights, order and augmentation.
        budget: the same for every loss.
        progress: called after each step with the label of the loss or of the start, the step, all steps and the loss.

    Raises:
        TrainingDiverged: a loss is not finite or runs away.
    """
    began = time.perf_counter()
    recipes = [_recipe(loss, data, size, seed, budget) for loss in losses]
    start = _start(data, size, seed, budget, progress)
    results = [_result(loss, recipe, data, start, progress) for loss, recipe in zip(losses, recipes, strict=True)]
    return ToyStudy(data, size, results, _settings(recipes[0], start), seed, time.perf_counter() - began)


def _start(data: ToyData, size: int, seed: int, budget: Budget, progress: Progress) -> Start:
    (softmax,) = toy_losses(read_losses("softmax"), len(data.classes), size)
    recipe = _recipe(softmax, data, size, seed, budget)
    with torch_settings(recipe):
        return make_start(recipe, data, progress)


def _recipe(loss: ToyLoss, data: ToyData, size: int, seed: int, budget: Budget) -> Recipe:
    mild = {"flip": 0.5, "shift": 0.04, "scale": 0.05, "rotation_degrees": 5, "brightness": 0.2, "contrast": 0.2}
    values = {
        "name": loss.name,
        "augment": mild if data.is_photos else {"flip": 0.0, "shift": 0.03, "rotation_degrees": 5},
        "backbone": {"name": BACKBONE, "input_size": 64 if data.is_photos else 32, "embedding_size": size},
        "loss": dict(loss.section),
        "optim": {"kind": "sgd", "learning_rate": 0.1, "weight_decay": 5e-4, "clip_norm": 5.0},
        "schedule": {"kind": "cosine", "warmup": 0.1},
        "train": {
            "steps": budget.steps,
            "batch_size": min(budget.photos if data.is_photos else budget.digits, len(data.train.labels)),
            "seed": seed,
            "device": "cpu",
            "precision": "float32",
            "threads": torch.get_num_threads(),
        },
    }
    return recipe_from(values, loss.label)


def _settings(recipe: Recipe, start: Start) -> dict[str, Any]:
    """Return what is equal for all losses, in words."""
    train, optim = recipe.train, recipe.optim
    return {
        "network": f"{recipe.backbone.name}, input {recipe.backbone.input_size}×{recipe.backbone.input_size}",
        "steps": train.steps,
        "start": start.description,
        "images per step": train.batch_size,
        "optimizer": f"{optim.kind}, learning rate {optim.learning_rate:g} falling by cosine, "
        f"growing again for {REGROWTH * train.steps:,.0f} steps after the start, "
        f"momentum {optim.momentum:g}, weight decay {optim.weight_decay:g}",
        "margin": "grows from step {margin_from:,.0f} to {margin_full:,.0f}".format(
            **{name: share * train.steps for name, share in WARM_UP.items()}
        ),
        "threads": train.threads,
    }


def _result(loss: ToyLoss, recipe: Recipe, data: ToyData, start: Start, progress: Progress) -> LossResult:
    began = time.perf_counter()
    with torch_settings(recipe):
        learner, last_loss = _train(loss, recipe, data, start, progress)
        seconds = time.perf_counter() - began
        train, held_out = (_measured(learner, recipe, source) for source in (data.train, data.held_out))
    centers: Tensor = learner.head.centers  # type: ignore[assignment]
    kept = _margin_kept(learner.head, train)
    return LossResult(loss, centers.detach().numpy().copy(), train, held_out, kept, last_loss, seconds)


def _train(loss: ToyLoss, recipe: Recipe, data: ToyData, start: Start, progress: Progress) -> tuple[Learner, float]:
    """Return what was learned from the start on, and the mean loss of the last tenth."""
    learner, batches = start.learner(recipe), Batches(data.train, recipe, DEVICE)
    total = batches.total_steps
    steps = range(start.steps, total)
    losses = learn_steps(learner, recipe, batches, steps, lambda step, value: progress(loss.label, step, total, value))
    return learner, float(np.mean(losses[-max(total // 10, 1) :]))


def _measured(learner: Learner, recipe: Recipe, source: ArrayCrops) -> SplitResult:
    features = features_of(learner, recipe, source)
    right = decided(learner.head, features).argmax(dim=1).numpy() == source.labels
    values: FloatArray = features.numpy().copy()
    geometry = class_geometry(values, source.labels, len(source.identities))
    return SplitResult(values, source.labels, float(right.mean()), geometry)


def _margin_kept(head: nn.Module, split: SplitResult) -> float | None:
    """Return the share of the features that have their margin to the nearest other class; None for a head without."""
    inner = innermost(head)
    if not isinstance(inner, MarginHead):
        return None
    cosine = np.array(inner.cosine(torch.from_numpy(split.features)).double().numpy())
    rows = np.arange(len(cosine))
    own = np.arccos(np.clip(cosine[rows, split.labels], -1, 1))
    cosine[rows, split.labels] = -np.inf
    nearest = np.arccos(np.clip(cosine.max(axis=1), -1, 1))
    kept: BoolArray = TargetCurve(inner.margin).excess(own, nearest) > 0
    return float(kept.mean())
