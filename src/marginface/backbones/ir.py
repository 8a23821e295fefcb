"""IR networks of AdaFace and CVLface: IResNet but for one shortcut.

Source: net.py of AdaFace (Kim et al., CVPR 2022, arXiv:2204.00964), which CVLface copies. Where a block keeps its
channels it has no weights in its shortcut, also at stride 2: the first block of the first stage takes every second
pixel, where insightface's IResNet has a 1×1 convolution and a batch norm. Their IR-101 is the IResNet-100 of others.
"""

from __future__ import annotations

from torch import nn

from marginface.backbones.iresnet import Block, IResNet


def _without_first_shortcut(network: IResNet) -> IResNet:
    first = network.stages[0][0]  # type: ignore[index]
    assert isinstance(first, Block)
    first.shortcut = nn.MaxPool2d(1, 2)
    return network


def _ir(
    blocks: tuple[int, int, int, int], embedding_size: int, input_size: int, width: float, dropout: float
) -> IResNet:
    network = IResNet(blocks, embedding_size=embedding_size, input_size=input_size, width=width, dropout=dropout)
    return _without_first_shortcut(network)


def ir18(*, embedding_size: int, input_size: int, width: float = 1.0, dropout: float = 0.0) -> IResNet:
    """Return IR-18."""
    return _ir((2, 2, 2, 2), embedding_size, input_size, width, dropout)


def ir34(*, embedding_size: int, input_size: int, width: float = 1.0, dropout: float = 0.0) -> IResNet:
    """Return IR-34."""
    return _ir((3, 4, 6, 3), embedding_size, input_size, width, dropout)


def ir50(*, embedding_size: int, input_size: int, width: float = 1.0, dropout: float = 0.0) -> IResNet:
    """Return IR-50."""
    return _ir((3, 4, 14, 3), embedding_size, input_size, width, dropout)


def ir101(*, embedding_size: int, input_size: int, width: float = 1.0, dropout: float = 0.0) -> IResNet:
    """Return IR-101, of 49 blocks."""
    return _ir((3, 13, 30, 3), embedding_size, input_size, width, dropout)
