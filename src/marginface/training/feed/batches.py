"""Batches: a pure function of (recipe, step), made ahead on threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from marginface.alignment import resize_crops
from marginface.data.augmentation.transforms import draw
from marginface.data.crops.encoded import read_together
from marginface.data.sampling.sampler import BalancedBatches, BlockOrder, IdentityBatches, batch_indices, block_starts
from marginface.data.source import CropSource
from marginface.errors import RecipeError
from marginface.geometry import CROP_SIZE
from marginface.training.feed.prefetch import default_workers, prefetched
from marginface.training.recipe import PackedData, Recipe
from marginface.training.schedule import length_of
from marginface.values import ImageArray, IntArray

WHOLE = slice(None)


@dataclass(frozen=True, slots=True)
class Batch:
    """Normalized images (N, 3, S, S) float32 and their labels (N,) int64, on the training device."""

    images: Tensor
    labels: Tensor

    def parts(self, count: int) -> Iterator[Batch]:
        """Yield so many parts of equal size."""
        for images, labels in zip(self.images.chunk(count), self.labels.chunk(count), strict=True):
            yield Batch(images, labels)


class Batches:
    """The batches of a run, or one part of each.

    Which images a step has and what their augmentation draws is decided for the whole batch, by seed and step; a part
    of it is these images of the whole, to the bit, however many parts there are and whoever loads them.

    Args:
        source: the crops.
        recipe: decides the rest.
        device: where the batches come to lie.
        part: which images of each batch of ``recipe.train.batch_size``.
    """

    def __init__(self, source: CropSource, recipe: Recipe, device: torch.device, part: slice = WHOLE) -> None:
        self._source = source
        self._recipe = recipe
        self._device = device
        self._part = part
        self._augmentation = recipe.augment.augmentation()
        self._sampler = _sampler(source, recipe)
        self.workers = recipe.data.workers or default_workers()
        self.ahead = recipe.data.prefetch or self.workers + 1
        length = length_of(recipe.train, len(source.labels))
        self.steps_per_epoch, self.total_steps = length.per_epoch, length.steps

    def load(self, step: int) -> Batch:
        """Return the batch of a step: its images and its augmentation depend on the seed and the step only."""
        indices = self.indices(step)
        pixels = to_tensor(self._source.read(indices), self._recipe.backbone.input_size).to(self._device)
        images = self.augmented(pixels, step)
        labels = torch.from_numpy(self._source.labels[indices]).to(self._device)
        return Batch(images, labels)

    def indices(self, step: int) -> IntArray:
        """Return which crops of the source a step has."""
        return self._sampler(step)[self._part]

    def augmented(self, pixels: Tensor, step: int) -> Tensor:
        """Return the images of a step, uint8 (N, 3, S, S), as the network gets them."""
        train, augment = self._recipe.train, self._recipe.augment
        draws = draw(train.batch_size, torch.Generator().manual_seed((train.seed << 32) + step))
        images = self._augmentation(pixels, draws.part(self._part), augment.strength_at(step / self.total_steps))
        layout = torch.channels_last if train.channels_last else torch.contiguous_format
        return images.contiguous(memory_format=layout)

    def from_step(self, first: int) -> Iterator[Batch]:
        """Yield the batches from a step to the end; the next ones are made while the last one is used."""
        return prefetched(self.load, range(first, self.total_steps), workers=self.workers, ahead=self.ahead)


def check_shares(recipe: Recipe, processes: int) -> None:
    """Raise RecipeError unless each process gets as many images as any other, in as many parts as asked for."""
    size, parts = recipe.train.batch_size, recipe.train.accumulate
    if size % (processes * parts):
        raise RecipeError(
            f"[train] batch_size is that of all processes together, and each takes an equal share in accumulate equal "
            f"parts: a multiple of {processes} × {parts}; got {size}"
        )


def _sampler(source: CropSource, recipe: Recipe) -> Callable[[int], IntArray]:
    """Return what gives the images of a step: by identity, balanced, or each once an epoch, by blocks or not."""
    labels, size, seed, data = source.labels, recipe.train.batch_size, recipe.train.seed, recipe.data
    by_identity = identity_batches(labels, recipe)
    if by_identity is not None:
        by_identity.batch(size, seed, 0)  # refuses what does not fit before the first step
        return lambda step: by_identity.batch(size, seed, step)
    if data.balance != 1:
        balanced = BalancedBatches(labels, data.balance)
        return lambda step: balanced.batch(size, seed, step)
    if isinstance(data, PackedData) and data.shuffle == "blocks":
        starts = block_starts(len(labels), data.shuffle_block, read_together(source))
        blocks = BlockOrder(starts, len(labels), data.shuffle_buffer)
        return lambda step: blocks.batch(size, seed, step)
    return lambda step: batch_indices(len(labels), size, seed, step)


def identity_batches(labels: IntArray, recipe: Recipe) -> IdentityBatches | None:
    """Return the batches of P × K of a recipe, None if it does not ask for them."""
    images = recipe.train.batch_images_per_identity
    return IdentityBatches(labels, images) if images else None


def to_tensor(crops: ImageArray, size: int) -> Tensor:
    """Return crops (N, 112, 112, 3) uint8 as a tensor (N, 3, S, S) uint8, shrunk by area."""
    resized = crops if size == CROP_SIZE else resize_crops(crops, size)
    return torch.from_numpy(resized).permute(0, 3, 1, 2)
