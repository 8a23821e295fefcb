"""A dry run: everything of a recipe is built, takes two steps on noise, and says what the training would take.

counts    identities and images: of the data, or as the recipe states them
cost      operations and kept bytes of the backbone, by image
memory    bytes of a step by part, and with how many images it runs out
steps     the two steps, with as many images and classes as this machine takes easily
rates     the learning rate over the run
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from marginface.training.devices import numbered
from marginface.training.dry_run.cost import ImageCost, cost_of
from marginface.training.dry_run.counts import Counts, counts_of
from marginface.training.dry_run.memory import StepMemory, fitting_classes, head_for, memory_of
from marginface.training.dry_run.rates import Rate, rates_of
from marginface.training.dry_run.steps import TwoSteps, fitting_images, noise, peak_memory, two_steps
from marginface.training.feed.batches import Batches, check_shares
from marginface.training.learning.learner import Learner
from marginface.training.loop.trainer import torch_settings
from marginface.training.plan import GIVEN, Head, Machine, multiply_rates, price, this_memory, way_of
from marginface.training.recipe import Recipe
from marginface.training.resolve import resolve, resolve_loss
from marginface.training.schedule import Length, length_of

__all__ = [
    "Checkpoints",
    "Counts",
    "DryRun",
    "ImageCost",
    "Length",
    "Limits",
    "Rate",
    "StepMemory",
    "TwoSteps",
    "dry_run",
]

OPERATIONS = {"cpu": 1.5e11, "cuda": 3e13}  # of the backbone in one of the two steps: some seconds of a core


@dataclass(frozen=True)
class Limits:
    """What the two steps may take, and what the plan reckons with.

    Attributes:
        memory: bytes of a process; None: as the device has.
        operations: of the backbone in one of the two steps; None: by the kind of device.
        gflops: multiply rate of the head, 1e9 a second; None: it is measured where it is needed.
    """

    memory: int | None = None
    operations: float | None = None
    gflops: float | None = None


@dataclass(frozen=True)
class Checkpoints:
    """How many checkpoints a run writes, the bytes of one, and how many stay."""

    written: int
    bytes: int
    kept: int


@dataclass(frozen=True)
class DryRun:
    """What was built, what two steps did, and what the whole training would take in one process here.

    Attributes:
        recipe: resolved.
        counts: identities and images.
        length: steps, and how many an epoch has.
        rates: the learning rate at the places where it changes.
        parameters: of the backbone.
        cost: of an image in the backbone.
        here: the two steps that were taken.
        memory_here: of these, predicted; bytes.
        memory: of a step with the batch and the classes of the recipe, in the parts of [train] accumulate.
        available: bytes of the device.
        step_seconds: of a step with the batch and the classes of the recipe, projected; reading images is not in it.
        checkpoints: how many, and how large.
    """

    recipe: Recipe
    counts: Counts
    length: Length
    rates: tuple[Rate, ...]
    parameters: int
    cost: ImageCost
    here: TwoSteps
    memory_here: StepMemory
    memory: StepMemory
    available: int
    step_seconds: float
    checkpoints: Checkpoints


def dry_run(recipe: Recipe, limits: Limits | None = None) -> DryRun:
    """Build a recipe, take two steps on noise, and return what the training would take; nothing is written.

    The data need not be here, see ``counts_of``. Where the head would take more than a quarter of the memory, or the
    batch more operations than the limits allow, the two steps have fewer classes and images; what is said of the
    recipe's own is computed, the time in proportion.

    Raises:
        DataError: the data is not here and the recipe states no counts.
        InputError: the recipe does not fit.
    """
    recipe = resolve(recipe)
    check_shares(recipe, processes=1)
    counts = counts_of(recipe)
    recipe = resolve_loss(recipe, counts.identities)
    length = length_of(recipe.train, counts.images)
    with torch_settings(recipe):
        return _built(recipe, counts, length, limits or Limits())


def _built(recipe: Recipe, counts: Counts, length: Length, limits: Limits) -> DryRun:
    device = numbered(recipe.train.device)
    available = _memory(device) if limits.memory is None else limits.memory
    head = head_for(recipe, counts.identities)
    classes = counts.identities if head is None else fitting_classes(recipe, head, available)
    whole = recipe.model_copy(update={"train": recipe.train.model_copy(update={"compile": False, "accumulate": 1})})
    with peak_memory(device) as peak:
        learner = Learner(whole, classes, device)
        cost = cost_of(learner.backbone, recipe)
        images = fitting_images(recipe, cost, available, limits.operations or OPERATIONS[device.type])
        smaller = whole.model_copy(update={"train": whole.train.model_copy(update={"batch_size": images})})
        batches = Batches(noise(smaller, classes), smaller, device)
        here = two_steps(learner, batches, recipe, length)
    here = replace(here, classes=classes, peak_bytes=peak.bytes)
    head_here = None if head is None else replace(head, classes=classes, batch=images)
    return DryRun(
        recipe=recipe,
        counts=counts,
        length=length,
        rates=rates_of(recipe, length),
        parameters=sum(parameter.numel() for parameter in learner.backbone.parameters()),
        cost=cost,
        here=here,
        memory_here=memory_of(smaller, learner.backbone, head_here, cost),
        memory=memory_of(recipe, learner.backbone, head, cost, ahead=batches.ahead),
        available=available,
        step_seconds=_projected(recipe, here, head, head_here, limits),
        checkpoints=_checkpoints(recipe, learner, length, counts.identities, classes),
    )


def _memory(device: torch.device) -> int:
    """Return the bytes of memory that a device has."""
    return int(torch.cuda.mem_get_info(device)[1]) if device.type == "cuda" else this_memory()


def _projected(recipe: Recipe, here: TwoSteps, head: Head | None, head_here: Head | None, limits: Limits) -> float:
    """Return the seconds of a step of the recipe: the one taken, by images; the head's products by classes."""
    scale = recipe.train.batch_size / here.images
    if head is None or head_here is None or head.classes == head_here.classes:
        return here.seconds * scale
    rates = multiply_rates(head.dim, head.batch) if limits.gflops is None else {GIVEN: limits.gflops}
    rate = {"products": rates.get(recipe.loss.multiply, limits.gflops or 1)}
    of_all, of_these = (
        price(each, way_of(recipe, each), Machine(1, rate)).seconds["products"] for each in (head, head_here)
    )
    return max(here.seconds - of_these, 0) * scale + of_all


def _checkpoints(recipe: Recipe, learner: Learner, length: Length, identities: int, classes: int) -> Checkpoints:
    """Return how many there will be and the bytes of one, tensors with a row for each class enlarged to all classes."""
    tensors = [tensor for file in learner.content().files.values() for tensor in file.values()]
    per_class = [tensor for tensor in tensors if tensor.ndim > 1 and len(tensor) == classes]
    rows, whole = sum(tensor.nbytes for tensor in per_class), sum(tensor.nbytes for tensor in tensors)
    every = recipe.train.checkpoint_every or length.steps
    written = -(-length.steps // every)
    return Checkpoints(
        written, whole - rows + rows * identities // classes, min(recipe.train.keep_checkpoints, written)
    )
