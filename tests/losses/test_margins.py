"""The curves: they never help, fall with the angle, and have the analytic derivative up to the poles."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses import ArcFace, CosFace, Margin, MarginContext, NormFace, X2Softmax
from marginface.losses.angle import angle, sine, squared_angle
from marginface.losses.normface import smallest_scale
from oracles.margins import CURVES

POLES = [-1.0, -1 + 1e-7, 0.0, 1 - 1e-7, 1.0]


def curve(margin: Margin, cosine: Tensor) -> Tensor:
    return margin(cosine, MarginContext.of_curve(cosine))


def slope(margin: Margin, cosine: Tensor) -> Tensor:
    cosine = cosine.clone().requires_grad_()
    return torch.autograd.grad(curve(margin, cosine).sum(), cosine)[0]


@pytest.mark.parametrize("margin", [CosFace(), ArcFace(), ArcFace(past_pi="fallback"), X2Softmax()], ids=repr)
def test_the_margin_never_helps_and_falls_with_the_angle(margin: Margin) -> None:
    cosine = torch.linspace(1, -1, 20_001, dtype=torch.float64)
    margined = curve(margin, cosine)
    assert (margined < cosine).all()
    assert (margined.diff() < 0).all()


@pytest.mark.parametrize("past_pi", ["plain", "easy", "clip"])
def test_the_other_choices_of_public_code_do_not_fall_everywhere(past_pi: str) -> None:
    cosine = torch.linspace(1, -1, 20_001, dtype=torch.float64)
    assert not (curve(ArcFace(past_pi=past_pi), cosine).diff() < 0).all()


def test_the_joint_of_arcface_is_continuous_by_default_and_a_step_with_fallback() -> None:
    at = torch.tensor([-math.cos(0.5) + 1e-12, -math.cos(0.5) - 1e-12], dtype=torch.float64)
    before, after = curve(ArcFace(), at).tolist()
    assert before - after == pytest.approx(0, abs=1e-9)
    before, after = curve(ArcFace(past_pi="fallback"), at).tolist()
    assert before - after == pytest.approx(0.117, abs=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "margin", [NormFace(), CosFace(), ArcFace(), ArcFace(past_pi="plain"), X2Softmax(), X2Softmax(h=-0.2)], ids=repr
)
def test_the_gradient_is_finite_at_the_poles(margin: Margin, dtype: torch.dtype) -> None:
    beyond = [-1 - 1e-6, *POLES, 1 + 1e-6]  # rounding may leave [−1, 1]
    assert slope(margin, torch.tensor(beyond, dtype=dtype)).isfinite().all()
    assert curve(margin, torch.tensor(beyond, dtype=dtype)).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_of_x2softmax_is_the_analytic_one_inside_and_the_limit_at_1(dtype: torch.dtype) -> None:
    cosine = torch.tensor([-1 + 1e-7, -0.9, 0.0, 0.5, 1 - 1e-7], dtype=dtype)
    theta = torch.acos(cosine.double())
    expected = -0.9 * 2 * theta * (-1 / torch.sin(theta))
    torch.testing.assert_close(slope(X2Softmax(), cosine).double(), expected, rtol=1e-5, atol=0)
    assert slope(X2Softmax(), torch.ones(1, dtype=dtype)).item() == pytest.approx(1.8, rel=1e-6)
    theta = torch.acos(cosine.double())
    expected = -0.9 * 2 * (theta + 0.2) * (-1 / torch.sin(theta))
    torch.testing.assert_close(slope(X2Softmax(h=-0.2), cosine).double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_of_arcface_is_sin_of_theta_plus_m_over_sin_theta(dtype: torch.dtype) -> None:
    cosine = torch.tensor([-0.8, 0.0, 0.9, 1 - 1e-7], dtype=dtype)
    theta = torch.acos(cosine.double())
    expected = torch.sin(theta + 0.5) / torch.sin(theta)
    torch.testing.assert_close(slope(ArcFace(), cosine).double(), expected, rtol=1e-5, atol=0)


def test_angles_sines_and_squares_have_the_derivatives_of_autograd_inside() -> None:
    cosine = torch.linspace(-0.99, 0.99, 41, dtype=torch.float64, requires_grad=True)
    for ours, theirs in [
        (angle(cosine), torch.acos(cosine)),
        (sine(cosine), torch.sqrt(1 - cosine**2)),
        (squared_angle(cosine), torch.acos(cosine) ** 2),
    ]:
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
        (a,), (b,) = (torch.autograd.grad(value.sum(), cosine) for value in (ours, theirs))
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def test_the_feasibility_angle_is_where_a_perfect_feature_meets_another_center() -> None:
    for margin in (X2Softmax(), X2Softmax(-0.7, -0.3, 0.9), X2Softmax(-0.9, 0.0, 1.0)):
        perfect = CURVES["x2softmax"](torch.zeros((), dtype=torch.float64), margin.a, margin.h, margin.k).item()
        assert math.cos(margin.feasibility_angle) == pytest.approx(perfect)
    assert math.degrees(X2Softmax().feasibility_angle) == pytest.approx(49.46, abs=0.01)
    assert X2Softmax(k=1.5).feasibility_angle == 0


def test_the_smallest_scale_meets_the_bound_it_is_solved_from() -> None:
    for classes in (2, 10, 10_572):
        scale = smallest_scale(classes, 1e-4)
        bound = math.log1p((classes - 1) * math.exp(-scale * classes / (classes - 1)))
        assert bound == pytest.approx(1e-4, rel=1e-9)
    assert smallest_scale(10_572) == pytest.approx(18.47, abs=0.01)
    assert smallest_scale(1) == 1
    with pytest.raises(InputError):
        smallest_scale(0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ArcFace(28.6), "radians.*degrees"),
        (lambda: ArcFace(past_pi="fallbak"), "Did you mean 'fallback'"),
        (lambda: CosFace(-0.1), "0 ≤ m ≤ 2"),
        (lambda: X2Softmax(a=0.9), "below 0"),
        (lambda: X2Softmax(h=4.0), "angle"),
        (lambda: ArcFace(math.nan), "radians"),
    ],
)
def test_a_value_out_of_range_is_refused(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
