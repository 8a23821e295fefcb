"""Agreement with numbers that other people's code printed: inputs and outputs only, no code of theirs is here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from marginface.losses import build

RECORDED = json.loads((Path(__file__).parent / "recorded" / "insightface.json").read_text(encoding="utf-8"))


def tensor(values: list[Any]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: f"{case['loss']}-{case['scale']:g}")
def test_straight_through_is_what_insightface_computes(case: dict[str, Any]) -> None:
    features = tensor(RECORDED["features"]).requires_grad_()
    labels = torch.tensor(RECORDED["labels"])
    past_pi = {"past_pi": "plain"} if case["loss"] == "arcface" else {}
    head = build(
        case["loss"],
        num_classes=6,
        embedding_size=5,
        scale=case["scale"],
        margin=case["margin"],
        gradient="straight_through",
        **past_pi,
    ).double()
    with torch.no_grad():
        head.centers.copy_(tensor(RECORDED["centers"]))
    loss = head(features, labels)
    loss.backward()
    assert loss.item() == pytest.approx(case["value"], rel=1e-10)
    torch.testing.assert_close(features.grad, tensor(case["feature_gradient"]), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(head.centers.grad, tensor(case["center_gradient"]), rtol=1e-9, atol=1e-12)


def test_the_exact_gradient_of_arcface_is_another_one() -> None:
    case = RECORDED["cases"][0]
    features = tensor(RECORDED["features"]).requires_grad_()
    head = build("arcface", num_classes=6, embedding_size=5, scale=64.0, margin=0.5, past_pi="plain").double()
    with torch.no_grad():
        head.centers.copy_(tensor(RECORDED["centers"]))
    loss = head(features, torch.tensor(RECORDED["labels"]))
    loss.backward()
    assert loss.item() == pytest.approx(case["value"], rel=1e-10)
    assert (features.grad - tensor(case["feature_gradient"])).abs().max() > 0.1
