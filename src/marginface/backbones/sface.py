"""The network of the published SFace weights: MobileNet's separable convolutions, a fully connected layer at the end.

Source: read from the graph of opencv_zoo's face_recognition_sface_2021dec; separable blocks are from Howard et al.,
"MobileNets", arXiv:1704.04861, with PReLU and without stride in the first convolution. The loss of that name is in
losses/sface.py (Zhong et al., IEEE TIP 2021, arXiv:2205.12010); any loss trains this network.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, check_width_and_dropout, grid_size, scaled
from marginface.backbones.projection import Projection

CHANNELS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)  # of the stem, then of each block
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
MAP_EPS, END_EPS = 1e-3, 2e-5  # of the batch norms after convolutions, and of the two at the end


def _unit(in_channels: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1) -> tuple[nn.Module, ...]:
    """Return convolution, batch norm, PReLU."""
    convolution = nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(channels, eps=MAP_EPS), nn.PReLU(channels)


def _block(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    """Return depthwise 3×3 with the stride, and 1×1."""
    depthwise = _unit(in_channels, in_channels, 3, stride=stride, groups=in_channels)
    return nn.Sequential(*depthwise, *_unit(in_channels, channels, 1))


class SFace(nn.Module):
    """Images (N, 3, S, S) → features (N, D); 9.6 M parameters at S = 112, D = 128, two thirds in the last layer.

    Args:
        embedding_size: D; 128 in the published weights.
        input_size: S, a multiple of 16; 112 in the published weights.
        width: multiplier of all channel counts, rounded to multiples of 8; 1 in the published weights.
        dropout: share of the last feature map set to zero in training.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(self, *, embedding_size: int, input_size: int, width: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()
        check_width_and_dropout(width, dropout)
        self.input_size = input_size
        channels = [scaled(count, width) for count in CHANNELS]
        blocks = zip(pairwise(channels), STRIDES, strict=True)
        self.stem = nn.Sequential(*_unit(3, channels[0], 3))
        self.stages = nn.Sequential(*(_block(before, after, stride) for (before, after), stride in blocks))
        self.last = nn.Sequential(nn.BatchNorm2d(channels[-1], eps=END_EPS), nn.Dropout(dropout))
        flat = channels[-1] * grid_size(input_size) ** 2
        self.projection = Projection(flat, embedding_size, bias=True, learned_scale=False)
        self.projection.norm.eps = END_EPS
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S)."""
        maps = self.stages(self.stem(check_batch(images, self.input_size)))
        features: Tensor = self.projection(self.last(maps))
        return features
