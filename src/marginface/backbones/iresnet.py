"""IResNet, the residual network of most published face recognizers.

Source: the block BN-conv-BN-PReLU-conv-BN is from Deng et al., "ArcFace", CVPR 2019, arXiv:1801.07698, section 3.1
(after Han et al., arXiv:1610.02915); layer counts and initial values as in insightface. The first convolution has no
stride, so that a 112×112 face reaches the first stage in full.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, check_width_and_dropout, grid_size, scaled
from marginface.backbones.layers import PReLU
from marginface.backbones.projection import Projection

STAGE_CHANNELS = (64, 128, 256, 512)


class Block(nn.Module):
    """Residual block: BN, conv 3×3, BN, PReLU, conv 3×3 with the stride, BN; plus the input or a 1×1 conv of it."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, channels, H / stride, W / stride)."""
        total: Tensor = self.residual(maps) + self.shortcut(maps)
        return total


def _stage(in_channels: int, channels: int, blocks: int) -> nn.Sequential:
    first = Block(in_channels, channels, stride=2)
    return nn.Sequential(first, *(Block(channels, channels, stride=1) for _ in range(blocks - 1)))


class IResNet(nn.Module):
    """Images (N, 3, S, S) → features (N, D).

    Args:
        blocks: residual blocks in each of the four stages.
        embedding_size: D.
        input_size: S, a multiple of 16.
        width: multiplier of all channel counts, rounded to multiples of 8.
        dropout: share of the last feature map set to zero in training.
        learned_scale: whether the weight of the last batch normalization is learned. Else it stays at 1, which holds
            the mean feature norm near √D, as insightface does; MagFace needs norms that can grow.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self,
        blocks: tuple[int, int, int, int],
        *,
        embedding_size: int,
        input_size: int,
        width: float = 1.0,
        dropout: float = 0.0,
        learned_scale: bool = False,
    ) -> None:
        super().__init__()
        check_width_and_dropout(width, dropout)
        self.input_size = input_size
        grid = grid_size(input_size)
        channels = [scaled(c, width) for c in (STAGE_CHANNELS[0], *STAGE_CHANNELS)]
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0]), PReLU(channels[0])
        )
        self.stages = nn.Sequential(
            *(_stage(before, after, n) for before, after, n in zip(channels, channels[1:], blocks, strict=False))
        )
        self.last = nn.Sequential(nn.BatchNorm2d(channels[-1]), nn.Dropout(dropout))
        self.projection = Projection(channels[-1] * grid**2, embedding_size, bias=True, learned_scale=learned_scale)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, 0.1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        maps = self.stages(self.stem(check_batch(images, self.input_size)))
        features: Tensor = self.projection(self.last(maps))
        return features


iresnet18 = partial(IResNet, (2, 2, 2, 2))  # 24.0 M parameters at 112
iresnet34 = partial(IResNet, (3, 4, 6, 3))  # 34.1 M
iresnet50 = partial(IResNet, (3, 4, 14, 3))  # 43.6 M
iresnet100 = partial(IResNet, (3, 13, 30, 3))  # 65.2 M
iresnet200 = partial(IResNet, (6, 26, 60, 6))  # 118.8 M
