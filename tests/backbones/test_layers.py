"""Layers that compute what torch's do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from marginface.backbones import build
from marginface.backbones.layers import PReLU, StridedDepthwise


def maps(dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(3, 4, 5, 6, generator=generator, dtype=torch.float64)
    drawn[0, :, 0, 0] = 0.0
    return drawn.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_prelu_is_that_of_torch_in_value_and_gradients(dtype: torch.dtype) -> None:
    ours, theirs = PReLU(4).to(dtype), nn.PReLU(4).to(dtype)
    with torch.no_grad():
        for layer in (ours, theirs):
            layer.weight.copy_(torch.tensor([0.25, -0.5, 1.5, 0.0]))
    found = []
    for layer in (ours, theirs):
        given = maps(dtype)
        out = layer(given)
        out.backward(torch.linspace(-1, 1, out.numel(), dtype=dtype).view_as(out))
        found.append((out, given.grad, layer.weight.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])  # type: ignore[arg-type]
    torch.testing.assert_close(found[0][2], found[1][2])


def test_the_gradients_of_prelu_are_the_derivatives() -> None:
    layer, given = PReLU(4).double(), maps()
    given.requires_grad_(False)[0, :, 0, 0] = 0.3  # no derivative at 0
    torch.autograd.gradcheck(lambda x: layer(x), given.requires_grad_())
    torch.autograd.gradcheck(lambda a: torch.func.functional_call(layer, {"weight": a}, given.detach()), layer.weight)


def test_prelu_in_bfloat16_gives_the_slope_a_float32_gradient() -> None:
    layer, given = PReLU(4), maps(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(given)
    out.float().sum().backward()
    assert (out.dtype, layer.weight.grad.dtype) == (torch.bfloat16, torch.float32)  # type: ignore[union-attr]
    expected = given.detach().double().clamp_max(0).sum((0, 2, 3))
    torch.testing.assert_close(layer.weight.grad.double(), expected, rtol=1e-2, atol=1e-2)  # type: ignore[union-attr]


def test_prelu_takes_vectors_too() -> None:
    layer, given = PReLU(4), torch.randn(3, 4, requires_grad=True)
    layer(given).sum().backward()
    torch.testing.assert_close(given.grad, torch.where(given > 0, 1.0, 0.25).detach())


def test_a_strided_depthwise_convolution_is_float32_within_autocast_and_gives_bfloat16() -> None:
    layer = StridedDepthwise(4, 4, 3, 2, 1, groups=4, bias=False)
    given = maps(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        out = layer(given)
    exact = torch.nn.functional.conv2d(given.float(), layer.weight, None, 2, 1, 1, 4)
    assert torch.equal(out, exact.bfloat16())
    out.float().square().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32
    torch.testing.assert_close(layer(given.float()), exact)


@pytest.mark.parametrize("name", ["mobilefacenet", "ghostfacenet"])
def test_every_strided_depthwise_convolution_of_a_backbone_is_such_a_layer(name: str) -> None:
    found = [layer for layer in build(name, input_size=32, embedding_size=4).modules() if isinstance(layer, nn.Conv2d)]
    strided = [layer for layer in found if layer.groups == layer.in_channels and layer.stride != (1, 1)]
    assert len(strided) >= 3
    assert all(isinstance(layer, StridedDepthwise) for layer in strided)
