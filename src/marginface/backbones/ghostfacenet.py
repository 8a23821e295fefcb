"""GhostFaceNet V1: half of the maps by a 1×1 convolution, the other half by a cheap depthwise one of the first.

Source: Alansari et al., "GhostFaceNets", IEEE Access 11, 2023, doi:10.1109/ACCESS.2023.3266068: the network of Han et
al., "GhostNet", CVPR 2020, arXiv:1911.11907, with PReLU for ReLU and a global depthwise convolution for the pooling;
``stride`` is that of the first convolution (the papers' GhostFaceNetV1-1 and V1-2). Where the two differ, this is their
code: the last 1×1 convolution is 512·width wide, the hidden width of the last bottleneck too, and a residual path that
changes size has the kernel of its bottleneck.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, grid_size
from marginface.backbones.layers import PReLU, StridedDepthwise
from marginface.backbones.projection import Projection
from marginface.errors import InputError

STEM_CHANNELS, LAST_CHANNELS = 16, 512


class Row(NamedTuple):
    """A bottleneck: kernel of its depthwise convolutions, hidden and output channels at width 1, stride.

    ``squeezed`` is the share of the hidden channels in the middle of its squeeze-and-excitation; 0: it has none.
    """

    kernel: int
    hidden: int
    channels: int
    squeezed: float
    stride: int


ROWS = (
    Row(3, 16, 16, 0, 1),
    Row(3, 48, 24, 0, 2),
    Row(3, 72, 24, 0, 1),
    Row(5, 72, 40, 0.25, 2),
    Row(5, 120, 40, 0.25, 1),
    Row(3, 240, 80, 0, 2),
    Row(3, 200, 80, 0, 1),
    Row(3, 184, 80, 0, 1),
    Row(3, 184, 80, 0, 1),
    Row(3, 480, 112, 0.25, 1),
    Row(3, 672, 112, 0.25, 1),
    Row(5, 672, 160, 0.25, 2),
    Row(5, 960, 160, 0, 1),
    Row(5, 960, 160, 0.25, 1),
    Row(5, 960, 160, 0, 1),
    Row(5, 512, 160, 0.25, 1),
)


def _rounded(channels: float) -> int:
    """Return channels as a multiple of 4, at least 4, rounded half up, never more than 10 % too few."""
    near = max(4, int(channels + 2) // 4 * 4)
    return near + 4 if near < 0.9 * channels else near


def _conv(in_channels: int, channels: int, *, kernel: int = 1, stride: int = 1, depthwise: bool = False) -> nn.Module:
    """Return convolution without bias and batch normalization, padded to keep the size."""
    groups = in_channels if depthwise else 1
    kind = StridedDepthwise if stride > 1 and depthwise else nn.Conv2d
    return nn.Sequential(
        kind(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(channels),
    )


class GhostModule(nn.Module):
    """C/2 maps by a 1×1 convolution, and C/2 more by a depthwise 3×3 one of them: (N, C', H, W) → (N, C, H, W)."""

    def __init__(self, in_channels: int, channels: int, *, activated: bool) -> None:
        super().__init__()
        half = channels // 2
        slopes = [PReLU(half) if activated else nn.Identity() for _ in range(2)]
        self.first = nn.Sequential(_conv(in_channels, half), slopes[0])
        self.cheap = nn.Sequential(_conv(half, half, kernel=3, depthwise=True), slopes[1])

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps of both."""
        first = self.first(maps)
        return torch.cat([first, self.cheap(first)], 1)


class Squeeze(nn.Module):
    """Scale each map by a number in [0, 1] that is made of the means of all.

    Source: Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507, with the hard sigmoid
    max(0, min(1, x/5 + 1/2)) of Keras, which GhostFaceNets were trained with.
    """

    def __init__(self, channels: int, squeezed: float) -> None:
        super().__init__()
        few = _rounded(channels * squeezed)
        self.scales = nn.Sequential(nn.Conv2d(channels, few, 1), PReLU(few), nn.Conv2d(few, channels, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, C, H, W)."""
        scales: Tensor = self.scales(maps.mean((2, 3), keepdim=True))
        return maps * (scales / 5 + 0.5).clamp(0, 1)


class Bottleneck(nn.Module):
    """Ghost module to the hidden channels, depthwise convolution where there is a stride, squeeze, ghost module back.

    The input is added, through a depthwise and a 1×1 convolution where its size is another.
    """

    def __init__(self, in_channels: int, hidden: int, channels: int, row: Row) -> None:
        super().__init__()
        steps: list[nn.Module] = [GhostModule(in_channels, hidden, activated=True)]
        if row.stride > 1:
            steps.append(_conv(hidden, hidden, kernel=row.kernel, stride=row.stride, depthwise=True))
        if row.squeezed > 0:
            steps.append(Squeeze(hidden, row.squeezed))
        self.path = nn.Sequential(*steps, GhostModule(hidden, channels, activated=False))
        self.shortcut: nn.Module = nn.Identity()
        if row.stride > 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                _conv(in_channels, in_channels, kernel=row.kernel, stride=row.stride, depthwise=True),
                _conv(in_channels, channels),
            )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, channels, H / stride, W / stride)."""
        total: Tensor = self.path(maps) + self.shortcut(maps)
        return total


class GhostFaceNet(nn.Module):
    """Images (N, 3, S, S) → features (N, D).

    Args:
        embedding_size: D (512 in the article).
        input_size: S, a multiple of 16.
        width: multiplier of all channel counts (1.3 in the article's tables), rounded to multiples of 4.
        stride: of the first convolution, 1 or 2; 2 is 4 times cheaper.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, *, embedding_size: int, input_size: int, width: float = 1.3, stride: int = 1) -> None:
        super().__init__()
        if not width > 0 or stride not in (1, 2):
            raise InputError(f"width is above 0 and stride 1 or 2; got width {width}, stride {stride}")
        self.input_size = input_size
        grid = -(-grid_size(input_size) // int(stride))
        before = _rounded(STEM_CHANNELS * width)
        steps: list[nn.Module] = [_conv(3, before, kernel=3, stride=int(stride)), PReLU(before)]
        for row in ROWS:
            channels = _rounded(row.channels * width)
            steps.append(Bottleneck(before, _rounded(row.hidden * width), channels, row))
            before = channels
        last = _rounded(LAST_CHANNELS * width)
        self.maps = nn.Sequential(*steps, _conv(before, last), PReLU(last))
        self.pool = nn.Sequential(nn.Conv2d(last, last, grid, groups=last, bias=False), nn.BatchNorm2d(last))
        self.projection = Projection(last, embedding_size, bias=False, learned_scale=True)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        features: Tensor = self.projection(self.pool(self.maps(check_batch(images, self.input_size))))
        return features
