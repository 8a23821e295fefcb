"""What an image costs in a backbone: operations of a forward pass, and bytes kept for the backward pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from marginface.backbones.size import size_of
from marginface.training.recipe import Recipe

_FEW, _MORE = 2, 4  # images: what grows from one to the other belongs to images, the rest to weights


@dataclass(frozen=True)
class ImageCost:
    """Operations of the forward pass (a multiplication and its addition are two) and kept bytes, of one image."""

    operations: int
    kept_bytes: int


def cost_of(backbone: nn.Module, recipe: Recipe) -> ImageCost:
    """Return the cost of an image in training; the bytes are those of forward passes of 2 and 4 images."""
    few, more = (_kept_bytes(backbone, recipe, _images(recipe, count)) for count in (_FEW, _MORE))
    size = size_of(backbone, recipe.backbone.input_size)
    return ImageCost(2 * size.multiply_adds, (more - few) // (_MORE - _FEW))


def _images(recipe: Recipe, count: int) -> Tensor:
    size, train = recipe.backbone.input_size, recipe.train
    layout = torch.channels_last if train.channels_last else torch.contiguous_format
    return torch.randn(count, 3, size, size, device=train.device).contiguous(memory_format=layout)


def _kept_bytes(backbone: nn.Module, recipe: Recipe, images: Tensor) -> int:
    """Return the bytes that a forward pass keeps, each piece of memory once."""
    train = recipe.train
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast(train.device, torch.bfloat16, enabled=train.precision == "bfloat16"),
    ):
        features = backbone(images)
    del features  # not before: what is kept must stay apart in memory
    return sum(kept.values())
