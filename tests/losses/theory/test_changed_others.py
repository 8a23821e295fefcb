"""Two classes of a loss that changes the other class too: its end is where ψ(θ1) = φ(θ2), and not ψ(θ1) = cos θ2."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from marginface.errors import InputError
from marginface.losses import (
    ArcFace,
    ArcNegFace,
    Circle,
    CombinedMargin,
    CosFace,
    CurricularFace,
    DynArcFace,
    Margin,
    MVArcSoftmax,
    MVSoftmax,
    NPCFace,
    build,
)
from marginface.losses.theory import (
    TargetCurve,
    boundary,
    class_margin,
    curve_of,
    facts_of,
    feasibility_angle,
    in_pieces,
    is_of_target_alone,
    margin_growth,
)
from oracles import class_angle as slow
from oracles import hard_negatives as oracle

ANGLES = (40.0, 60.0, 75.0, 90.0, 110.0, 130.0, 146.2, 160.0, 180.0)


def curricular(t: float) -> CurricularFace:
    margin = CurricularFace()
    margin.t += t
    return margin


CASES: list[tuple[Margin, tuple[oracle.Target, oracle.Other]]] = [
    (curricular(0.0), oracle.curricularface(0.0)),
    (curricular(0.5), oracle.curricularface(0.5)),
    (MVSoftmax(), oracle.mv_softmax()),
    (MVArcSoftmax(), oracle.mv_softmax_arc()),
    (NPCFace(), oracle.npcface()),
    (NPCFace(a=0.0, m0=0.2), oracle.npcface(a=0.0, m0=0.2)),
    (ArcNegFace(), oracle.arcnegface()),
    (Circle(), oracle.circle()),
    (Circle(0.6), oracle.circle(0.6)),
]


@pytest.mark.parametrize(("margin", "paper"), CASES, ids=lambda value: type(value).__name__)
def test_the_margin_between_two_classes_is_that_of_the_paper_with_both_cosines(
    margin: Margin, paper: tuple[oracle.Target, oracle.Other]
) -> None:
    computed = np.degrees(class_margin(TargetCurve(margin), np.radians(ANGLES)))
    expected = [math.degrees(slow.class_margin_of_both(*paper, math.radians(angle), steps=1500)) for angle in ANGLES]
    np.testing.assert_allclose(computed, expected, atol=1e-6)
    assert np.isfinite(expected).sum() >= 5


@pytest.mark.parametrize(("margin", "paper"), CASES, ids=lambda value: type(value).__name__)
def test_the_excess_is_target_less_other_at_any_two_angles(
    margin: Margin, paper: tuple[oracle.Target, oracle.Other]
) -> None:
    theta, other = np.meshgrid(np.linspace(0.05, 3.0, 9), np.linspace(0.1, 3.1, 8))
    computed = TargetCurve(margin).excess(theta.ravel(), other.ravel())
    target, changed = paper
    pairs = [torch.tensor(pair, dtype=torch.float64) for pair in zip(theta.ravel(), other.ravel(), strict=True)]
    expected = [float(target([*pair], 0) - changed([*pair], 0, 1)) for pair in pairs]
    np.testing.assert_allclose(computed, expected, atol=1e-9)


def test_what_is_hard_begins_where_the_margin_of_mv_softmax_ends_so_its_boundary_is_the_plain_one() -> None:
    angles = np.radians(ANGLES)
    for pushed, plain in ((MVSoftmax(), CosFace(0.35)), (MVArcSoftmax(), ArcFace(0.5))):
        ours, theirs = (class_margin(TargetCurve(margin), angles) for margin in (pushed, plain))
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_circle_ends_on_its_circle_and_needs_the_angle_at_which_the_circle_begins() -> None:
    curve = TargetCurve(Circle(0.25))
    assert math.cos(feasibility_angle(curve)) == pytest.approx(math.sqrt(2) * 0.25, abs=1e-9)
    between = np.radians([70.0, 90.0, 120.0])
    margin = class_margin(curve, between)
    own, other = np.cos((between - margin) / 2), np.cos((between + margin) / 2)
    np.testing.assert_allclose((1 - own) ** 2 + other**2, 2 * 0.25**2, atol=1e-9)


def test_a_class_in_pieces_has_no_margin_and_is_told_apart_from_centers_without_room() -> None:
    """Circle with m = 0.25: at 146.2° a feature leaves its class at θ1 = 41.4°, and is of it again at 45°."""
    curve = TargetCurve(Circle())
    excess = curve.excess(np.radians([41.0, 41.6, 45.0, 50.0]), np.radians([105.2, 104.6, 101.2, 96.2]))
    assert (excess > 0).tolist() == [True, False, True, False]
    angles = np.radians([60.0, 90.0, 146.2])
    assert in_pieces(curve, angles).tolist() == [False, False, True]
    assert np.isnan(class_margin(curve, angles)).tolist() == [True, False, True]
    rising = TargetCurve(CombinedMargin(m1=4.0, past_pi="plain"))
    assert in_pieces(rising, np.radians([90.0, 170.0])).tolist() == [False, True]


def test_what_the_target_alone_cannot_tell_is_refused() -> None:
    for margin in (Circle(), MVSoftmax(), NPCFace(), DynArcFace()):
        assert not is_of_target_alone(TargetCurve(margin))
        for ask in (boundary, margin_growth):
            with pytest.raises(InputError, match="class_margin has its margin"):
                ask(TargetCurve(margin), np.array([0.3]))
    assert is_of_target_alone(TargetCurve(ArcFace()))


def test_the_loss_counts_the_other_classes_at_90_degrees_as_the_loss_does() -> None:
    theta, features = np.radians([20.0, 50.0]), torch.zeros(2, 4, dtype=torch.float64)
    for name in ("circle", "mv_softmax", "arcnegface", "npcface", "curricularface", "arcface"):
        head = build(name, num_classes=3, embedding_size=4, scale=8.0).double().eval()
        head.centers.data.copy_(torch.eye(3, 4))
        features[:, 0], features[:, 3] = torch.from_numpy(np.cos(theta)), torch.from_numpy(np.sin(theta))
        expected = [head(row[None], torch.tensor([0])).item() for row in features]
        np.testing.assert_allclose(TargetCurve(head.margin).loss(theta, num_classes=3, scale=8.0), expected, rtol=1e-9)


def test_the_facts_of_such_a_head_are_its_margins_and_say_what_they_hang_on() -> None:
    (worth, room) = facts_of(build("circle", num_classes=100, embedding_size=64))
    assert "none at 60°, 49.3° at 90°, 33.7° at 120°" in worth
    assert "two centers need 69.3°" in room
    worth, _ = facts_of(build("curricularface", num_classes=100, embedding_size=64))
    assert "(with t = 0)" in worth
    assert "12.9° at 90°" in worth


@pytest.mark.parametrize("name", ["sface", "sphereface2", "uniface"])
def test_a_loss_of_one_class_against_all_has_no_boundary_between_two(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} has no curve: it asks of each class apart"):
        curve_of(name, build(name, num_classes=10, embedding_size=4))
