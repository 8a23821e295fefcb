"""Two steps of training on noise, their time, and the memory of the process meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from marginface.data.source import ArrayCrops
from marginface.geometry import CROP_SIZE
from marginface.training.dry_run.cost import ImageCost
from marginface.training.feed.batches import Batches
from marginface.training.learning.learner import Learner
from marginface.training.recipe import Recipe
from marginface.training.schedule import Length, learning_rate_factor, margin_strength

_PASSES = 3  # a step is about three forward passes
_SHARE = 4  # a quarter of the memory is for the images
_PROCESS = Path("/proc/self")


@dataclass(frozen=True)
class TwoSteps:
    """What was taken: images and classes of each step, both losses, seconds of the second, peak bytes where known."""

    images: int
    losses: tuple[float, float]
    seconds: float
    classes: int = 0
    peak_bytes: int | None = None


@dataclass
class Peak:
    """The most bytes that were in use within peak_memory; None where the system does not say."""

    bytes: int | None = None


def fitting_images(recipe: Recipe, cost: ImageCost, available: int, operations: float) -> int:
    """Return the batch of the recipe, or fewer images: as many as the operations and a quarter of the memory allow."""
    most = min(operations / (_PASSES * max(cost.operations, 1)), available / (_SHARE * max(cost.kept_bytes, 1)))
    together = max(recipe.train.batch_images_per_identity, 1)
    groups = max(int(most) // together, 2)
    return min(groups * together, recipe.train.batch_size)


def noise(recipe: Recipe, classes: int) -> ArrayCrops:
    """Return a batch of random pixels, as many of each identity as the recipe wants together."""
    count, together = recipe.train.batch_size, max(recipe.train.batch_images_per_identity, 1)
    labels = np.arange(count) // together % classes
    crops = np.random.default_rng(0).integers(0, 256, (count, CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
    return ArrayCrops(crops, labels, tuple(str(label) for label in range(labels.max() + 1)))


def two_steps(learner: Learner, batches: Batches, recipe: Recipe, length: Length) -> TwoSteps:
    """Take the first two steps of a training of this length; the second is timed, without reading its images."""
    alone = recipe.train.device == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter  # the first: without what others take of the core
    losses, seconds = [], 0.0
    for step in range(2):
        batch = batches.load(step)
        rate = recipe.optim.learning_rate * learning_rate_factor(recipe.schedule, step, length.steps, length.per_epoch)
        strength = margin_strength(recipe.loss, step, length.steps)
        begun = clock()
        losses.append(learner.learn(batch, step, learning_rate=rate, margin_strength=strength).loss)
        seconds = clock() - begun
    return TwoSteps(len(batch.labels), (losses[0], losses[1]), seconds)


@contextmanager
def peak_memory(device: torch.device) -> Iterator[Peak]:
    """Measure the most memory that is used within, above what was used before: of the device, or of this process."""
    peak = Peak()
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
        return
    known = _forget_peak()
    resident = _process_bytes("VmRSS:")
    yield peak
    most = _process_bytes("VmHWM:")
    peak.bytes = most - resident if known and most is not None and resident is not None else None


def _forget_peak() -> bool:
    """Let the system count the peak of this process anew; say whether it does (Linux)."""
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _process_bytes(key: str) -> int | None:
    try:
        lines = (_PROCESS / "status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(key)), None)
