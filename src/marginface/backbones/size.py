"""How large a backbone is: its parameters, and the multiply-adds of one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True, slots=True)
class Size:
    """What a backbone costs.

    Attributes:
        parameters: learned numbers, without the running statistics of batch normalization.
        multiply_adds: of convolutions, matrix products and attention for one image in evaluation, which is what papers
            on face recognition call FLOPs; torch's own counter says twice as many. Normalizations and activations are
            left out; tools that count them say 1 to 3 % more.
    """

    parameters: int
    multiply_adds: int

    @property
    def gflops(self) -> float:
        """Return the multiply-adds in 1e9, the GFLOPs of the papers."""
        return self.multiply_adds / 1e9


def size_of(backbone: nn.Module, input_size: int) -> Size:
    """Return the size of a backbone for images of a side; each of its parts is left in the mode it was in.

    Attention is counted as the two products that it is: the fused kernels of a CPU are unknown to the counter.
    """
    counter, training = FlopCounterMode(display=False), [part for part in backbone.modules() if part.training]
    device = next(backbone.parameters()).device
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        backbone.eval()(torch.zeros(1, 3, input_size, input_size, device=device))
    for part in training:
        part.training = True
    parameters = sum(parameter.numel() for parameter in backbone.parameters())
    return Size(parameters, counter.get_total_flops() // 2)


def size_by_name(
    name: str, options: Mapping[str, int | float | str | bool], *, embedding_size: int, input_size: int
) -> Size:
    """Return the size of a backbone of the table without memory or time for its weights.

    >>> size_by_name("iresnet50", {}, embedding_size=512, input_size=112).parameters
    43590848

    Raises:
        UnknownName: the table has no such backbone, or the backbone no such option.
        InputError: a value is out of range.
    """
    from marginface.backbones import build

    with FakeTensorMode():
        backbone = build(name, embedding_size=embedding_size, input_size=input_size, **options)
        return size_of(backbone, input_size)
