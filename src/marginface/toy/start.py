"""The start that all losses of a study share: a short softmax training, then class centers where the classes are.

With two features the start decides. Fresh centers are about 0.014 long, so that the first step of a loss over cosines,
whose gradient by a center is divided by the length of that center, throws all of them to where the features of a fresh
network happen to point, and makes them up to 50 long. A center that long hardly turns any more: several classes stay on
one place for good. Plain softmax does not divide by the length and escapes. So every loss, softmax too, begins with the
same network, one that a softmax has trained until its features part, and with class centers of length 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from marginface.data.augmentation.transforms import normalize
from marginface.data.source import ArrayCrops
from marginface.toy.data import ToyData
from marginface.toy.entries import WARM_UP, innermost, is_plain
from marginface.training import Recipe
from marginface.training.feed.batches import Batches, to_tensor
from marginface.training.learning.learner import Learner
from marginface.training.loop.divergence import LossWatch
from marginface.training.schedule import learning_rate_factor, margin_strength
from marginface.words import percent

DEVICE = torch.device("cpu")  # so small a training is over before a graphics card has warmed up
SHARE = 0.3  # of the steps are the softmax of the start
REGROWTH = 0.2  # of the steps, after the start: the learning rate grows again, or a new head undoes what was learned
EVALUATED = 256  # images at once
START_LABEL = "the start of all losses"
Progress = Callable[[str, int, int, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where every loss begins.

    Attributes:
        steps: that were spent on it; a loss goes on from there.
        backbone: the weights of the network, by name.
        centers: (C, D), the mean direction of the training features of each class, length 1.
        accuracy: share of the training images that the softmax decides right.
    """

    steps: int
    backbone: Mapping[str, Tensor]
    centers: Tensor
    accuracy: float

    @property
    def description(self) -> str:
        """Return what was done, in words."""
        return (
            f"the first {self.steps:,} steps are one softmax training for all losses ({percent(self.accuracy, 1)} of "
            "the training images right at its end); every loss goes on from its network, with a fresh head whose class "
            "centers are the mean directions of the classes, length 1"
        )

    def learner(self, recipe: Recipe) -> Learner:
        """Return the learner of a loss at this start: the network, fresh head and optimizer, centers put in place."""
        learner = Learner(recipe, len(self.centers), DEVICE)
        learner.backbone.load_state_dict(self.backbone)
        centers: Tensor = innermost(learner.head).centers  # type: ignore[assignment]
        with torch.no_grad():
            centers.copy_(self.centers)
        return learner


def make_start(recipe: Recipe, data: ToyData, progress: Progress) -> Start:
    """Train softmax for the first steps of a run.

    Args:
        recipe: of softmax, for the whole run.
        data: what to train on.
        progress: called after each step.

    Raises:
        TrainingDiverged: a loss is not finite or runs away.
    """
    learner = Learner(recipe, len(data.classes), DEVICE)
    batches = Batches(data.train, recipe, DEVICE)
    steps = start_steps(batches.total_steps)
    learn_steps(learner, recipe, batches, range(steps), lambda step, loss: progress(START_LABEL, step, steps, loss))
    features = features_of(learner, recipe, data.train)
    labels = torch.tensor(data.train.labels)
    right = (decided(learner.head, features).argmax(dim=1) == labels).float().mean().item()
    weights = {name: tensor.clone() for name, tensor in learner.backbone.state_dict().items()}
    return Start(steps, weights, mean_directions(features, labels, len(data.classes)), right)


def start_steps(total: int) -> int:
    """Return how many of the steps are the start."""
    return round(SHARE * total)


def mean_directions(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return the mean direction of each class (C, D), length 1; 0 where a class has no direction."""
    directions = functional.normalize(features, dim=1)
    means = [directions[labels == label].sum(dim=0) for label in range(classes)]
    return functional.normalize(torch.stack(means), dim=1)


def rate_factor(recipe: Recipe, step: int, batches: Batches) -> float:
    """Return the factor of the learning rate: that of the recipe, and after the start a second warm-up."""
    total = batches.total_steps
    factor = learning_rate_factor(recipe.schedule, step, total, batches.steps_per_epoch)
    since, growing = step - start_steps(total), round(REGROWTH * total)
    return factor * (since + 1) / growing if 0 <= since < growing else factor


def learn_steps(
    learner: Learner, recipe: Recipe, batches: Batches, steps: range, progress: Callable[[int, float], None]
) -> list[float]:
    """Do some of the steps of a run and return their losses.

    Raises:
        TrainingDiverged: a loss is not finite or runs away.
    """
    total, watch, losses = batches.total_steps, LossWatch(), []
    for step, batch in zip(steps, batches.from_step(steps.start), strict=False):
        rate = recipe.optim.learning_rate * rate_factor(recipe, step, batches)
        found = learner.learn(
            batch, step, learning_rate=rate, margin_strength=margin_strength(recipe.loss, step, total)
        )
        watch.check(step, found.loss, settling=step < total * WARM_UP["margin_full"])
        losses.append(found.loss)
        progress(step + 1, found.loss)
    return losses


@torch.inference_mode()
def features_of(learner: Learner, recipe: Recipe, source: ArrayCrops) -> Tensor:
    """Return the features (N, D) of images as they are, without augmentation."""
    learner.backbone.eval()
    parts = np.array_split(np.arange(len(source.labels)), len(source.labels) // EVALUATED + 1)
    size = recipe.backbone.input_size
    return torch.cat([learner.backbone(normalize(to_tensor(source.read(part), size))) for part in parts])


@torch.inference_mode()
def decided(head: nn.Module, features: Tensor) -> Tensor:
    """Return what a head decides by (N, C): W·x + b of plain softmax, the cosine of any other."""
    inner = innermost(head)
    if is_plain(head):
        return functional.linear(features, inner.centers, inner.bias)  # type: ignore[arg-type]
    cosine: Tensor = head.cosine(features)  # type: ignore[operator]
    return cosine
