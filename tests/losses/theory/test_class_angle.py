"""Margins between two classes: the closed forms of the papers, the table of our research, and a slow oracle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from marginface.losses import (
    ArcFace,
    CosFace,
    DynArcFace,
    ExpFace,
    Margin,
    MarginContext,
    NormFace,
    SphereFace,
    SphereFaceR,
    X2Softmax,
)
from marginface.losses.angle import angle
from marginface.losses.theory import (
    TargetCurve,
    boundary,
    class_margin,
    falling_ranges,
    feasibility_angle,
    margin_growth,
)
from oracles import class_angle as oracle


@dataclass(frozen=True)
class Multiplied:
    """ψ of SphereFace for a whole or real m, without annealing: a margin class of the smallest kind."""

    margin: float

    def __call__(self, cosine: Tensor, context: MarginContext, /) -> Tensor:
        theta = angle(cosine)
        piece = torch.floor(self.margin * theta / math.pi).clamp_max(math.ceil(self.margin) - 1)
        return (-1) ** piece * torch.cos(self.margin * theta) - 2 * piece


ANGLES = (30, 50, 60, 70, 80, 90, 100, 120, 150, 180)
NONE = math.nan
TABLE: list[tuple[Margin, tuple[float, ...]]] = [
    (ArcFace(0.5), (28.6,) * 10),
    (CosFace(0.35), (NONE, 48.9, 41.0, 35.5, 31.6, 28.7, 26.4, 23.3, 20.9, 20.2)),
    (CosFace(0.40), (NONE, NONE, 47.2, 40.8, 36.3, 32.9, 30.3, 26.7, 23.9, 23.1)),
    (SphereFace(4, floor=0), (18.0, 30.0, 36.0, 42.0, 48.0, 54.0, 60.0, 72.0, 90.0, 108.0)),
    (SphereFaceR(1.7), (7.8, 13.0, 15.6, 18.1, 20.7, 23.3, 25.9, 31.1, 38.9, 46.7)),
    (ExpFace(0.7), (12.8, 17.2, 18.9, 20.2, 21.2, 22.1, 22.7, 23.4, 23.3, 22.1)),
    (X2Softmax(), (NONE, 48.9, 42.2, 38.7, 36.9, 36.3, 36.3, 38.1, 43.9, 53.4)),
    (X2Softmax(k=0.9), (22.6, 17.9, 17.8, 18.4, 19.3, 20.6, 22.1, 25.9, 33.5, 43.7)),
    (X2Softmax(k=1.0), (4.4, 7.6, 9.2, 10.9, 12.7, 14.7, 16.7, 21.3, 29.5, 40.0)),
    (X2Softmax(h=-0.3, k=1.0), (24.3, 27.6, 29.4, 31.3, 33.3, 35.5, 37.8, 42.9, 52.4, 64.7)),
    (X2Softmax(a=-0.5, k=1.0), (0.0, 0.2, 0.3, 0.6, 0.8, 1.2, 1.7, 2.9, 5.9, 10.6)),
]


def between(least: float = 0.02) -> np.ndarray:
    return np.linspace(least, math.pi, 200)


@pytest.mark.parametrize(("margin", "degrees"), TABLE, ids=lambda value: repr(value) if callable(value) else "")
def test_the_table_of_the_research_to_a_tenth_of_a_degree(margin: Margin, degrees: tuple[float, ...]) -> None:
    computed = np.degrees(class_margin(TargetCurve(margin), np.radians(np.array(ANGLES, dtype=np.float64))))
    np.testing.assert_allclose(computed, degrees, atol=0.0501)


@pytest.mark.parametrize("m", [0.1, 0.5, 1.2])
def test_the_margin_of_arcface_is_m_whatever_the_class_angle(m: float) -> None:
    np.testing.assert_allclose(class_margin(TargetCurve(ArcFace(m)), between(m + 1e-6)), m, atol=1e-6)


@pytest.mark.parametrize("m", [0.1, 0.35, 1.0, 1.5])
def test_the_margin_of_cosface_is_its_arcsine(m: float) -> None:
    angles = between(math.acos(1 - m) + 1e-6)
    expected = 2 * np.arcsin(m / (2 * np.sin(angles / 2)))
    np.testing.assert_allclose(class_margin(TargetCurve(CosFace(m)), angles), expected, atol=1e-6)


@pytest.mark.parametrize("m", [1, 1.7, 2, 4])
def test_the_margin_of_sphereface_is_its_share_of_the_class_angle(m: float) -> None:
    angles = between()
    np.testing.assert_allclose(class_margin(TargetCurve(Multiplied(m)), angles), (m - 1) / (m + 1) * angles, atol=1e-6)


def test_no_margin_is_none() -> None:
    np.testing.assert_allclose(class_margin(TargetCurve(NormFace()), between()), 0, atol=1e-6)
    assert feasibility_angle(TargetCurve(NormFace())) == 0


@settings(max_examples=40, deadline=None)
@given(
    a=st.floats(-2, -0.3),
    h=st.floats(-0.5, 0),
    k=st.floats(-0.5, 1.2),
    degrees=st.floats(1, 180),
)
def test_the_bisection_equals_the_slow_one(a: float, h: float, k: float, degrees: float) -> None:
    theta = math.radians(degrees)
    ours = class_margin(TargetCurve(X2Softmax(a, h, k)), np.array([theta]))[0]
    slow = oracle.class_margin(oracle.x2softmax(a, h, k), theta)
    limit = feasibility_angle(TargetCurve(X2Softmax(a, h, k)))
    if abs(theta - limit) > 1e-6:
        np.testing.assert_allclose(ours, slow, atol=1e-6)


@pytest.mark.parametrize(
    ("margin", "slow"),
    [
        (ArcFace(0.3), oracle.arcface(0.3)),
        (CosFace(0.2), oracle.cosface(0.2)),
        (Multiplied(3), oracle.sphereface(3)),
        (ExpFace(0.6), oracle.expface(0.6)),
    ],
    ids=lambda value: repr(value) if not hasattr(value, "__closure__") else "",
)
def test_the_parametric_boundary_and_the_solved_margin_are_the_same_curve(
    margin: Margin, slow: oracle.AngleCurve
) -> None:
    curve, theta1 = TargetCurve(margin), np.linspace(0.01, 1.0, 50)
    theta2 = boundary(curve, theta1)
    inside = theta1 + theta2 < math.pi
    assert inside.sum() > 20
    solved = class_margin(curve, (theta1 + theta2)[inside])
    np.testing.assert_allclose(solved, (theta2 - theta1)[inside], atol=1e-6)
    expected = [oracle.class_margin(slow, angle_) for angle_ in (theta1 + theta2)[inside]]
    np.testing.assert_allclose(solved, expected, atol=1e-6)


def test_the_boundary_is_nan_below_minus_one_and_zero_above_one() -> None:
    theta2 = boundary(TargetCurve(X2Softmax(k=1.5)), np.array([0.0, 3.0]))
    assert theta2[0] == 0
    assert math.isnan(theta2[1])


@pytest.mark.parametrize("margin", [X2Softmax(), X2Softmax(-0.7, -0.3, 0.9), X2Softmax(k=1.5)], ids=repr)
def test_the_feasibility_angle_is_the_closed_form_of_x2softmax(margin: X2Softmax) -> None:
    assert feasibility_angle(TargetCurve(margin)) == pytest.approx(margin.feasibility_angle, abs=1e-12)


def test_the_feasibility_angles_of_the_others() -> None:
    assert feasibility_angle(TargetCurve(ArcFace(0.5))) == pytest.approx(0.5)
    assert math.cos(feasibility_angle(TargetCurve(CosFace(0.35)))) == pytest.approx(0.65)
    assert feasibility_angle(TargetCurve(CosFace(2.0))) == pytest.approx(math.pi)


def test_a_margin_is_there_just_beyond_the_feasibility_angle_and_not_just_below() -> None:
    for margin in (ArcFace(0.5), CosFace(0.35), X2Softmax()):
        curve = TargetCurve(margin)
        limit = feasibility_angle(curve)
        below, beyond = class_margin(curve, np.array([limit - 1e-5, limit + 1e-5]))
        assert math.isnan(below)
        assert beyond == pytest.approx(limit, abs=1e-3)  # the class is its center alone


@pytest.mark.parametrize(
    "margin", [CosFace(0.35), X2Softmax(), X2Softmax(h=-0.3, k=1.0), Multiplied(2), ExpFace(0.7)], ids=repr
)
def test_the_growth_is_the_slope_of_the_margin_and_its_sign_the_criterion(margin: Margin) -> None:
    curve = TargetCurve(margin)
    theta1 = np.linspace(0.05, 0.8, 31)
    angles = theta1 + boundary(curve, theta1)
    step = 1e-5
    measured = (class_margin(curve, angles + step) - class_margin(curve, angles - step)) / (2 * step)
    growth = margin_growth(curve, theta1)
    np.testing.assert_allclose(growth, measured, atol=1e-4)
    criterion = np.abs(curve.slope(theta1)) > np.sqrt(1 - curve(theta1) ** 2)
    clear = np.abs(growth) > 1e-6
    assert ((growth > 0) == criterion)[clear].all()


def test_the_released_x2softmax_falls_to_94_degrees_and_the_advised_ones_grow() -> None:
    ((low, high),) = falling_ranges(TargetCurve(X2Softmax()))
    assert (math.degrees(low), math.degrees(high)) == pytest.approx((49.46, 93.9), abs=0.1)
    lowest = class_margin(TargetCurve(X2Softmax()), np.array([high]))[0]
    assert math.degrees(lowest) == pytest.approx(36.2, abs=0.1)
    grows = [X2Softmax(k=1.0), X2Softmax(k=0.95, h=-0.25), X2Softmax(k=0.9, h=-0.34), X2Softmax(k=0.65, h=-0.51)]
    assert [falling_ranges(TargetCurve(margin)) for margin in grows] == [()] * 4


def test_arcface_is_constant_and_cosface_falls_everywhere() -> None:
    assert falling_ranges(TargetCurve(ArcFace(0.5))) == ()
    ((low, high),) = falling_ranges(TargetCurve(CosFace(0.35)))
    assert (low, high) == pytest.approx((math.acos(0.65), math.pi), abs=0.01)


def test_a_margin_that_looks_at_the_other_center_sees_it_at_the_class_angle() -> None:
    """Dyn-ArcFace between two classes is ArcFace with the m that belongs to their angle."""
    angles = np.radians([40.0, 60.0, 90.0, 150.0])
    expected = DynArcFace().margins(torch.from_numpy(angles)).numpy()
    np.testing.assert_allclose(class_margin(TargetCurve(DynArcFace()), angles), expected, atol=1e-6)
    assert feasibility_angle(TargetCurve(DynArcFace())) == pytest.approx(0.5, abs=0.005)
    assert class_margin(TargetCurve(DynArcFace()), np.empty(0)).shape == (0,)
