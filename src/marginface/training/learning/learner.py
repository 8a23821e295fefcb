"""What learns: backbone, head, optimizer and the average of the weights, one step at a time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from marginface import backbones, losses
from marginface.errors import CheckpointError, RecipeError
from marginface.losses.centers import ClassCenters
from marginface.losses.pairs import PairLoss
from marginface.losses.sharded import ALONE, Processes
from marginface.losses.summed import without_terms
from marginface.training.distributed.backbone import mean_statistics, over_processes
from marginface.training.distributed.class_rows import HEAD, OPTIMIZER, rows_here
from marginface.training.feed.batches import Batch
from marginface.training.folder.checkpoint import BACKBONE, Checkpoint, Content
from marginface.training.learning.averaging import WeightAverage
from marginface.training.learning.centers_update import CentersUpdate, update_in_backward
from marginface.training.learning.freezing import freeze
from marginface.training.learning.optim import (
    build_optimizer,
    clip,
    load_optimizer_tensors,
    optimizer_tensors,
    set_learning_rate,
)
from marginface.training.learning.weighted import check_can_weigh, loss_of, weights_of
from marginface.training.learning.whole_batch import keep_alike, loss_of_whole_batch
from marginface.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did: the mean loss, the gradient norm of the backbone before clipping, the features (N, D).

    Loss and features are those of this process's part of the batch.
    """

    loss: float
    gradient_norm: float
    features: Tensor


