"""Bytes of a training step, by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from marginface.losses import LOSSES
from marginface.losses.pairs import PairLoss
from marginface.training.dry_run.cost import ImageCost
from marginface.training.plan import Head, Machine, head_of, price, way_of
from marginface.training.plan.head import NUMBER, optimizer_of
from marginface.training.recipe import Recipe

SHARE = 4  # a quarter of the memory is for the head of a dry run
FEWER_CLASSES = 100_000  # that it takes where all do not fit


@dataclass(frozen=True)
class StepMemory:
    """Bytes of a step.

    Attributes:
        fixed: what does not depend on the images, by part.
        per_image: of each image, from its forward to its backward pass.
        images: how many go through the network together.
        update: what the optimizer needs besides while it updates the backbone; the images are gone by then.
    """

    fixed: Mapping[str, int]
    per_image: int
    images: int
    update: int = 0

    @property
    def bytes(self) -> int:
        """At the peak: when the backward pass begins, or while the optimizer updates."""
        return sum(self.fixed.values()) + max(self.per_image * self.images, self.update)

    def images_in(self, available: int) -> int:
        """Return with how many images together a step still fits; 0 where what is fixed does not."""
        return max(available - sum(self.fixed.values()), 0) // self.per_image


def head_for(recipe: Recipe, classes: int) -> Head | None:
    """Return the head of a recipe as training.plan has it; None for a loss without class centers."""
    return None if isinstance(LOSSES[recipe.loss.name], PairLoss) else head_of(recipe, classes)


def memory_of(recipe: Recipe, backbone: nn.Module, head: Head | None, cost: ImageCost, *, ahead: int = 1) -> StepMemory:
    """Return the bytes of a step with the batch of a recipe, while ``ahead`` more batches wait.

    Of a batch in parts (train.accumulate) the network keeps one part at a time, the pixels are those of all, and the
    gradient of the centers by the parts before is there while that of the next is made.
    """
    parts = recipe.train.accumulate
    weights = NUMBER * sum(parameter.numel() for parameter in backbone.parameters())
    optimizer = optimizer_of(recipe.optim)
    averages = int(recipe.optim.ema > 0)
    fixed = {"backbone": weights * (2 + optimizer.states + averages)}
    if head is not None:
        met = replace(head, batch=head.batch // parts)
        before = NUMBER * head.classes * head.sub_centers * head.dim if parts > 1 else 0
        fixed["head"] = price(met, way_of(recipe, met), Machine(1, {})).peak.bytes + before
    pixels = 3 * recipe.backbone.input_size**2 * (1 + (1 + ahead) * NUMBER)  # as read, and normalized
    if parts > 1:
        fixed["batches"] = pixels * recipe.train.batch_size
    per_image = cost.kept_bytes + (pixels if parts == 1 else 0)
    return StepMemory(fixed, per_image, recipe.train.batch_size // parts, update=weights * optimizer.copies)


def fitting_classes(recipe: Recipe, head: Head, available: int) -> int:
    """Return all classes where the head takes at most a quarter of the memory, else fewer that do."""
    part = Machine(max(available // SHARE, 1), {})
    while head.classes > 2 and not price(head, way_of(recipe, head), part).fits:
        head = replace(head, classes=min(head.classes // 2, FEWER_CLASSES))
    return head.classes
