"""L-Softmax, SphereFace and SphereFace-R, combined, ExpFace, Dyn-ArcFace, ElasticFace: what is theirs alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses import (
    ArcFace,
    CombinedMargin,
    CosFace,
    DynArcFace,
    ElasticArc,
    ElasticArcPlus,
    ElasticCos,
    ElasticCosPlus,
    ExpFace,
    LSoftmax,
    Margin,
    MarginContext,
    NormFace,
    SphereFace,
    SphereFaceR,
    build,
)
from marginface.losses.dynarcface import nearest_angles
from marginface.losses.elastic import hand_out
from marginface.losses.multiplicative import falling_cosine
from marginface.losses.past_pi import add_angle
from oracles import curves
from oracles.margins import arcface, softmax_loss

FACTORS = [1, 1.3, 1.7, 2, 2.5, 3, 4, 5, 7]
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
FULL = {"base": 0.0, "floor": 0.0}  # no annealing


def curve(margin: Margin, cosine: Tensor, step: int = 0) -> Tensor:
    return margin(cosine, MarginContext.of_curve(cosine, step=step))


def slope(margin: Margin, cosine: Tensor) -> Tensor:
    cosine = cosine.clone().requires_grad_()
    return torch.autograd.grad(curve(margin, cosine).sum(), cosine)[0]


def degrees(*angles: float) -> Tensor:
    return torch.tensor(angles, dtype=torch.float64).deg2rad().cos()


def problem(samples: int = 12, classes: int = 5, size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(11)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    features = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    return features.requires_grad_(), centers.requires_grad_(), torch.arange(samples) % classes


def head_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    head = build(name, num_classes=len(centers), embedding_size=centers.shape[1], **options).double()
    with torch.no_grad():
        head.centers.copy_(centers)
    return head


def equal_in_value_and_gradient(
    head: nn.Module, ours: Tensor, paper: Tensor, features: Tensor, centers: Tensor
) -> None:
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(ours, [features, head.centers])
    for a, b in zip(mine, torch.autograd.grad(paper, [features, centers]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


# All curves -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "margin",
    [
        *(LSoftmax(m, **FULL) for m in (2, 3, 4, 5)),
        *(SphereFace(m, **FULL) for m in (1.3, 1.7, 4)),
        LSoftmax(),
        SphereFace(),
        CombinedMargin(),
        CombinedMargin(m1=4, m2=0, m3=0),
        CombinedMargin(m1=0.9, m2=0.4, m3=0.15),
        ExpFace(),
        ExpFace(0.3),
        DynArcFace(),
        ElasticArc(),
        ElasticArcPlus(),
        ElasticCos(),
        ElasticCosPlus(),
    ],
    ids=repr,
)
def test_the_margin_never_helps_and_falls_with_the_angle(margin: Margin) -> None:
    cosine = torch.linspace(1, -1, 20_001, dtype=torch.float64)
    margined = curve(margin, cosine)
    assert (margined <= cosine + 1e-15).all()
    assert (margined[1:-1] < cosine[1:-1]).all()
    assert (margined.diff() < 0).all()


@DTYPES
@pytest.mark.parametrize(
    "margin",
    [
        LSoftmax(5, **FULL),
        SphereFace(1.7, **FULL),
        SphereFace(4, **FULL),
        SphereFaceR(),
        SphereFaceR(1.0),
        *(CombinedMargin(past_pi=choice) for choice in ("continue", "fallback", "plain", "easy", "clip")),
        CombinedMargin(m1=3.3),
        ExpFace(),
        ExpFace(0.2),
        DynArcFace(),
        ElasticArc(),
    ],
    ids=repr,
)
def test_value_and_gradient_are_finite_at_the_poles(margin: Margin, dtype: torch.dtype) -> None:
    cosine = torch.tensor(
        [-1 - 1e-6, -1, -1 + 1e-7, 0, 1 - 1e-7, 1, 1 + 1e-6], dtype=dtype
    )  # rounding may leave [−1, 1]
    assert curve(margin, cosine).isfinite().all()
    assert slope(margin, cosine).isfinite().all()


# L-Softmax and SphereFace -----------------------------------------------------------------------------------------


@DTYPES
@pytest.mark.parametrize("factor", FACTORS)
def test_psi_is_that_of_the_intervals_and_so_is_its_derivative(factor: float, dtype: torch.dtype) -> None:
    theta = torch.linspace(0.01, math.pi - 0.01, 311, dtype=torch.float64)
    cosine = theta.cos().to(dtype).requires_grad_()
    at = cosine.detach().double().acos()
    ours = falling_cosine(cosine, factor)
    expected = torch.stack([curves.psi(t, factor) for t in at])
    tolerance = {"rtol": 1e-11, "atol": 1e-11} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-4}
    torch.testing.assert_close(ours.double(), expected, **tolerance)
    k = torch.floor(factor * at / math.pi)
    derivative = (-1) ** k * factor * torch.sin(factor * at) / torch.sin(at)
    (mine,) = torch.autograd.grad(ours.sum(), cosine)
    torch.testing.assert_close(mine.double(), derivative, **{key: 100 * value for key, value in tolerance.items()})


@DTYPES
@pytest.mark.parametrize("factor", FACTORS)
def test_at_pi_psi_has_no_step_too_many(factor: float, dtype: torch.dtype) -> None:
    poles = torch.tensor([1.0, -1.0, -1 - 1e-6], dtype=dtype)
    value = falling_cosine(poles, factor)
    k = math.ceil(factor) - 1
    at_pi = (-1) ** k * math.cos(factor * math.pi) - 2 * k
    assert value[0].item() == 1
    assert value[1].item() == pytest.approx(at_pi, abs=1e-5)
    if factor == int(factor):
        assert value[1].item() == 1 - 2 * factor
        assert value[2].item() == pytest.approx(1 - 2 * factor, abs=1e-2)


@DTYPES
@pytest.mark.parametrize("factor", FACTORS)
def test_the_derivative_of_psi_at_0_is_m_squared(factor: float, dtype: torch.dtype) -> None:
    one = torch.ones(1, dtype=dtype, requires_grad=True)
    (derivative,) = torch.autograd.grad(falling_cosine(one, factor).sum(), one)
    assert derivative.item() == pytest.approx(factor**2, rel=1e-3)


def test_the_annealing_is_that_of_the_official_files() -> None:
    sphere, large = SphereFace().annealing, LSoftmax().annealing
    assert (sphere.at(0), large.at(0)) == (1000, 1000)
    assert sphere.at(100) == pytest.approx(1000 / 13)
    assert sphere.at(1658) == pytest.approx(5, rel=1e-3)
    assert sphere.at(1_000_000) == 5
    assert large.at(10_000) == pytest.approx(1000 * 1.25**-35)
    assert 0 < large.at(1_000_000) < 1e-40


def test_the_sphereface_that_trains_is_five_parts_cosine_and_one_part_psi() -> None:
    final = curve(SphereFace(), degrees(30, 60, 90), step=28_000)
    assert final.tolist() == pytest.approx([0.638, 0.167, -0.5], abs=5e-4)
    assert falling_cosine(degrees(30, 60, 90), 4).tolist() == pytest.approx([-0.5, -1.5, -3])


@pytest.mark.parametrize("name", ["lsoftmax", "sphereface"])
def test_the_head_hands_its_step_on_and_reports_the_annealing_in_effect(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    early, late = head(features, labels, step=0), head(features, labels, step=20_000)
    assert early < late
    assert head.report(0) == {"annealing": 1000.0}
    weight = {"lsoftmax": 1000 * 1.5**-35, "sphereface": 5.0}[name]
    assert head.report(20_000) == {"annealing": pytest.approx(weight)}
    at_that_weight = head_with(centers, name, base=0, floor=weight)
    torch.testing.assert_close(at_that_weight(features, labels), late, rtol=1e-12, atol=0)


def test_without_its_margin_lsoftmax_is_softmax_without_bias_gradient_of_the_norms_included() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "lsoftmax", base=1e15)
    paper = softmax_loss(features, centers, torch.zeros(5, dtype=torch.float64), labels)
    equal_in_value_and_gradient(head, head(features, labels), paper, features, centers)


def test_the_gradient_of_lsoftmax_has_a_part_along_the_center_and_that_of_sphereface_has_none() -> None:
    features, centers, labels = problem()
    for name, follows in (("lsoftmax", True), ("sphereface", False)):
        head = head_with(centers, name)
        head(features, labels).backward()
        along = (head.centers.grad * head.centers).sum(1).abs()
        assert (along > 1e-3).all() if follows else (along < 1e-12).all()


def test_scales_made_of_norms_have_no_number() -> None:
    assert build("lsoftmax", num_classes=3, embedding_size=2).scale is None
    assert build("sphereface", num_classes=3, embedding_size=2).scale is None


# SphereFace-R -----------------------------------------------------------------------------------------------------


def test_sphereface_r_is_flat_beyond_pi_over_m_and_straight_through_still_pulls_there() -> None:
    flat = torch.linspace(math.cos(math.pi / 1.7) - 1e-9, -1, 101, dtype=torch.float64)
    assert (curve(SphereFaceR(), flat) == -1).all()
    assert (slope(SphereFaceR(), flat) == 0).all()
    falling = torch.linspace(1, math.cos(math.pi / 1.7) + 1e-9, 1001, dtype=torch.float64)
    assert (curve(SphereFaceR(), falling).diff() < 0).all()
    assert (slope(SphereFaceR(), falling) > 0).all()
    features = torch.tensor([[-1.0, 0.2]], requires_grad=True)
    gradients = {}
    for gradient in ("exact", "straight_through"):
        head = build("sphereface_r", num_classes=2, embedding_size=2, gradient=gradient)
        with torch.no_grad():
            head.centers.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        (gradients[gradient],) = torch.autograd.grad(head(features, torch.tensor([0])), features)
    assert not torch.isclose(gradients["exact"], gradients["straight_through"]).any()


# Combined ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("past_pi", ["continue", "fallback", "plain", "easy", "clip"])
def test_combined_holds_arcface_cosface_and_normface(past_pi: str) -> None:
    cosine = torch.linspace(-0.999, 0.999, 301, dtype=torch.float64)
    for mine, theirs in [
        (CombinedMargin(1, 0.5, 0, past_pi), ArcFace(0.5, past_pi)),
        (CombinedMargin(1, 0, 0.35, past_pi), CosFace(0.35)),
        (CombinedMargin(1, 0, 0, past_pi), NormFace()),
    ]:
        torch.testing.assert_close(curve(mine, cosine), curve(theirs, cosine), rtol=0, atol=1e-14)
        torch.testing.assert_close(slope(mine, cosine), slope(theirs, cosine), rtol=1e-10, atol=1e-12)


def test_the_named_choices_of_combined_differ_beyond_the_joint_and_nowhere_before() -> None:
    joint = math.degrees((math.pi - 0.4) / 1.6)
    before, beyond = degrees(joint - 1e-7), degrees(joint + 20)
    values = {choice: CombinedMargin(1.6, 0.4, 0.1, choice) for choice in ("continue", "plain", "clip")}
    assert [curve(margin, before).item() for margin in values.values()] == pytest.approx([-1.1] * 3, abs=1e-9)
    assert curve(values["continue"], beyond).item() < curve(values["clip"], beyond).item() == -1.1
    assert curve(values["plain"], beyond).item() > -1.1
    assert slope(values["clip"], beyond) == 0
    assert slope(values["plain"], beyond) < 0
    assert slope(values["continue"], beyond) == 1
    easy = curve(CombinedMargin(past_pi="easy"), degrees(89.999, 90.001))
    assert (easy[1] - easy[0]).item() == pytest.approx(math.sin(0.3), abs=1e-3)


# ExpFace ----------------------------------------------------------------------------------------------------------


@DTYPES
def test_the_gradient_of_expface_is_the_analytic_one_inside_and_its_limits_are_documented(dtype: torch.dtype) -> None:
    cosine = torch.tensor([-0.99, -0.5, 0.0, 0.5, 0.99, 1 - 1e-6], dtype=dtype)
    theta = torch.acos(cosine.double())
    u = theta / math.pi
    expected = 0.7 * u**-0.3 * torch.sin(math.pi * u**0.7) / torch.sin(theta)
    torch.testing.assert_close(slope(ExpFace(), cosine).double(), expected, rtol=1e-5, atol=0)
    edge = math.sqrt(torch.finfo(dtype).eps)
    poles = slope(ExpFace(), torch.tensor([1.0, -1.0], dtype=dtype))
    assert poles[0].item() == pytest.approx(0.7 * (edge / math.pi) ** -0.6, rel=1e-3)
    assert poles[1].item() == pytest.approx(0.49, rel=2e-3)
    torch.testing.assert_close(curve(ExpFace(1.0), cosine), cosine, rtol=0, atol=1e-6)


# The margin between two classes, losses.md 5.3 of the research -------------------------------------------------------


def class_margin(margin: Margin, between: float) -> float:
    """Return θ2 − θ1 in degrees where ψ(θ1) = cos θ2 and θ1 + θ2 = between: by bisection, in degrees."""
    low, high = 0.0, between
    for _ in range(60):
        middle = (low + high) / 2
        value = curve(margin, degrees(middle)).item()
        low, high = (middle, high) if value > math.cos(math.radians(between - middle)) else (low, middle)
    return between - 2 * low


@pytest.mark.parametrize(
    ("margin", "margins"),
    [
        (ExpFace(0.7), (12.8, 18.9, 21.2, 22.1, 23.4, 22.1)),
        (SphereFace(1.7, **FULL), (7.8, 15.6, 20.7, 23.3, 31.1, 46.7)),
        (SphereFaceR(1.7), (7.8, 15.6, 20.7, 23.3, 31.1, 46.7)),
        (LSoftmax(4, **FULL), (18.0, 36.0, 48.0, 54.0, 72.0, 108.0)),
        (CombinedMargin(1, 0.5, 0), (28.6,) * 6),
    ],
    ids=repr,
)
def test_margins_between_classes_are_those_of_the_theory(margin: Margin, margins: tuple[float, ...]) -> None:
    computed = [class_margin(margin, between) for between in (30, 60, 80, 90, 120, 179.999)]
    assert computed == pytest.approx(margins, abs=0.06)


# Dyn-ArcFace ------------------------------------------------------------------------------------------------------


def dynarcface_by_the_paper(features: Tensor, centers: Tensor, labels: Tensor, straight: bool = False) -> Tensor:
    margins = [curves.dynarcface_margin(centers, y) for y in labels.tolist()]

    def target(theta: Tensor, i: int) -> Tensor:
        value = arcface(theta, margins[i])
        return torch.cos(theta) + (value - torch.cos(theta)).detach() if straight else value

    return curves.sample_losses(features, centers, labels, 16.0, target)


@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
def test_dynarcface_equals_the_formula_and_no_gradient_goes_through_the_margin(gradient: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, "dynarcface", scale=16.0, gradient=gradient)
    paper = dynarcface_by_the_paper(features, centers, labels, straight=gradient == "straight_through")
    equal_in_value_and_gradient(head, head(features, labels), paper, features, centers)


def test_copies_and_opposites_of_a_center_are_at_0_and_180_degrees_though_rounding_puts_cosines_beyond_1() -> None:
    rows = torch.nn.functional.normalize(torch.randn(200, 64, generator=torch.Generator().manual_seed(0)))
    assert ((rows @ rows.T).diagonal() > 1).any()
    for sign, angle in ((1, 0.0), (-1, math.pi)):
        found = torch.cat([nearest_angles(torch.stack((row, sign * row)), torch.tensor([0])) for row in rows])
        torch.testing.assert_close(found, torch.full((200,), angle), rtol=0, atol=1e-3)


def test_the_margin_of_dynarcface_follows_the_nearest_other_center_and_never_its_own() -> None:
    centers = torch.tensor([[1.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.5]])
    angles = nearest_angles(centers, torch.tensor([0, 2, 1]))
    torch.testing.assert_close(angles, torch.tensor([math.pi / 4, 0.0, math.pi / 4]), rtol=0, atol=1e-3)
    near, far = DynArcFace().margins(torch.tensor([0.3, 2.0])).tolist()
    assert near == pytest.approx(0.5 + 0.015 / (1 + 14**1.1))
    assert far == pytest.approx(0.7 + 0.015 / (1 + 20**1.1))


def test_a_class_without_a_neighbor_is_as_far_as_can_be() -> None:
    assert nearest_angles(torch.ones(1, 3), torch.tensor([0])).item() == pytest.approx(math.pi)
    largest = DynArcFace().margins(torch.tensor([math.pi])).item()
    alone = torch.tensor([0.9], dtype=torch.float64)
    context = MarginContext(torch.ones(1, 3), torch.tensor([0]), torch.tensor([True]), torch.ones(1, 3).double())
    torch.testing.assert_close(DynArcFace()(alone, context), curve(ArcFace(largest), alone), rtol=0, atol=1e-6)


def test_samples_without_a_center_do_not_change_the_margins_of_the_others() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "dynarcface")
    labels[labels == 0] = -1  # label −1 stands as class 0 in the context
    kept = labels >= 0
    torch.testing.assert_close(head(features, labels), head(features[kept], labels[kept]), rtol=1e-12, atol=0)


# ElasticFace ------------------------------------------------------------------------------------------------------

ELASTIC = {"elastic_arc": 0.05, "elastic_cos": 0.05, "elastic_arc_plus": 0.0175, "elastic_cos_plus": 0.025}


@pytest.mark.parametrize("name", ELASTIC)
def test_a_seed_repeats_the_draws_and_two_calls_differ(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    torch.manual_seed(5)
    first, second = head(features, labels), head(features, labels)
    torch.manual_seed(5)
    assert torch.equal(head(features, labels), first)
    assert not torch.equal(second, first)


@pytest.mark.parametrize("name", ELASTIC)
def test_in_evaluation_the_margin_is_the_mean_and_no_random_number_is_used(name: str) -> None:
    features, centers, labels = problem()
    plain = "arcface" if "arc" in name else "cosface"
    state = torch.get_rng_state()
    loss = head_with(centers, name).eval()(features, labels)
    state_of_building = torch.get_rng_state()
    head = head_with(centers, name).eval()
    before = torch.get_rng_state()
    assert torch.equal(head(features, labels), loss)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(state, state_of_building)  # building does draw, so the comparison above can fail
    torch.testing.assert_close(loss, head_with(centers, plain)(features, labels), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ELASTIC)
def test_the_draws_have_the_mean_and_deviation_of_the_paper(name: str) -> None:
    mean, sigma = (0.5 if "arc" in name else 0.35), ELASTIC[name]
    margin = build(name, num_classes=2, embedding_size=2).margin
    assert (margin.margin, margin.sigma) == (mean, sigma)
    cosine = torch.zeros(200_000, dtype=torch.float64)
    context = MarginContext.of_curve(cosine, training=True)
    torch.manual_seed(0)
    value = margin(cosine, context)
    drawn = -value.asin() if "arc" in name else -value  # cos(90° + E) = −sin E
    assert drawn.mean().item() == pytest.approx(mean, abs=5 * sigma / math.sqrt(200_000))
    assert drawn.std().item() == pytest.approx(sigma, rel=0.01)


@pytest.mark.parametrize("name", ELASTIC)
@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
def test_elastic_equals_the_paper_with_the_same_draws(name: str, gradient: str) -> None:
    features, centers, labels = problem()
    labels[::4] = -1
    head = head_with(centers, name, scale=16.0, gradient=gradient)
    torch.manual_seed(3)
    ours = head(features, labels)
    torch.manual_seed(3)
    mean = 0.5 if "arc" in name else 0.35
    draws = mean + ELASTIC[name] * torch.randn(len(labels), dtype=torch.float64)
    there = labels >= 0
    features_there, labels_there, draws = features[there], labels[there], draws[there].tolist()
    if "plus" in name:
        cosines = nn.functional.cosine_similarity(features_there, centers[labels_there]).tolist()
        draws = curves.by_rank(draws, cosines)

    def target(theta: Tensor, i: int) -> Tensor:
        value = arcface(theta, draws[i]) if "arc" in name else torch.cos(theta) - draws[i]
        return torch.cos(theta) + (value - torch.cos(theta)).detach() if gradient == "straight_through" else value

    paper = curves.sample_losses(features_there, centers, labels_there, 16.0, target)
    equal_in_value_and_gradient(head, ours, paper, features, centers)


ORDERS = [((0.1, 0.9, 0.5), False), ((0.9, 0.1, 0.5), False), ((0.1, 0.5, 0.9), True), ((0.5, 0.9, 0.1), True)]


@pytest.mark.parametrize("cosines", [order for order, _ in ORDERS])
def test_the_smallest_cosine_gets_the_largest_margin(cosines: tuple[float, ...]) -> None:
    margins, cosine = torch.tensor([0.45, 0.55, 0.5]), torch.tensor(cosines)
    given = hand_out(margins, cosine, torch.ones(3, dtype=torch.bool), "rank")
    assert given[cosine.argsort()].tolist() == pytest.approx([0.55, 0.5, 0.45])


def test_the_order_of_public_code_is_right_only_where_a_permutation_is_its_own_inverse() -> None:
    margins, everyone = torch.tensor([0.45, 0.55, 0.5]), torch.ones(3, dtype=torch.bool)
    same = {}
    for cosines in [(0.1, 0.5, 0.9), (0.9, 0.5, 0.1), (0.5, 0.9, 0.1), (0.1, 0.9, 0.5)]:
        rank, upstream = (hand_out(margins, torch.tensor(cosines), everyone, a) for a in ("rank", "upstream"))
        same[cosines] = torch.equal(rank, upstream)
        assert upstream.tolist() == pytest.approx(curves.by_upstream_order(margins.tolist(), list(cosines)))
    assert same == {(0.1, 0.5, 0.9): True, (0.9, 0.5, 0.1): True, (0.5, 0.9, 0.1): True, (0.1, 0.9, 0.5): False}


@pytest.mark.parametrize("assignment", ["rank", "upstream"])
def test_the_assignment_permutes_the_margins_of_present_samples_and_no_others(assignment: str) -> None:
    generator = torch.Generator().manual_seed(4)
    oracle = {"rank": curves.by_rank, "upstream": curves.by_upstream_order}[assignment]
    for samples in (1, 2, 3, 8, 31):
        margins, cosine = (torch.rand(samples, generator=generator) + 0.1 for _ in range(2))
        present = torch.rand(samples, generator=generator) < 0.7
        before = margins.clone(), cosine.clone()
        given = hand_out(margins, cosine, present, assignment)
        assert given[present].tolist() == pytest.approx(oracle(margins[present].tolist(), cosine[present].tolist()))
        assert torch.equal(given[~present], margins[~present])
        assert torch.equal(margins, before[0])
        assert torch.equal(cosine, before[1])


def test_an_absent_sample_takes_no_part_in_the_ranking() -> None:
    cosine = torch.tensor([0.2, 0.8, -0.9], dtype=torch.float64)  # the hardest of all is not here
    context = MarginContext.of_curve(cosine, training=True)
    here = torch.tensor([True, True, False])
    context = MarginContext(context.features, context.labels, here, context.centers, training=True)
    torch.manual_seed(1)
    drawn = 0.35 + 0.025 * torch.randn(3, dtype=torch.float64)
    torch.manual_seed(1)
    margins = cosine - ElasticCosPlus()(cosine, context)
    expected = [drawn[:2].max().item(), drawn[:2].min().item(), drawn[2].item()]
    assert margins.tolist() == pytest.approx(expected)


def test_the_upstream_order_reaches_the_head_by_name() -> None:
    features, centers, labels = problem()
    losses = {}
    for assignment in ("rank", "upstream"):
        torch.manual_seed(2)
        head = head_with(centers, "elastic_cos_plus", assignment=assignment, sigma=0.3)
        torch.manual_seed(2)
        losses[assignment] = head(features, labels).item()
    assert losses["rank"] > losses["upstream"]  # the hardest get the most where it is by rank


def test_a_negative_draw_turns_the_other_way_and_does_not_wrap() -> None:
    cosine = degrees(10, 90, 179)
    for past_pi in ("continue", "fallback", "plain", "clip"):
        value = add_angle(cosine, torch.full_like(cosine, -0.1), past_pi)
        torch.testing.assert_close(value, torch.cos(cosine.acos() - 0.1), rtol=1e-12, atol=1e-12)
    margins = torch.tensor([0.0, 0.5, 0.5], dtype=torch.float64)
    torch.testing.assert_close(add_angle(cosine, margins, "continue")[0], cosine[0])


# Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LSoftmax(1.7), "2, 3, 4 or 5; got 1.7"),
        (lambda: LSoftmax(6), "2, 3, 4 or 5; got 6"),
        (lambda: SphereFace(0.5), "sphereface multiplies the angle, 1 ≤ m ≤ 10; got 0.5"),
        (lambda: SphereFace(math.nan), "multiplies the angle"),
        (lambda: SphereFace(floor=-1), "0 or above; got 1000, 0.12, 1, -1"),
        (lambda: LSoftmax(gamma=math.inf), "annealing"),
        (lambda: SphereFaceR(28.6), "sphereface_r multiplies the angle.*Usual: 1.7"),
        (lambda: CombinedMargin(m2=28.6), "radians"),
        (lambda: CombinedMargin(m1=0), "0 < m1"),
        (lambda: CombinedMargin(past_pi="contine"), "Did you mean 'continue'"),
        (lambda: CombinedMargin(m1=2, past_pi="fallback"), "fallback.*m1 = 1; got m1 2"),
        (lambda: ExpFace(1.5), "exponent"),
        (lambda: ExpFace(0), "exponent"),
        (lambda: DynArcFace(k3=3.5), "below π.*up to"),
        (lambda: DynArcFace(k1=-1), "0 or above"),
        (lambda: DynArcFace(past_pi="non"), "past_pi of dynarcface"),
        (lambda: ElasticArc(28.6), "degrees"),
        (lambda: ElasticArc(sigma=0.5), "m \\+ 6σ < π"),
        (lambda: ElasticCos(sigma=-0.1), "elastic_cos are differences of cosines"),
        (lambda: ElasticArcPlus(assignment="argsort"), "'rank' or 'upstream'; got 'argsort'"),
        (lambda: ElasticCosPlus(assignment="argsort"), "elastic_cos_plus"),
    ],
)
def test_a_value_out_of_range_is_refused(make: Callable[[], Margin], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_amsoftmax_is_cosface_with_its_own_defaults() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "amsoftmax")
    assert (head.scale, head.margin) == (30.0, CosFace(0.35))
    torch.testing.assert_close(head(features, labels), head_with(centers, "cosface", scale=30)(features, labels))
