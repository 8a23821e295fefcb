"""SphereFace's networks against the authors' training file, layer by layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from marginface.backbones import build
from marginface.errors import InputError

# github.com/wy1iu/sphereface, train/code/sphereface_model.prototxt and sphereface_64_model.prototxt: for each number of
# channels, how many convolutions of stride 1
STRIDE_1 = {"spherenet20": (2, 4, 8, 2), "spherenet64": (6, 16, 32, 6)}


def convolutions(backbone: nn.Module) -> list[nn.Conv2d]:
    return [module for module in backbone.modules() if isinstance(module, nn.Conv2d)]


@pytest.mark.parametrize("name", STRIDE_1)
def test_the_convolutions_are_those_of_the_authors_file(name: str) -> None:
    with torch.device("meta"):
        found = convolutions(build(name))
    counts = tuple(sum(c.stride == (1, 1) and c.out_channels == n for c in found) for n in (64, 128, 256, 512))
    assert counts == STRIDE_1[name]
    assert [c.out_channels for c in found if c.stride == (2, 2)] == [64, 128, 256, 512]
    assert len(found) == int(name.removeprefix("spherenet"))  # the fully connected layer is not counted


def test_the_parameters_are_those_of_the_layers_and_one_slope_a_channel() -> None:
    stages, before = 0, 3
    for channels, count in zip((64, 128, 256, 512), STRIDE_1["spherenet20"], strict=True):
        stages += 9 * before * channels + channels + 9 * channels**2 * count + channels * (1 + count)
        before = channels
    with torch.device("meta"):
        assert sum(p.numel() for p in build("spherenet20").parameters()) == stages + 512 * 49 * 512 + 512


def test_a_unit_begins_as_nearly_nothing_and_only_stages_have_a_bias() -> None:
    torch.manual_seed(0)
    within = [conv for conv in convolutions(build("spherenet20", input_size=32)) if conv.stride == (1, 1)]
    assert {conv.bias for conv in within} == {None}
    assert all(abs(conv.weight.std().item() - 0.01) < 1e-3 for conv in within)


def test_a_width_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="width is above 0; got 0"):
        build("spherenet20", width=0)
