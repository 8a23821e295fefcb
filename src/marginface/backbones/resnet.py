"""ResNet-18 for small trainings on a CPU: half the channels of IResNet-18, two batch norms a block and one slope.

Source: He et al., "Deep Residual Learning", CVPR 2016, arXiv:1512.03385: the block conv-BN-activation-conv-BN with the
activation after the sum, without the four-fold shrinking at the start, which a small face does not survive. LeakyReLU
of slope 0.25 is where PReLU begins. The missing batch norm before each block and the fixed slope are what makes it
faster on a CPU than IResNet (docs/experiments.md).
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, check_width_and_dropout, grid_size, scaled
from marginface.backbones.projection import Projection

STEM_CHANNELS = 32
STAGE_CHANNELS = (32, 64, 128, 256)
BLOCKS = 2
SLOPE = 0.25


class BasicBlock(nn.Module):
    """Conv 3×3 with the stride, BN, LeakyReLU, conv 3×3, BN; plus the input or a 1×1 conv of it; LeakyReLU."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, channels, H / stride, W / stride)."""
        total: Tensor = self.activation(self.residual(maps) + self.shortcut(maps))
        return total


class ResNet18(nn.Module):
    """Images (N, 3, S, S) → features (N, D); 3.4 M parameters at S = 48, D = 256.

    Args:
        embedding_size: D.
        input_size: S, a multiple of 16.
        width: multiplier of all channel counts, rounded to multiples of 8.
        dropout: share of the last feature map set to zero in training.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, *, embedding_size: int, input_size: int, width: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()
        check_width_and_dropout(width, dropout)
        self.input_size = input_size
        grid = grid_size(input_size)
        channels = [scaled(count, width) for count in (STEM_CHANNELS, *STAGE_CHANNELS)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.LeakyReLU(SLOPE)
        )
        blocks: list[nn.Module] = []
        for before, after in pairwise(channels):
            blocks += [BasicBlock(before, after, stride=2)]
            blocks += [BasicBlock(after, after, stride=1) for _ in range(BLOCKS - 1)]
        self.stages = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(channels[-1]), nn.Dropout(dropout))
        self.projection = Projection(channels[-1] * grid**2, embedding_size, bias=True, learned_scale=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        maps = self.stages(self.stem(check_batch(images, self.input_size)))
        features: Tensor = self.projection(self.last(maps))
        return features
