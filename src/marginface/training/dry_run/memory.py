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
_PIXEL_BYTES = 1 + 2 * NUMBER  # as read, normalized, and the next batch normalized


@dataclass(frozen=True)
class StepMemory:
    """Bytes of a step.

    Attributes:
        fixed: what does not depend on the images, by part.
        per_image: of each image, from its forward to its backward pass.
        images: how many.
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
        """Return with how many images a step still fits; 0 where what is fixed does not."""
        return max(available - sum(self.fixed.values()), 0) // self.per_image


def head_for(recipe: Recipe, classes: int) -> Head | None:
    """Return the head of a recipe as training.plan has it; None for a loss without class centres."""
    return None if isinstance(LOSSES[recipe.loss.name], PairLoss) else head_of(recipe, classes)


def memory_of(recipe: Recipe, backbone: nn.Module, head: Head | None, cost: ImageCost) -> StepMemory:
    """Return the bytes of a step with the batch of a recipe."""
    weights = NUMBER * sum(parameter.numel() for parameter in backbone.parameters())
    optimizer = optimizer_of(recipe.optim)
    averages = int(recipe.optim.ema > 0)
    fixed = {"backbone": weights * (2 + optimizer.states + averages)}
    if head is not None:
        fixed["head"] = price(head, way_of(recipe, head), Machine(1, {})).peak.bytes
    pixels = 3 * recipe.backbone.input_size**2
    per_image = cost.kept_bytes + _PIXEL_BYTES * pixels
    return StepMemory(fixed, per_image, recipe.train.batch_size, update=weights * optimizer.copies)


def fitting_classes(recipe: Recipe, head: Head, available: int) -> int:
    """Return all classes where the head takes at most a quarter of the memory, else fewer that do."""
    part = Machine(max(available // SHARE, 1), {})
    while head.classes > 2 and not price(head, way_of(recipe, head), part).fits:
        head = replace(head, classes=min(head.classes // 2, FEWER_CLASSES))
    return head.classes
