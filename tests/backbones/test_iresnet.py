"""What IResNet takes besides."""

from __future__ import annotations

import pytest
import torch

from marginface.backbones import build


@pytest.mark.parametrize("learned", [False, True])
def test_the_scale_of_the_last_normalization_is_learned_where_asked(learned: bool) -> None:
    with torch.device("meta"):
        backbone = build("iresnet50", learned_scale=learned)
    assert backbone.get_parameter("projection.norm.weight").requires_grad == learned