class Learner:
    """The networks and the optimizer of a run, on its device; of several processes each has one.

    The backbone is the same in all. The classes of the head are spread where the loss allows it, else each has all of
    them and computes the loss of the whole batch.
    """

    def __init__(self, recipe: Recipe, identities: int, device: torch.device, processes: Processes = ALONE) -> None:
        self._recipe = recipe
        self._device = device
        self._processes = processes
        torch.manual_seed(recipe.train.seed)
        self.backbone = build_backbone(recipe).to(device)
        freeze(self.backbone, recipe.start.freeze)
        self.head = build_head(recipe, identities, processes.size).to(device)
        check_can_weigh(self.backbone, self.head)
        if recipe.train.channels_last:
            self.backbone = self.backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._average = WeightAverage(self.backbone, recipe.optim.ema) if recipe.optim.ema else None
        self._optimizer = build_optimizer(self.backbone, self.head, recipe.optim, recipe.start.rates)
        self._centers = _centers_update(recipe, self.head, self._optimizer)
        self._rows = rows_here(self.head, self._optimizer)
        if self._rows is None:
            keep_alike(self.head, processes)
        self._spread = over_processes(self.backbone, processes, device)
        self._forward: nn.Module = torch.compile(self._spread) if recipe.train.compile else self._spread  # type: ignore[assignment]
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
        """Do one step: forward, head in float32, backward, clip, update, average.

        With train.accumulate the batch goes through in parts, whose gradients are averaged.
        """
        if self._recipe.loss.margin_full > 0:
            self.head.margin_strength = margin_strength  # type: ignore[assignment]
        set_learning_rate(self._optimizer, learning_rate)
        self._optimizer.zero_grad(set_to_none=True)
        count = self._recipe.train.accumulate
        found = [self._learn_part(part, step, place) for place, part in enumerate(batch.parts(count))]
        norm = clip(self.backbone, self._recipe.optim.clip_norm)
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self.backbone, step)
        loss = sum(loss for loss, _ in found) / count
        return StepResult(loss, norm, torch.cat([features for _, features in found]))

    def _learn_part(self, part: Batch, step: int, place: int) -> tuple[float, Tensor]:
        """Add the gradients of a part of the batch; return its loss and its features.

        What the backbone draws is this process's own, what the head draws is the same in all.
        """
        seed, rank = self._recipe.train.seed, self._processes.rank
        count = self._recipe.train.accumulate
        with self._gradients_kept_here() if place + 1 < count else nullcontext():
            torch.manual_seed(step_seed(seed, step, 1 + rank, place))
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
                features: Tensor = self._forward(part.images)
            features = features.float()
            torch.manual_seed(step_seed(seed, step, 0, place))
            loss = self._loss(features, part.labels, step)
            (loss / count).backward()  # type: ignore[no-untyped-call]
        return loss.item(), features.detach()

    def _loss(self, features: Tensor, labels: Tensor, step: int) -> Tensor:
        weights = weights_of(self.backbone)
        if self._rows is None:
            return loss_of_whole_batch(self.head, features, labels, step, self._processes, weights)
        return loss_of(self.head, features, labels, step, weights)

    def _gradients_kept_here(self) -> AbstractContextManager[None]:
        """Return a context whose backward passes leave the gradients of the backbone with this process."""
        spread = self._spread
        return spread.no_sync() if isinstance(spread, DistributedDataParallel) else nullcontext()

    def diagnostics(self, features: Tensor, labels: Tensor) -> dict[str, float]:
        """Return the accuracy by cosine, without margin, and the mean cosine to the own class center.

        Of a loss without centers: the similarities within the batch, and what the loss has to say about it. All
        processes call it; the numbers are those of the whole batch.
        """
        if self._centers is not None:
            self._centers.catch_up()
        features, labels = (self._processes.gathered(mine).flatten(0, 1) for mine in (features, labels))
        head: losses.PairHead | ClassCenters = without_terms(self.head)  # type: ignore[assignment]
        return head.diagnose(features, labels)

    def mean_statistics(self) -> None:
        """Give all processes the mean of their batch norms' running statistics, before these are used or kept."""
        mean_statistics(self.backbone, self._processes)
        if self._average is not None:
            mean_statistics(self._average.backbone, self._processes)

    def report(self, step: int) -> dict[str, float]:
        """Return what the head has to say at a step (its λ, its running statistics …), by name."""
        report: Mapping[str, float] = getattr(self.head, "report", lambda _step: {})(step)
        return dict(report)

    def content(self) -> Content:
        """Return everything a checkpoint holds of this process."""
        files = {
            BACKBONE: dict(self.served.state_dict()),
            HEAD: dict(self.head.state_dict()),
            OPTIMIZER: optimizer_tensors(self._optimizer),
        }
        if self._average is not None:
            files["live"] = dict(self.backbone.state_dict())
        return Content(files) if self._rows is None else Content(self._rows.set_apart(files), self._rows)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over a checkpoint.

        Raises:
            CheckpointError: a tensor is missing, too many, or of another shape.
        """
        served, live = checkpoint.tensors(BACKBONE), checkpoint.tensors("live")
        _load(self.served, served, checkpoint)
        if self._average is not None:
            _load(self.backbone, live, checkpoint)
        _load(self.head, checkpoint.tensors(HEAD, self._rows), checkpoint)
        load_optimizer_tensors(self._optimizer, checkpoint.tensors(OPTIMIZER, self._rows))


def step_seed(seed: int, step: int, stream: int, place: int) -> int:
    """Return the seed of what a step draws (dropout, random margins): a counter, so that a resumed run needs no state.

    It does not depend on the head: two losses see the same masks, which is what makes their comparison a paired one.

    Args:
        seed: of the run.
        step: of the run.
        stream: 0 for the head, 1 + rank for the backbone of a process.
        place: of a part among those of the batch.
    """
    drawn = np.random.SeedSequence((seed, step, stream, place)).generate_state(1)
    return int(drawn[0])  # torch's generator on a CPU keeps 32 bits


def build_backbone(recipe: Recipe) -> nn.Module:
    """Return the backbone of a recipe with fresh weights."""
    section = recipe.backbone
    backbone: nn.Module = backbones.build(
        section.name, embedding_size=section.embedding_size, input_size=section.input_size, **section.options
    )
    return backbone


def build_head(recipe: Recipe, identities: int, processes: int = 1) -> nn.Module:
    """Return the head of a recipe with fresh class centers, its classes spread over the processes where it can be.

    Raises:
        RecipeError: the recipe asks for a margin that grows and the loss has no margin_strength, or it has a pair loss
            and batches without pairs, or in parts.
    """
    if recipe.loss.implementation == "auto" and 1 < processes <= identities:
        with torch.device("meta"):  # shapes without memory
            can_spread = losses.spreads(build_head(recipe, identities))
        if can_spread:
            spread = recipe.loss.model_copy(update={"implementation": "sharded"})
            return build_head(recipe.model_copy(update={"loss": spread}), identities)
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
    if isinstance(without_terms(head), losses.PairHead) and recipe.train.accumulate > 1:
        raise RecipeError(
            f"[train] accumulate: {loss.name} compares the images of a batch with each other, so parts of a batch have "
            "another loss than the whole: leave accumulate at 1"
        )
    return head


def _implementation(recipe: Recipe) -> str:
    """Return what [loss] asks for; a head that learns within the backward pass needs its classes in tiles."""
    asked = recipe.loss.implementation
    with_classes = not isinstance(losses.LOSSES[recipe.loss.name], PairLoss)
    return "chunked" if asked == "auto" and with_classes and recipe.optim.head_in_backward else asked


def _centers_update(recipe: Recipe, head: nn.Module, optimizer: Optimizer) -> CentersUpdate | None:
    """Return what lets the centers learn in the backward pass, where the recipe asks for it or draws classes."""
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
