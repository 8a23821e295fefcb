"""A small network for demos, tests and two-dimensional pictures: hundreds of images a second on two cores.

It is our own and has no published figures. A patch convolution takes the image to a quarter, two strided stages to a
sixteenth, a global depthwise convolution to one vector. TinyLinear ends without normalization, as the networks of the
articles that draw features in the plane do: the length of a feature is then free.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, grid_size, scaled
from marginface.backbones.layers import PReLU
from marginface.backbones.projection import Projection
from marginface.errors import InputError

SMALL, MIDDLE, LARGE = 32, 64, 128  # channels at width 1


def _conv(
    in_channels: int, channels: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
        PReLU(channels),
    )


def _maps(input_size: int, width: float) -> nn.Sequential:
    """Return the convolutions: images (N, 3, S, S) → (N, 128·width, 1, 1)."""
    if not width > 0:
        raise InputError(f"width is above 0; got {width}")
    small, middle, large = (scaled(channels, width) for channels in (SMALL, MIDDLE, LARGE))
    return nn.Sequential(
        _conv(3, small, 4, stride=4),
        _conv(small, middle, 3, stride=2, padding=1),
        _conv(middle, large, 3, stride=2, padding=1),
        _conv(large, large, 3, padding=1),
        _conv(large, large, grid_size(input_size), groups=large),
    )


class Tiny(nn.Module):
    """Images (N, 3, S, S) → features (N, D); about 0.3 M parameters at width 1, D = 128.

    Args:
        embedding_size: D; 2 makes features that can be drawn.
        input_size: S, a multiple of 16.
        width: multiplier of all channel counts, rounded to multiples of 8.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, *, embedding_size: int, input_size: int, width: float = 1.0) -> None:
        super().__init__()
        self.input_size = input_size
        self.maps = _maps(input_size, width)
        self.projection = Projection(scaled(LARGE, width), embedding_size, bias=False, learned_scale=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        features: Tensor = self.projection(self.maps(check_batch(images, self.input_size)))
        return features


class TinyLinear(nn.Module):
    """Tiny with a bare linear layer at its end: features (N, D) of any length, for pictures of features.

    Args:
        embedding_size: D, usually 2 or 3.
        input_size: S, a multiple of 16.
        width: multiplier of all channel counts, rounded to multiples of 8.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, *, embedding_size: int, input_size: int, width: float = 1.0) -> None:
        super().__init__()
        self.input_size = input_size
        self.maps = _maps(input_size, width)
        self.projection = nn.Linear(scaled(LARGE, width), embedding_size, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        maps = self.maps(check_batch(images, self.input_size))
        with torch.autocast(maps.device.type, enabled=False):  # as in Projection: features leave in float32
            features: Tensor = self.projection(maps.flatten(1).to(self.projection.weight.dtype))
        return features
