from __future__ import annotations

import pytest
import torch
from torch import nn

from marginface.errors import CheckpointError
from marginface.training.learning.optim import (
    build_optimizer,
    clip,
    load_optimizer_tensors,
    optimizer_tensors,
    parameter_groups,
    set_learning_rate,
)
from marginface.training.recipe import OptimSection


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(4, 2))
    return backbone, nn.Linear(2, 5, bias=False)


def test_only_weights_of_two_or_more_dimensions_are_decayed_and_the_head_has_its_own_group() -> None:
    backbone, head = networks()
    optim = OptimSection(weight_decay=0.01, head_weight_decay=0.02, head_learning_rate_factor=3.0)
    decayed, others, centers = parameter_groups(backbone, head, optim)
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 3, 1, 1), (2, 4)]  # type: ignore[attr-defined]
    assert all(p.ndim == 1 for p in others["params"])  # type: ignore[attr-defined]
    assert len(others["params"]) == 5  # type: ignore[arg-type]
    assert [group["weight_decay"] for group in (decayed, others, centers)] == [0.01, 0.0, 0.02]
    assert centers["factor"] == 3.0


def test_decay_all_decays_everything_and_frozen_parameters_are_left_out() -> None:
    backbone, head = networks()
    backbone[1].weight.requires_grad = False  # type: ignore[index, union-attr]
    groups = parameter_groups(backbone, head, OptimSection(decay_all=True))
    assert [len(group["params"]) for group in groups] == [6, 1]  # type: ignore[arg-type]


def test_sgd_steps_as_written_by_hand() -> None:
    backbone, head = nn.Linear(2, 1, bias=False), nn.Linear(1, 1, bias=False)
    optimizer = build_optimizer(backbone, head, OptimSection(momentum=0.9, weight_decay=0.1, head_weight_decay=0.0))
    weight, velocity = backbone.weight.detach().clone(), torch.zeros(1, 2)
    for rate in (0.5, 0.25):
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad()
        backbone(torch.tensor([[1.0, 2.0]])).sum().backward()
        optimizer.step()
        velocity = 0.9 * velocity + torch.tensor([[1.0, 2.0]]) + 0.1 * weight
        weight = weight - rate * velocity
    torch.testing.assert_close(backbone.weight.detach(), weight)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_the_state_goes_through_named_tensors_and_back(kind: str) -> None:
    optim = OptimSection.model_validate({"kind": kind})
    backbone, head = networks()
    first = build_optimizer(backbone, head, optim)
    for _ in range(2):
        head(backbone(torch.ones(3, 3, 1, 1))).square().sum().backward()
        first.step()
    second = build_optimizer(backbone, head, optim)
    load_optimizer_tensors(second, optimizer_tensors(first))
    before, after = optimizer_tensors(first), optimizer_tensors(second)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_state_of_other_parameters_is_refused() -> None:
    backbone, head = networks()
    optimizer = build_optimizer(backbone, head, OptimSection())
    with pytest.raises(CheckpointError, match="of other parameters"):
        load_optimizer_tensors(optimizer, {"0.momentum_buffer": torch.zeros(7)})
    with pytest.raises(CheckpointError, match="of other parameters"):
        load_optimizer_tensors(optimizer, {"99.momentum_buffer": torch.zeros(1)})


def test_clipping_gives_the_norm_before_and_bounds_it_after() -> None:
    backbone = nn.Linear(2, 1, bias=False)
    backbone.weight.grad = torch.tensor([[3.0, 4.0]])
    assert clip(backbone, 0.0) == 5
    assert torch.equal(backbone.weight.grad, torch.tensor([[3.0, 4.0]]))
    assert clip(backbone, 2.5) == 5
    torch.testing.assert_close(backbone.weight.grad, torch.tensor([[1.5, 2.0]]))
