"""The branch of DREAM."""

from __future__ import annotations

import math

import pytest
import torch

from marginface.backbones.dream import Dream, YawBranch, gate

NAN = float("nan")


def test_the_gate_is_the_sigmoid_of_the_authors_and_closed_where_the_yaw_is_unknown() -> None:
    yaws = [0.0, -45.0, 60.0, 90.0]
    expected = [1 / (1 + math.exp(-10 * (abs(yaw) / 45 - 1))) for yaw in yaws]
    assert gate(torch.tensor(yaws)).tolist() == pytest.approx(expected)
    assert gate(torch.tensor([NAN])).item() == 0


def test_the_residual_is_added_as_far_as_the_gate_is_open() -> None:
    torch.manual_seed(0)
    branch, features = YawBranch(4), torch.randn(3, 4)
    torch.nn.init.normal_(branch.residual[2].weight)
    first, second = branch.residual[0], branch.residual[2]
    hidden = (features @ first.weight.T + first.bias).clamp_min(0)
    residual = (hidden @ second.weight.T + second.bias).clamp_min(0)
    yaws = torch.tensor([45.0, NAN, 70.0])
    moved = branch(features, yaws)
    torch.testing.assert_close(moved[0], features[0] + 0.5 * residual[0])
    assert torch.equal(moved[1], features[1])
    torch.testing.assert_close(moved[2], features[2] + residual[2] / (1 + math.exp(-10 * (70 / 45 - 1))))


def test_a_fresh_branch_hardly_moves_a_feature_and_all_of_it_can_learn() -> None:
    branch, features = YawBranch(4), torch.randn(3, 4)
    moved = branch(features, torch.full((3,), 90.0))
    torch.testing.assert_close(moved, features, rtol=0, atol=1e-3)
    torch.nn.init.normal_(branch.residual[2].weight)
    branch(features, torch.full((3,), 90.0)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in branch.parameters())


def test_dream_is_the_branch_behind_its_trunk() -> None:
    torch.manual_seed(0)
    trunk, branch, images, yaws = torch.nn.Flatten(), YawBranch(12), torch.randn(2, 3, 2, 2), torch.tensor([80.0, 3])
    assert torch.equal(Dream(trunk, branch)(images, yaws), branch(images.flatten(1), yaws))
