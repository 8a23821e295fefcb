from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses import ArcFace, CosFace, Margin, MarginContext, NormFace, X2Softmax, build
from marginface.losses.theory import TargetCurve, curve_of

THETA = np.linspace(0.05, 3.05, 61)


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (NormFace(), np.cos(THETA)),
        (CosFace(0.35), np.cos(THETA) - 0.35),
        (ArcFace(0.5, "plain"), np.cos(THETA + 0.5)),
        (X2Softmax(-0.9, -0.1, 0.8), -0.9 * (THETA + 0.1) ** 2 + 0.8),
    ],
    ids=lambda value: repr(value) if callable(value) else "",
)
def test_a_curve_is_the_formula_of_the_paper_with_its_derivatives(margin: Margin, expected: np.ndarray) -> None:
    curve = TargetCurve(margin)
    np.testing.assert_allclose(curve(THETA), expected, atol=1e-12)
    step = 1e-6
    differences = (curve(THETA + step) - curve(THETA - step)) / (2 * step)
    np.testing.assert_allclose(curve.slope(THETA), differences, atol=1e-7)
    np.testing.assert_allclose(curve.cosine_slope(THETA), -differences / np.sin(THETA), rtol=1e-5)


def test_the_slope_at_a_pole_is_its_limit() -> None:
    ends = np.array([0.0, math.pi])
    np.testing.assert_allclose(
        TargetCurve(ArcFace(0.5, "plain")).slope(ends), [-math.sin(0.5), math.sin(0.5)], atol=1e-5
    )
    np.testing.assert_allclose(TargetCurve(X2Softmax()).cosine_slope(ends[:1]), [1.8], rtol=1e-4)


def test_a_curve_can_be_looked_at_where_gradients_are_off_and_changes_nothing() -> None:
    angles = np.array([0.3, 1.0])
    with torch.no_grad():
        slope = TargetCurve(ArcFace()).slope(angles)
    assert np.isfinite(slope).all()
    assert angles.tolist() == [0.3, 1.0]


@dataclass(frozen=True)
class ByNormAndStep:
    """m grows with the norm, and is there from step 5 on."""

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        return cosine - (0.1 * context.feature_norms if context.step >= 5 else 0.0)


def test_a_margin_that_follows_norm_and_step_is_seen_at_both() -> None:
    zero = np.zeros(1)
    assert TargetCurve(ByNormAndStep())(zero)[0] == pytest.approx(0.9)
    assert TargetCurve(ByNormAndStep(), feature_norm=3.0)(zero)[0] == pytest.approx(0.7)
    assert TargetCurve(ByNormAndStep(), step=0)(zero)[0] == pytest.approx(1.0)


@dataclass(frozen=True)
class Surveying:
    """m is the sum of what the other classes' cosines are above 0."""

    def survey(self, others: Tensor, other: Tensor, target: Tensor, context: MarginContext, /) -> Tensor:
        return (others.clamp_min(0) * other).sum(1, keepdim=True)

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        return cosine - context.survey[:, 0]


def test_a_margin_that_surveys_sees_the_one_opposite_center() -> None:
    curve = TargetCurve(Surveying())
    np.testing.assert_allclose(curve(np.radians([60.0, 120.0])), [0.5, -1.0], atol=1e-12)
    np.testing.assert_allclose(curve.cosine_slope(np.radians([120.0])), [1.0])
    near = TargetCurve(Surveying(), class_angle=math.radians(90))
    np.testing.assert_allclose(near(np.radians([60.0])), [0.5 - math.cos(math.radians(30))], atol=1e-12)


def test_the_loss_is_that_of_a_head_whose_other_centers_are_at_90_degrees() -> None:
    head = build("arcface", num_classes=3, embedding_size=4, scale=8.0).double()
    with torch.no_grad():
        head.centers.copy_(torch.eye(3, 4))
    curve = curve_of("arcface", head)
    for theta in (0.2, 1.0, 2.0):
        feature = torch.tensor([[math.cos(theta), 0.0, 0.0, math.sin(theta)]], dtype=torch.float64)
        expected = head(feature, torch.tensor([0])).item()
        assert curve.loss(np.array([theta]), num_classes=3, scale=8.0)[0] == pytest.approx(expected, rel=1e-12)


def test_a_head_without_a_margin_has_no_curve_and_says_so() -> None:
    with pytest.raises(InputError, match=r"softmax has no curve.*losses show softmax"):
        curve_of("softmax", build("softmax", num_classes=3, embedding_size=2))


@pytest.mark.parametrize(("classes", "scale"), [(1, 64.0), (10, 0.0), (10, math.inf)])
def test_a_loss_of_no_sense_is_refused(classes: int, scale: float) -> None:
    with pytest.raises(InputError, match="2 or more classes and a scale above 0"):
        TargetCurve(CosFace()).loss(THETA, num_classes=classes, scale=scale)
