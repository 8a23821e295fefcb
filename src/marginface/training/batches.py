"""Batches: a pure function of (recipe, step), made one ahead on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.alignment import resize_crops
from marginface.data.sampler import BalancedBatches, IdentityBatches, batch_indices
from marginface.data.source import CropSource
from marginface.errors import RecipeError
from marginface.geometry import CROP_SIZE
from marginface.losses.sharded import Processes
from marginface.training.recipe import Recipe
from marginface.training.schedule import length_of
from marginface.values import ImageArray, IntArray


@dataclass(frozen=True, slots=True)
class Batch:
    """Normalized images (N, 3, S, S) float32 and their labels (N,) int64, on the training device."""

    images: Tensor
    labels: Tensor

    def parts(self, count: int) -> Iterator[Batch]:
        """Yield so many parts of equal size."""
        for images, labels in zip(self.images.chunk(count), self.labels.chunk(count), strict=True):
            yield Batch(images, labels)


ALONE = Processes(1, 0, None)


class Batches:
    """The batches of a run; of each, the part of this process, the same images for any number of processes.

    Raises:
        RecipeError: the batch cannot be shared out evenly.
    """

    def __init__(self, source: CropSource, recipe: Recipe, device: torch.device, processes: Processes = ALONE) -> None:
        _check_shares(recipe, processes.size)
        self._part = processes.own(recipe.train.batch_size)
        self._source = source
        self._recipe = recipe
        self._device = device
        self._augmentation = recipe.augment.augmentation()
        self._indices = _sampler(source.labels, recipe)
        length = length_of(recipe.train, len(source.labels))
        self.steps_per_epoch, self.total_steps = length.per_epoch, length.steps

    def load(self, step: int) -> Batch:
        """Return the batch of a step: its images and its augmentation depend on the seed and the step only."""
        train = self._recipe.train
        indices = self._indices(step)[self._part]
        pixels = to_tensor(self._source.read(indices), self._recipe.backbone.input_size).to(self._device)
        random = torch.Generator().manual_seed((train.seed << 32) + step)
        strength = self._recipe.augment.strength_at(step / self.total_steps)
        images = self._augmentation(pixels, random, strength, start=self._part.start, of=train.batch_size)
        layout = torch.channels_last if train.channels_last else torch.contiguous_format
        labels = torch.from_numpy(self._source.labels[indices]).to(self._device)
        return Batch(images.contiguous(memory_format=layout), labels)

    def from_step(self, first: int) -> Iterator[Batch]:
        """Yield the batches from a step to the end; the next one is made while the last one is used.

        The thread that makes them computes alone: a second team of OpenMP threads costs the training 5 to 14 %.
        """
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            ahead: Future[Batch] | None = pool.submit(self.load, first) if first < self.total_steps else None
            for step in range(first, self.total_steps):
                assert ahead is not None
                batch = ahead.result()
                ahead = pool.submit(self.load, step + 1) if step + 1 < self.total_steps else None
                yield batch


def _check_shares(recipe: Recipe, processes: int) -> None:
    """Raise RecipeError unless each process gets as many images as any other, in as many parts as asked for."""
    size, parts = recipe.train.batch_size, recipe.train.accumulate
    if size % (processes * parts):
        raise RecipeError(
            f"[train] batch_size is that of all processes together, and each takes an equal share in accumulate equal "
            f"parts: a multiple of {processes} × {parts}; got {size}"
        )


def _sampler(labels: IntArray, recipe: Recipe) -> Callable[[int], IntArray]:
    """Return what gives the images of a step: by identity, balanced, or each once an epoch."""
    size, seed, balance = recipe.train.batch_size, recipe.train.seed, recipe.data.balance
    by_identity = identity_batches(labels, recipe)
    if by_identity is not None:
        by_identity.batch(size, seed, 0)  # refuses what does not fit before the first step
        return lambda step: by_identity.batch(size, seed, step)
    if balance != 1:
        balanced = BalancedBatches(labels, balance)
        return lambda step: balanced.batch(size, seed, step)
    return lambda step: batch_indices(len(labels), size, seed, step)


def identity_batches(labels: IntArray, recipe: Recipe) -> IdentityBatches | None:
    """Return the batches of P × K of a recipe, None if it does not ask for them."""
    images = recipe.train.batch_images_per_identity
    return IdentityBatches(labels, images) if images else None


def to_tensor(crops: ImageArray, size: int) -> Tensor:
    """Return crops (N, 112, 112, 3) uint8 as a tensor (N, 3, S, S) uint8, shrunk by area."""
    resized = crops if size == CROP_SIZE else resize_crops(crops, size)
    return torch.from_numpy(resized).permute(0, 3, 1, 2)
