"""Layers that compute what torch's do, faster in training on a CPU. Weights, names and results are torch's.

PReLU             torch 2.13's backward pass of it takes a quarter to a third of a MobileFaceNet step: it and the
                  ``where`` that it could be made of are not vectorized
StridedDepthwise  oneDNN's bfloat16 backward pass of a depthwise convolution with a stride is 4 to 14 times slower than
                  the one in float32

docs/experiments.md has the profile. Everywhere else (evaluation, export, torch.compile, a GPU) torch's own runs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


class PReLU(nn.PReLU):
    """max(x, 0) + a·min(x, 0) with a slope a for each channel: (N, C, …) → (N, C, …).

    Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852; a is 0.25 at first.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps."""
        if _is_plain_training(self, maps):
            return _PReLU.apply(maps, self.weight)  # type: ignore[no-any-return, no-untyped-call]
        return super().forward(maps)


class _PReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, maps: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(maps, slope)
        return functional.prelu(maps, slope.to(maps.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return ∂x = g where x > 0, else a·g, and ∂a = Σ min(x, 0)·g over all but the channels."""
        maps, slope = ctx.saved_tensors
        above = torch.ops.aten.threshold_backward(gradient, maps, 0)
        below = gradient - above  # g where x ≤ 0, else 0: exactly one of both is 0
        factor = slope.to(maps.dtype).view(-1, *[1] * (maps.ndim - 2))
        others = [axis for axis in range(maps.ndim) if axis != 1]
        of_slope = (below * maps).sum(others, dtype=slope.dtype)
        return above.addcmul_(below, factor), of_slope


class StridedDepthwise(nn.Conv2d):
    """A depthwise convolution with a stride, in float32 within a bfloat16 autocast."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the maps, in the dtype that a convolution would give them."""
        half = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        if not half or not _is_plain_training(self, maps):
            return super().forward(maps)
        with torch.autocast("cpu", enabled=False):
            return super().forward(maps.float()).bfloat16()


def _is_plain_training(layer: nn.Module, maps: Tensor) -> bool:
    """Say whether a layer is being trained on a CPU as it is, neither compiled nor exported."""
    return layer.training and maps.device.type == "cpu" and not torch.compiler.is_compiling()
