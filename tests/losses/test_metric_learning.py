"""Agreement with pytorch-metric-learning, where both compute the same thing: values and exact gradients, float64."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from marginface.losses import build

theirs = pytest.importorskip("pytorch_metric_learning.losses", reason="pytorch-metric-learning is not installed")

C, D = 6, 5
NO_ANNEALING = {"base": 0, "floor": 0}
CASES: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
    "normface": ("normface", {"scale": 16.0}, "NormalizedSoftmaxLoss", {"temperature": 1 / 16}),
    "cosface": ("cosface", {"scale": 64.0, "margin": 0.35}, "CosFaceLoss", {"margin": 0.35, "scale": 64}),
    "arcface": (
        "arcface",
        {"scale": 64.0, "margin": 0.5, "past_pi": "fallback"},
        "ArcFaceLoss",
        {"margin": math.degrees(0.5), "scale": 64},
    ),
    "lsoftmax": ("lsoftmax", {"margin": 4, **NO_ANNEALING}, "LargeMarginSoftmaxLoss", {"margin": 4}),
    "sphereface": ("sphereface", {"margin": 4, **NO_ANNEALING}, "SphereFaceLoss", {"margin": 4}),
    "subcenter_arcface": (
        "subcenter_arcface",
        {"scale": 64.0, "margin": 0.5, "past_pi": "fallback"},
        "SubCenterArcFaceLoss",
        {"margin": math.degrees(0.5), "scale": 64, "sub_centers": 3},
    ),
}


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")  # theirs, of NumPy 2
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("seed", range(4))
def test_value_and_gradient_are_theirs(case: tuple[str, dict[str, Any], str, dict[str, Any]], seed: int) -> None:
    ours, our_options, their_class, their_options = case
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(9, D, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(0, C, (9,), generator=generator)
    head = build(ours, num_classes=C, embedding_size=D, **our_options).double()
    rows = torch.randn(head.centers.numel() // D, D, generator=generator, dtype=torch.float64)
    loss = getattr(theirs, their_class)(num_classes=C, embedding_size=D, **their_options)
    with torch.no_grad():
        head.centers.copy_(rows.reshape(head.centers.shape))
        loss.W.data = rows.T.clone()
    mine, (gradient,) = head(features, labels), torch.autograd.grad(head(features, labels), features)
    expected = loss(features, labels)
    (their_gradient,) = torch.autograd.grad(expected, features)
    torch.testing.assert_close(mine, expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient, their_gradient, rtol=1e-5, atol=1e-8)
