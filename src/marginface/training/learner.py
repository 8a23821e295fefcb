"""What learns: backbone, head, optimizer and the average of the weights, one step at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from marginface import backbones, losses
from marginface.errors import CheckpointError, RecipeError
from marginface.losses.centers import ClassCenters
from marginface.losses.pairs import PairLoss
from marginface.losses.summed import without_terms
from marginface.training.averaging import WeightAverage
from marginface.training.batches import Batch
from marginface.training.centers_update import CentersUpdate, update_in_backward
from marginface.training.checkpoint import BACKBONE, Checkpoint
from marginface.training.optim import (
    build_optimizer,
    clip,
    load_optimizer_tensors,
    optimizer_tensors,
    set_learning_rate,
)
from marginface.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did: the mean loss, the gradient norm of the backbone before clipping, the features (N, D)."""

    loss: float
    gradient_norm: float
    features: Tensor


class Learner:
    """The networks and the optimizer of a run, on its device."""

    def __init__(self, recipe: Recipe, identities: int, device: torch.device) -> None:
        self._recipe = recipe
        self._device = device
        torch.manual_seed(recipe.train.seed)
        self.backbone = build_backbone(recipe).to(device)
        self.head = build_head(recipe, identities).to(device)
        if recipe.train.channels_last:
            self.backbone = self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average = WeightAverage(self.backbone, recipe.optim.ema) if recipe.optim.ema else None
        self._optimizer = build_optimizer(self.backbone, self.head, recipe.optim)
        self._centers = _centers_update(recipe, self.head, self._optimizer)
        self._forward: nn.Module = torch.compile(self.backbone) if recipe.train.compile else self.backbone  # type: ignore[assignment]
        self._half = recipe.train.precision == "bfloat16"

    @property
    def served(self) -> nn.Module:
        """Return the backbone that is evaluated and kept: the average where there is one."""
        return self.backbone if self._average is None else self._average.backbone

    @property
    def collapsed_loss(self) -> float | None:
        """Return the loss where all embeddings are equal, if the loss has one such number."""
        core = without_terms(self.head)
        return core.collapsed_loss if isinstance(core, losses.PairHead) else None

    @property
    def scale(self) -> float | None:
        """Return the scale of the head where it has a fixed one."""
        scale = getattr(self.head, "scale", None)
        return float(scale) if isinstance(scale, int | float) else None

    @property
    def is_softmax(self) -> bool:
        """Say whether a fresh head costs about ln C, as a softmax does; one with terms or of another kind does not."""
        return bool(getattr(self.head, "is_softmax", True))

    def learn(self, batch: Batch, step: int, *, learning_rate: float, margin_strength: float) -> StepResult:
        """Do one step: forward, head in float32, backward, clip, update, average."""
        if self._recipe.loss.margin_full > 0:
            self.head.margin_strength = margin_strength  # type: ignore[assignment]
        set_learning_rate(self._optimizer, learning_rate)
        self._optimizer.zero_grad(set_to_none=True)
        torch.manual_seed(step_seed(self._recipe.train.seed, step))
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            features: Tensor = self._forward(batch.images)
        features = features.float()
        loss: Tensor = self.head(features, batch.labels, step)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = clip(self.backbone, self._recipe.optim.clip_norm)
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self.backbone, step)
        return StepResult(loss.item(), norm, features.detach())

    def diagnostics(self, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the accuracy by cosine, without margin, and the mean cosine to the own class centre.

        Of a loss without centres: the similarities within the batch, and what the loss has to say about it.
        """
        if self._centers is not None:
            self._centers.catch_up()
        head: losses.PairHead | ClassCenters = without_terms(self.head)  # type: ignore[assignment]
        return head.diagnose(features, labels)

    def report(self, step: int) -> dict[str, float]:
        """Return what the head has to say at a step (its λ, its running statistics …), by name."""
        report: Mapping[str, float] = getattr(self.head, "report", lambda _step: {})(step)
        return dict(report)

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return everything a checkpoint holds, by file."""
        files = {
            BACKBONE: dict(self.served.state_dict()),
            "head": dict(self.head.state_dict()),
            "optimizer": optimizer_tensors(self._optimizer),
        }
        return files if self._average is None else {**files, "live": dict(self.backbone.state_dict())}

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint.

        Raises:
            CheckpointError: a tensor is missing, too many, or of another shape.
        """
        served, live = checkpoint.tensors(BACKBONE), checkpoint.tensors("live")
        _load(self.served, served, checkpoint)
        if self._average is not None:
            _load(self.backbone, live, checkpoint)
        _load(self.head, checkpoint.tensors("head"), checkpoint)
        load_optimizer_tensors(self._optimizer, checkpoint.tensors("optimizer"))


def step_seed(seed: int, step: int) -> int:
    """Return the seed of what a step draws (dropout, random margins): a counter, so that a resumed run needs no state.

    It does not depend on the head: two losses see the same masks, which is what makes their comparison a paired one.
    """
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0])  # torch's generator on a CPU keeps 32 bits


def build_backbone(recipe: Recipe) -> nn.Module:
    """Return the backbone of a recipe with fresh weights."""
    section = recipe.backbone
    backbone: nn.Module = backbones.build(
        section.name, embedding_size=section.embedding_size, input_size=section.input_size, **section.options
    )
    return backbone


def build_head(recipe: Recipe, identities: int) -> nn.Module:
    """Return the head of a recipe with fresh class centres.

    Raises:
        RecipeError: the recipe asks for a margin that grows and the loss has no margin_strength, or it has a pair loss
            and batches without pairs.
    """
    loss = recipe.loss
    head: nn.Module = losses.build(
        loss.name,
        num_classes=identities,
        embedding_size=recipe.backbone.embedding_size,
        scale=loss.scale,
        margin=loss.margin,
        gradient=loss.gradient,
        implementation=_implementation(recipe),
        multiply=loss.multiply,
        tiles=loss.tiles,
        sample_rate=loss.sample_rate,
        interclass_filter=loss.interclass_filter,
        terms=loss.terms,
        **loss.options,
    )
    if loss.margin_full > 0 and not hasattr(head, "margin_strength"):
        raise RecipeError(f"[loss] margin_full: {loss.name} has no margin that can grow; leave margin_full at 0")
    if isinstance(without_terms(head), losses.PairHead) and recipe.train.batch_images_per_identity == 0:
        raise RecipeError(
            f"[train] batch_images_per_identity: {loss.name} compares the images of a batch with each other, so a "
            "batch needs several images of each identity. Write batch_images_per_identity = 4 under [train], with a "
            f"batch_size that is a multiple of it; batch_size is {recipe.train.batch_size}"
        )
    return head


def _implementation(recipe: Recipe) -> str:
    """Return what [loss] asks for; a head that learns within the backward pass needs its classes in tiles."""
    asked = recipe.loss.implementation
    with_classes = not isinstance(losses.LOSSES[recipe.loss.name], PairLoss)
    return "chunked" if asked == "auto" and with_classes and recipe.optim.head_in_backward else asked


def _centers_update(recipe: Recipe, head: nn.Module, optimizer: Optimizer) -> CentersUpdate | None:
    """Return what lets the centres learn in the backward pass, where the recipe asks for it or draws classes."""
    optim, sampled = recipe.optim, recipe.loss.sample_rate < 1
    if not sampled:
        return update_in_backward(head, optimizer) if optim.head_in_backward else None
    unsampled = optim.unsampled_as
    return None if unsampled == "dense" else update_in_backward(head, optimizer, unsampled)


def _load(module: nn.Module, tensors: Mapping[str, Tensor], checkpoint: Checkpoint) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint.folder}: its tensors do not fit the recipe's {type(module).__name__}: {error}"
        ) from None
