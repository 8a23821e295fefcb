"""Networks of others, written again with their attribute names: what their state dicts look like.

No published weights can be had offline; these have the names, the shapes and the arithmetic, with random numbers.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def randomized(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode, with batch norms that have seen something."""
    generator = torch.Generator().manual_seed(5)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.running_mean = torch.randn(part.num_features, generator=generator) * 0.2
            part.running_var = torch.rand(part.num_features, generator=generator) + 0.5
            if part.affine:
                with torch.no_grad():
                    part.weight.copy_(torch.rand(part.num_features, generator=generator) + 0.5)
                    part.bias.copy_(torch.randn(part.num_features, generator=generator) * 0.2)
        if isinstance(part, nn.PReLU):
            part.weight.data.uniform_(0.1, 0.4, generator=generator)
    return network.eval()


def fed(crops: np.ndarray, *, bgr: bool, mean: float = 127.5, std: float = 127.5) -> Tensor:
    """Return what a foreign program feeds: crops (N, S, S, 3) RGB uint8 → (N, 3, S, S)."""
    ordered = crops[..., ::-1] if bgr else crops
    return (torch.from_numpy(ordered.astype(np.float32)).permute(0, 3, 1, 2) - mean) / std


class _ArcBlock(nn.Module):
    def __init__(self, inplanes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inplanes)
        self.conv1 = nn.Conv2d(inplanes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.prelu = nn.PReLU(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return out + (x if self.downsample is None else self.downsample(x))


class ArcIResNet(nn.Module):
    """IResNet as arcface_torch names it."""

    def __init__(self, layers: tuple[int, ...], side: int, num_features: int) -> None:
        super().__init__()
        self.conv1, self.bn1, self.prelu = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        inplanes = 64
        for number, (planes, blocks) in enumerate(zip((64, 128, 256, 512), layers, strict=True), start=1):
            made = [_ArcBlock(inplanes, planes, 2)] + [_ArcBlock(planes, planes, 1) for _ in range(blocks - 1)]
            setattr(self, f"layer{number}", nn.Sequential(*made))
            inplanes = planes
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * side * side, num_features)
        self.features = nn.BatchNorm1d(num_features)

    def forward(self, x: Tensor) -> Tensor:
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(torch.flatten(self.bn2(x), 1)))


class _IrBlock(nn.Module):
    def __init__(self, in_channel: int, depth: int, stride: int) -> None:
        super().__init__()
        same = in_channel == depth
        self.shortcut_layer = nn.MaxPool2d(1, stride) if same else nn.Sequential(
            nn.Conv2d(in_channel, depth, 1, stride, bias=False), nn.BatchNorm2d(depth))  # fmt: skip
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(in_channel), nn.Conv2d(in_channel, depth, 3, 1, 1, bias=False), nn.BatchNorm2d(depth),
            nn.PReLU(depth), nn.Conv2d(depth, depth, 3, stride, 1, bias=False), nn.BatchNorm2d(depth),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class Ir(nn.Module):
    """IR of AdaFace and CVLface; AdaFace divides the output by its length, which changes no direction."""

    def __init__(self, layers: tuple[int, ...], side: int, output_dim: int) -> None:
        super().__init__()
        self.input_layer = nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64))
        blocks, before = [], 64
        for depth, count in zip((64, 128, 256, 512), layers, strict=True):
            blocks += [_IrBlock(before, depth, 2)] + [_IrBlock(depth, depth, 1) for _ in range(count - 1)]
            before = depth
        self.body = nn.Sequential(*blocks)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(512), nn.Dropout(0.4), nn.Flatten(), nn.Linear(512 * side * side, output_dim),
            nn.BatchNorm1d(output_dim, affine=False),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.output_layer(self.body(self.input_layer(x)))


class _Layers(nn.Module):
    """Anything that insightface's MobileFaceNet keeps under ``layers``."""

    def __init__(self, *parts: nn.Module, adds: bool = False) -> None:
        super().__init__()
        self.layers, self.adds = nn.Sequential(*parts), adds

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.adds else self.layers(x)


def _conv(a: int, b: int, kernel: int, stride: int = 1, groups: int = 1, *, act: bool = True, pad: int = 0) -> _Layers:
    parts = [nn.Conv2d(a, b, kernel, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(b)]
    return _Layers(*parts, *([nn.PReLU(b)] if act else []))


def _depthwise(a: int, b: int, groups: int, stride: int, *, adds: bool = False) -> _Layers:
    return _Layers(
        _conv(a, groups, 1), _conv(groups, groups, 3, stride, groups, pad=1), _conv(groups, b, 1, act=False), adds=adds
    )


def _repeated(c: int, count: int, groups: int) -> _Layers:
    return _Layers(*(_depthwise(c, c, groups, 1, adds=True) for _ in range(count)))


class ArcMobileFaceNet(nn.Module):
    """MobileFaceNet as arcface_torch names it (get_mbf)."""

    def __init__(self, scale: int, side: int, num_features: int) -> None:
        super().__init__()
        a, b = 64 * scale, 128 * scale
        self.layers = nn.ModuleList(
            [
                _conv(3, a, 3, 2, pad=1), _conv(a, a, 3, 1, 64, pad=1), _depthwise(a, a, 128, 2), _repeated(a, 4, 128),
                _depthwise(a, b, 256, 2), _repeated(b, 6, 256), _depthwise(b, b, 512, 2), _repeated(b, 2, 256),
            ]
        )  # fmt: skip
        self.conv_sep = _conv(b, 512, 1)
        self.features = _Layers(
            _conv(512, 512, side, groups=512, act=False), nn.Flatten(), nn.Linear(512, num_features, bias=False),
            nn.BatchNorm1d(num_features),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.features(self.conv_sep(x))
