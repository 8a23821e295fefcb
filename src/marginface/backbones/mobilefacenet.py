"""MobileFaceNet: inverted residuals, and a global depthwise convolution instead of average pooling.

Source: Chen et al., "MobileFaceNets", CCBR 2018, arXiv:1804.07573, table 1 (width 1, D = 128); the width factor and the
initial values as in insightface (its get_mbf is width 2, D = 512: the block channels grow, the expanded ones do not).
"""

from __future__ import annotations

from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, grid_size
from marginface.backbones.layers import PReLU, StridedDepthwise
from marginface.backbones.projection import Projection
from marginface.errors import InputError


def conv(
    in_channels: int, channels: int, kernel: int, *, stride: int = 1, padding: int = 0, groups: int = 1
) -> nn.Sequential:
    """Return convolution without bias and batch normalization."""
    kind = StridedDepthwise if stride > 1 and groups == in_channels else nn.Conv2d
    return nn.Sequential(
        kind(in_channels, channels, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(channels)
    )


class Bottleneck(nn.Module):
    """Expand by 1×1, depthwise 3×3 with the stride, project by 1×1 without activation; the input is added at stride 1.

    Args:
        in_channels: channels before.
        channels: channels after.
        expanded: channels between.
        stride: 1 or 2. Stride 1 needs in_channels = channels.
    """

    def __init__(self, in_channels: int, channels: int, expanded: int, stride: int) -> None:
        super().__init__()
        self.adds_input = stride == 1
        self.path = nn.Sequential(
            conv(in_channels, expanded, 1),
            PReLU(expanded),
            conv(expanded, expanded, 3, stride=stride, padding=1, groups=expanded),
            PReLU(expanded),
            conv(expanded, channels, 1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, channels, H / stride, W / stride)."""
        out: Tensor = self.path(maps)
        return out + maps if self.adds_input else out


class MobileFaceNet(nn.Module):
    """Images (N, 3, S, S) → features (N, D).

    Args:
        embedding_size: D (128 in the paper, 512 in insightface).
        input_size: S, a multiple of 16.
        width: whole factor of the block channels: 1 is the paper's network, 2 is insightface's.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, *, embedding_size: int, input_size: int, width: int = 1) -> None:
        super().__init__()
        if width < 1 or width != int(width):
            raise InputError(
                f"width of mobilefacenet is a whole number from 1; got {width}. 1 is the paper, 2 insightface"
            )
        self.input_size = input_size
        narrow, wide = 64 * int(width), 128 * int(width)
        self.stem = nn.Sequential(
            conv(3, narrow, 3, stride=2, padding=1),
            PReLU(narrow),
            conv(narrow, narrow, 3, padding=1, groups=64),
            PReLU(narrow),
        )
        self.stages = nn.Sequential(
            Bottleneck(narrow, narrow, 128, 2),
            *(Bottleneck(narrow, narrow, 128, 1) for _ in range(4)),
            Bottleneck(narrow, wide, 256, 2),
            *(Bottleneck(wide, wide, 256, 1) for _ in range(6)),
            Bottleneck(wide, wide, 512, 2),
            *(Bottleneck(wide, wide, 256, 1) for _ in range(2)),
        )
        self.last = nn.Sequential(conv(wide, 512, 1), PReLU(512), conv(512, 512, grid_size(input_size), groups=512))
        self.projection = Projection(512, embedding_size, bias=False, learned_scale=True)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        maps = self.last(self.stages(self.stem(check_batch(images, self.input_size))))
        features: Tensor = self.projection(maps)
        return features
