"""SphereFace's networks of 20 and 64 layers: residual units without batch normalization.

Source: Liu et al., "SphereFace", CVPR 2017, arXiv:1704.08063, table 2; initial values as in the authors' training files
(github.com/wy1iu/sphereface, train/code/sphereface_model.prototxt). There a face is 112×96; here it is square, so that
the last layer sees 7×7 and not 7×6 places. AM-Softmax and CosFace were trained with the same networks.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from marginface.backbones.inputs import check_batch, grid_size, scaled
from marginface.backbones.layers import PReLU
from marginface.errors import InputError

CHANNELS = (64, 128, 256, 512)
SMALL_START = 0.01  # standard deviation of the convolutions within a unit: a unit begins as nearly nothing


class Unit(nn.Module):
    """Conv 3×3, PReLU, conv 3×3, PReLU; plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            PReLU(channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            PReLU(channels),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the same shape."""
        total: Tensor = maps + self.path(maps)
        return total


class SphereNet(nn.Module):
    """Images (N, 3, S, S) → features (N, D).

    Args:
        units: residual units in each of the four stages; a stage begins with a convolution of stride 2.
        embedding_size: D.
        input_size: S, a multiple of 16.
        width: multiplier of all channel counts, rounded to multiples of 8.

    Raises:
        InputError: an argument is out of range.
    """

    def __init__(
        self, units: tuple[int, int, int, int], *, embedding_size: int, input_size: int, width: float = 1.0
    ) -> None:
        super().__init__()
        if not width > 0:
            raise InputError(f"width is above 0; got {width}")
        self.input_size = input_size
        grid = grid_size(input_size)
        channels = [scaled(count, width) for count in CHANNELS]
        stages: list[nn.Module] = []
        for (before, after), count in zip(pairwise((3, *channels)), units, strict=True):
            stages += [nn.Conv2d(before, after, 3, 2, 1), PReLU(after), *(Unit(after) for _ in range(count))]
        self.stages = nn.Sequential(*stages)
        self.linear = nn.Linear(channels[-1] * grid**2, embedding_size)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                _start(module)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features (N, D) of normalized images (N, 3, S, S), in the precision of the weights."""
        maps = self.stages(check_batch(images, self.input_size))
        with torch.autocast(maps.device.type, enabled=False):
            features: Tensor = self.linear(torch.flatten(maps, 1).to(self.linear.weight.dtype))
        return features


def _start(layer: nn.Conv2d | nn.Linear) -> None:
    """Give a layer its initial values; one without bias is within a unit."""
    if layer.bias is None:
        nn.init.normal_(layer.weight, 0, SMALL_START)
        return
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="linear")  # Caffe's "xavier": ±√(3 / inputs)
    nn.init.zeros_(layer.bias)


spherenet20 = partial(SphereNet, (1, 2, 4, 1))  # 24.5 M parameters at 112
spherenet64 = partial(SphereNet, (3, 8, 16, 3))  # 50.0 M
