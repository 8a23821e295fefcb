"""CurricularFace, MV-Softmax, NPCFace, ArcNegFace, circle loss: margins that change the other classes' cosines."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses import (
    ArcNegFace,
    Circle,
    CurricularFace,
    MarginContext,
    MVArcSoftmax,
    MVSoftmax,
    NPCFace,
    build,
)
from marginface.losses.margin import Observes, Reports, Surveys
from marginface.losses.theory import TargetCurve
from oracles import hard_negatives as oracle

NAMES = ["curricularface", "mv_softmax", "mv_softmax_arc", "npcface", "arcnegface", "circle"]
T = 0.37  # of CurricularFace, where it is asked in evaluation mode
PAST_PI = ("continue", "fallback", "plain", "easy", "clip")

Make = Callable[..., tuple[oracle.Target, oracle.Other]]
ORACLES: dict[str, Make] = {
    "curricularface": lambda **options: oracle.curricularface(T, **options),
    "mv_softmax": oracle.mv_softmax,
    "mv_softmax_arc": oracle.mv_softmax_arc,
    "npcface": oracle.npcface,
    "arcnegface": oracle.arcnegface,
    "circle": oracle.circle,
}
CASES = [
    *((name, {}, {}) for name in NAMES),
    *(
        (name, {"past_pi": choice}, {"past_pi": choice})
        for name in ("curricularface", "mv_softmax_arc", "npcface", "arcnegface")
        for choice in PAST_PI
    ),
    ("curricularface", {"margin": 0.2}, {"m": 0.2}),
    ("mv_softmax", {"margin": 0.1, "t": 1.4}, {"m": 0.1, "t": 1.4}),
    ("mv_softmax_arc", {"margin": 0.9, "t": 1.3}, {"m": 0.9, "t": 1.3}),
    (
        "npcface",
        {"margin": 0.3, "m0": 0.6, "m1": 0.5, "t": 1.3, "a": 0.1},
        {"m": 0.3, "m0": 0.6, "m1": 0.5, "t": 1.3, "a": 0.1},
    ),
    ("arcnegface", {"margin": 0.3, "alpha": 1.5, "sigma": 0.5}, {"m": 0.3, "alpha": 1.5, "sigma": 0.5}),
    ("circle", {"margin": 0.4}, {"m": 0.4}),
]


def problem(samples: int = 11, classes: int = 7, size: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Features near, between and opposite to their centers, so that some classes are hard and some are not."""
    generator = torch.Generator().manual_seed(8)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    labels = torch.arange(samples) % classes
    noise = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    pull = torch.linspace(-2, 2, samples, dtype=torch.float64)[:, None]
    return (noise * 0.4 + pull * centers[labels]).requires_grad_(), centers.requires_grad_(), labels


def head_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    """A head in evaluation mode; CurricularFace with t = T."""
    head = build(name, num_classes=len(centers), embedding_size=centers.shape[1], **options).double().eval()
    with torch.no_grad():
        head.centers.copy_(centers)
        for key, buffer in head.named_buffers():
            assert key == "margin.t"
            buffer.fill_(T)
    return head


def assert_equal(head: nn.Module, ours: Tensor, paper: Tensor, features: Tensor, centers: Tensor) -> None:
    """Value and both gradients; the gradients beside the largest of them, which is that of the scale."""
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(ours, [features, head.centers], retain_graph=True)
    for a, b in zip(mine, torch.autograd.grad(paper, [features, centers]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def margined(margin: nn.Module, cosine: float, others: list[float]) -> tuple[float, list[float]]:
    """The target and the other cosines of one sample after the margin; the survey comes first."""
    target, row = torch.tensor([cosine], dtype=torch.float64), torch.tensor([[cosine, *others]], dtype=torch.float64)
    context = MarginContext.of_curve(target)
    if isinstance(margin, Surveys):
        other = torch.arange(len(others) + 1)[None] > 0
        context = MarginContext(
            context.features, context.labels, context.present, context.centers,
            survey=margin.survey(row, other, target, context),
        )  # fmt: skip
    own = margin(target, context)
    return own.item(), margin.others(row, target, own, context)[0, 1:].tolist()


# All six ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options", "words"), CASES)
@pytest.mark.parametrize("scale", [4.0, 64.0])
@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
def test_value_and_gradient_equal_the_formula(
    name: str, options: dict[str, float], words: dict[str, float], scale: float, gradient: str
) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=scale, gradient=gradient, **options)
    paper = oracle.loss(
        features, centers, labels, scale, *ORACLES[name](**words), straight=gradient == "straight_through"
    )
    assert_equal(head, head(features, labels), paper, features, centers)


@pytest.mark.parametrize("name", NAMES)
def test_at_the_default_scale_too(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    paper = oracle.loss(features, centers, labels, head.scale, *ORACLES[name]())
    assert_equal(head, head(features, labels), paper, features, centers)


def test_the_problem_has_hard_and_easy_classes_and_targets_beyond_pi_minus_m() -> None:
    features, centers, labels = problem()
    cosine = head_with(centers, "circle").cosine(features)
    own = cosine.gather(1, labels[:, None])
    hard = cosine > torch.cos(own.acos() + 0.5)
    hard.scatter_(1, labels[:, None], False)
    assert 10 < hard.sum() < 56
    assert (hard.sum(1) == 0).any()
    assert (own.acos() > math.pi - 0.5).any()
    assert ((cosine < -0.25).sum(1) > 0).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_margin_strength_bends_the_other_classes_too(name: str, strength: float) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=16.0)
    head.margin_strength = strength
    target, other = ORACLES[name]()
    if name == "arcnegface":  # the gap is that to the target as it is at this strength

        def other(angles: oracle.Angles, y: int, j: int) -> Tensor:
            level = (1 - strength) * math.cos(angles[y].item()) + strength * target(angles, y).item()
            t = 1.2 * math.exp(-((math.cos(angles[j].item()) - level) ** 2) / 2)
            return t * torch.cos(angles[j]) + t - 1

    paper = oracle.loss(features, centers, labels, 16.0, target, other, strength=strength)
    assert_equal(head, head(features, labels), paper, features, centers)
    if strength == 0:
        plain = head_with(centers, "normface", scale=16.0)(features, labels)
        torch.testing.assert_close(head(features, labels), plain, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_the_straight_through_gradient_by_the_cosines_is_that_of_p_minus_onehot(name: str) -> None:
    features, centers, labels = problem()
    ours = torch.autograd.grad(
        (head := head_with(centers, name, gradient="straight_through", scale=8.0))(features, labels),
        [features, head.centers],
    )
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    target, other = ORACLES[name]()
    rows = []
    for row, y in zip(cosine.detach(), labels.tolist(), strict=True):
        angles = list(row.acos())
        rows.append(torch.stack([target(angles, y) if j == y else other(angles, y, j) for j in range(len(row))]))
    p = torch.softmax(8.0 * torch.stack(rows), 1)
    onehot = nn.functional.one_hot(labels, len(centers)).double()
    expected = torch.autograd.grad(cosine, [features, centers], 8.0 * (p - onehot) / len(labels))
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_both_gradients_have_one_value_but_differ(name: str) -> None:
    features, centers, labels = problem()
    exact, straight = (head_with(centers, name, gradient=g) for g in ("exact", "straight_through"))
    torch.testing.assert_close(exact(features, labels), straight(features, labels), rtol=1e-12, atol=0)
    (a,), (b,) = (torch.autograd.grad(head(features, labels), [features]) for head in (exact, straight))
    assert (a - b).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["curricularface", "mv_softmax", "mv_softmax_arc"])
def test_gradcheck(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=4.0)
    assert torch.autograd.gradcheck(lambda x: head(x, labels), [features])


@pytest.mark.parametrize("name", ["npcface", "arcnegface", "circle"])
def test_finite_differences_see_the_weights_that_carry_no_gradient(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=4.0)
    assert not torch.autograd.gradcheck(lambda x: head(x, labels), [features], raise_exception=False)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_near_float64_and_a_bf16_batch_leaves_centers_and_buffers_float32(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    exact = head(features, labels)
    head, features32 = head.float(), features.detach().float()
    loss = head(features32, labels)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-5)
    head.train()
    with torch.autocast("cpu", torch.bfloat16):
        half = head(features32.bfloat16().requires_grad_(), labels)
    half.backward()
    assert half.dtype == torch.float32
    assert half.item() == pytest.approx(loss.item(), rel=0.02)
    assert {tensor.dtype for tensor in head.state_dict().values()} == {torch.float32}
    assert head.centers.grad.dtype == torch.float32
    assert head.centers.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("training", [True, False])
def test_samples_without_a_center_are_left_out(name: str, training: bool) -> None:
    features, centers, labels = problem()
    some = labels.clone()
    some[::2] = -1
    all_in, only = (head_with(centers, name).train(training) for _ in range(2))
    torch.testing.assert_close(all_in(features, some), only(features[1::2], labels[1::2]), rtol=1e-12, atol=0)
    assert all(torch.equal(a, b) for a, b in zip(all_in.buffers(), only.buffers(), strict=True))
    (gradient,) = torch.autograd.grad(all_in(features, some), [features])
    assert (gradient[::2] == 0).all()
    before = [buffer.clone() for buffer in all_in.buffers()]
    nobody = all_in(features, torch.full_like(labels, -1))
    nobody.backward()
    assert nobody == 0
    assert all(torch.equal(a, b) for a, b in zip(all_in.buffers(), before, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_single_class_has_loss_0_and_gradient_0(name: str) -> None:
    head = build(name, num_classes=1, embedding_size=3)
    features = torch.randn(4, 3, requires_grad=True)
    loss = head(features, torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert loss == 0
    assert (features.grad == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_sample_is_a_batch(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=16.0)
    for i in range(len(labels)):
        paper = oracle.loss(features[i : i + 1], centers, labels[i : i + 1], 16.0, *ORACLES[name]())
        ours = head(features[i : i + 1], labels[i : i + 1])
        torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
@pytest.mark.parametrize("training", [True, False])
def test_poles_and_zero_norms_have_finite_losses_and_gradients(name: str, gradient: str, training: bool) -> None:
    head = build(name, num_classes=4, embedding_size=3, gradient=gradient).train(training)
    with torch.no_grad():
        head.centers.copy_(torch.cat([torch.eye(3), torch.zeros(1, 3)]))
    features = torch.cat([torch.eye(3), -torch.eye(3), torch.zeros(2, 3)]).requires_grad_()
    for labels in (torch.arange(8) % 3, torch.arange(1, 9) % 4):  # own center or another at the pole
        loss = head(features, labels)
        loss.backward()
        assert loss.isfinite()
        assert features.grad.isfinite().all()
        assert head.centers.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_of_the_head_or_of_a_hook_is_changed(name: str) -> None:
    """Public code writes the hard negatives into the matrix of cosines that it was given, or still needs."""
    features, centers, labels = problem()
    head = head_with(centers, name).train()
    before = features.detach().clone(), labels.clone(), head.centers.detach().clone()
    head(features, labels).backward()
    assert all(torch.equal(a, b) for a, b in zip(before, (features, labels, head.centers), strict=True))
    cosine = head.cosine(features)
    assert torch.equal(head.cosine(features), cosine)
    own = cosine.gather(1, labels[:, None]).squeeze(1)
    context = MarginContext(features.detach(), labels, labels >= 0, head.centers.detach())
    given = cosine.clone(), own.clone(), head.margin(own, context)
    kept = [tensor.clone() for tensor in given]
    changed = head.margin.others(*given, context)
    assert not torch.equal(changed, cosine)
    assert all(torch.equal(a, b) for a, b in zip(given, kept, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_tiles_of_classes_are_changed_as_the_whole_is(name: str) -> None:
    features, centers, labels = problem()
    margin = head_with(centers, name).margin
    cosine = nn.functional.normalize(features.detach()) @ nn.functional.normalize(centers.detach()).T
    own = cosine.gather(1, labels[:, None]).squeeze(1)
    context = MarginContext(features.detach(), labels, labels >= 0, centers.detach())
    whole = margin.others(cosine, own, margin(own, context), context)
    tiles = [margin.others(tile, own, margin(own, context), context) for tile in cosine.split(3, dim=1)]
    assert torch.equal(torch.cat(tiles, 1), whole)
    if isinstance(margin, Surveys):
        other = torch.arange(len(centers))[None] != labels[:, None]
        survey = margin.survey(cosine.requires_grad_(), other, own, context)
        pieces = zip(cosine.split(3, dim=1), other.split(3, dim=1), strict=True)
        torch.testing.assert_close(sum(margin.survey(a, b, own, context) for a, b in pieces), survey)
        assert not survey.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_head_gives_the_same_loss_when_loaded(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name).train()
    head(features, labels)
    fresh = build(name, num_classes=7, embedding_size=3).double().train()
    fresh.load_state_dict(head.state_dict())
    assert torch.equal(fresh(features, labels), head(features, labels))
    assert fresh.report(0) == head.report(0)


@pytest.mark.parametrize("name", NAMES)
def test_the_margin_falls_with_the_angle_and_never_helps(name: str) -> None:
    head = build(name, num_classes=3, embedding_size=4)
    cosine = torch.linspace(1, -1, 20_001, dtype=torch.float64)
    values = head.margin(cosine, MarginContext.of_curve(cosine))
    assert (values.diff() < 0).all()
    assert (values < cosine).all()


# CurricularFace ---------------------------------------------------------------------------------------------------


def test_t_learns_in_training_before_it_is_used_and_not_in_evaluation() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "curricularface", scale=16.0).train()
    own = head.cosine(features).gather(1, labels[:, None]).squeeze(1).tolist()
    t = oracle.curricular_t(T, own)
    assert abs(t - T) > 1e-4
    paper = oracle.loss(features, centers, labels, 16.0, *oracle.curricularface(t))
    late = oracle.loss(features, centers, labels, 16.0, *oracle.curricularface(T))
    assert not torch.isclose(paper, late, rtol=1e-7)
    assert_equal(head, head(features, labels), paper, features, centers)
    assert head.report(0) == {"t": pytest.approx(t, rel=1e-12)}
    head.eval()(features, labels)
    assert head.report(1) == {"t": pytest.approx(t, rel=1e-12)}


def test_t_follows_the_authors_weights_over_many_batches() -> None:
    margin = CurricularFace().double()
    target = torch.tensor([0.9, 0.7], dtype=torch.float64)
    expected = 0.0
    for _ in range(50):
        margin.observe(target, MarginContext.of_curve(target))
        expected = oracle.curricular_t(expected, target.tolist())
    assert margin.t.item() == pytest.approx(expected, rel=1e-12)
    assert expected == pytest.approx(0.8 * (1 - 0.99**50))  # the weights of the printed equation would give 0.8 at once


def test_t_carries_no_gradient_and_an_earlier_loss_can_still_go_backward() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "curricularface").train()
    first = head(features, labels)
    head(features, labels)
    first.backward()
    assert not head.margin.t.requires_grad
    assert features.grad.isfinite().all()


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_batch_that_overflowed_does_not_spoil_t(broken: float) -> None:
    margin = CurricularFace()
    good = torch.tensor([0.5, 0.5])
    margin.observe(good, MarginContext.of_curve(good))
    margin.observe(torch.tensor([0.5, broken]), MarginContext.of_curve(good))
    assert margin.t.item() == pytest.approx(0.005)


def test_the_curriculum_weighs_hard_negatives_less_at_first_and_more_later() -> None:
    early, late = CurricularFace().double(), CurricularFace().double()
    late.t = late.t + 0.7
    own, others = margined(early, 0.8, [0.6, 0.1])
    assert own == pytest.approx(math.cos(math.acos(0.8) + 0.5))
    assert own < 0.6
    assert others == pytest.approx([0.36, 0.1])
    assert margined(late, 0.8, [0.6, 0.1])[1] == pytest.approx([0.78, 0.1])


def test_the_gradient_of_a_hard_negative_is_t_plus_twice_its_cosine() -> None:
    margin = CurricularFace().double()
    margin.t = margin.t + 0.3
    others = torch.tensor([[0.6, 0.1, -0.2]], dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0.5], dtype=torch.float64)
    context = MarginContext.of_curve(target)
    changed = margin.others(others, target, margin(target, context), context)
    (slope,) = torch.autograd.grad(changed.sum(), others)
    assert slope[0].tolist() == pytest.approx(
        [0.3 + 1.2, 0.3 + 0.2, 1.0]
    )  # cos(60° + 28.6°) = 0.024: the third is easy


def test_only_curricularface_has_state() -> None:
    for name in NAMES:
        head = build(name, num_classes=3, embedding_size=2)
        keys = ["centers", *(["margin.t"] if name == "curricularface" else [])]
        assert sorted(head.state_dict()) == keys
        assert isinstance(head.margin, Observes) == isinstance(head.margin, Reports) == (name == "curricularface")


# MV-Softmax -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "plain"), [("mv_softmax", "cosface"), ("mv_softmax_arc", "arcface")])
def test_with_t_1_mv_softmax_is_the_margin_alone(name: str, plain: str) -> None:
    features, centers, labels = problem()
    ours = head_with(centers, name, t=1.0, scale=64.0)(features, labels)
    torch.testing.assert_close(ours, head_with(centers, plain)(features, labels), rtol=1e-12, atol=0)


@pytest.mark.parametrize(("margin", "own"), [(MVSoftmax(), 0.45), (MVArcSoftmax(), math.cos(math.acos(0.8) + 0.5))])
def test_mv_softmax_pushes_the_classes_above_the_margined_target(margin: nn.Module, own: float) -> None:
    assert margined(margin, 0.8, [0.9, own + 1e-9, own - 1e-9]) == (
        pytest.approx(own),
        pytest.approx([1.12 * 0.9 + 0.12, 1.12 * own + 0.12, own]),
    )


def test_the_am_form_keeps_its_margin_below_m_where_public_code_jumps_up() -> None:
    assert margined(MVSoftmax(), 0.3, [])[0] == pytest.approx(-0.05)
    assert margined(MVSoftmax(), 0.4, [])[0] == pytest.approx(0.05)


# NPCFace ----------------------------------------------------------------------------------------------------------


def test_the_margin_of_npcface_is_that_of_its_hard_classes() -> None:
    """cos(60° + 28.6°) = 0.02: of the others 0.7 and 0.3 are hard, −0.5 is not; the true class does not count."""
    own, others = margined(NPCFace(), 0.5, [0.7, 0.3, -0.5])
    assert own == pytest.approx(math.cos(math.acos(0.5) + 0.4 + 0.2 * 0.5))
    assert others == pytest.approx([0.97, 0.53, -0.5])
    assert margined(NPCFace(), 0.95, [0.1, -0.5])[0] == pytest.approx(math.cos(math.acos(0.95) + 0.4))  # none is hard


def test_the_target_of_npcface_steps_up_where_a_class_becomes_hard_at_a_negative_cosine() -> None:
    theta = np.radians([75.6, 75.8])  # between opposite centers the other is hard from 90° − 14.3° on
    before, after = TargetCurve(NPCFace())(theta)
    assert before == pytest.approx(math.cos(theta[0] + 0.4))
    assert after == pytest.approx(math.cos(theta[1] + 0.4 - 0.2 * math.cos(theta[1])))
    assert after > before + 0.04


def test_without_a_survey_npcface_has_no_hard_classes() -> None:
    cosine = torch.tensor([0.5, 0.9], dtype=torch.float64)
    torch.testing.assert_close(
        NPCFace()(cosine, MarginContext.of_curve(cosine)), torch.cos(cosine.acos() + 0.4), rtol=1e-12, atol=0
    )


def test_the_survey_of_npcface_is_taken_in_evaluation_too_and_leaves_out_the_true_class() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "npcface", m1=0.4)
    other = torch.arange(7)[None] != labels[:, None]
    cosine = head.cosine(features)
    own = cosine.gather(1, labels[:, None]).squeeze(1)
    context = MarginContext(features.detach(), labels, labels >= 0, head.centers.detach())
    total, count = head.margin.survey(cosine, other, own, context).unbind(1)
    hard = [
        [j for j in range(7) if j != y and c[j] > torch.cos(c[y].acos() + 0.5)]
        for c, y in zip(cosine, labels, strict=True)
    ]
    assert count.tolist() == [len(classes) for classes in hard]
    assert total.tolist() == pytest.approx([sum(c[classes].tolist()) for c, classes in zip(cosine, hard, strict=True)])
    assert torch.equal(head(features, labels), copy.deepcopy(head).train()(features, labels))


# ArcNegFace -------------------------------------------------------------------------------------------------------


def test_a_class_level_with_the_target_gets_alpha_and_one_far_from_it_less() -> None:
    own = math.cos(math.acos(0.8) + 0.5)
    _, others = margined(ArcNegFace(), 0.8, [own, own - 0.8, 0.999])
    far, above = (1.2 * math.exp(-(gap**2) / 2) for gap in (0.8, 0.999 - own))
    assert others == pytest.approx([1.2 * own + 0.2, far * (own - 0.8) + far - 1, above * 0.999 + above - 1])
    assert others[0] > own
    assert others[1] < own - 0.8


def test_classes_nearer_than_root_sigma_ln_alpha_count_more() -> None:
    reach = math.sqrt(2 * math.log(1.2))
    own, others = margined(ArcNegFace(), 0.6, [0.0, 0.0])
    inside, outside = own + reach - 1e-6, own + reach + 1e-6
    _, others = margined(ArcNegFace(), 0.6, [inside, outside])
    assert others[0] > inside
    assert others[1] < outside
    assert reach == pytest.approx(0.60, abs=5e-3)


# Circle -----------------------------------------------------------------------------------------------------------


def test_circle_is_scale_times_changed_cosines_with_the_paces_as_factors() -> None:
    features, centers, labels = problem()
    ours = torch.autograd.grad(
        (head := head_with(centers, "circle", scale=16.0))(features, labels), [features, head.centers]
    )
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    onehot = nn.functional.one_hot(labels, 7).bool()
    pace = torch.where(onehot, 1.25 - cosine, (cosine + 0.25).clamp_min(0)).detach()
    p = torch.softmax(16.0 * pace * (cosine - torch.where(onehot, 0.75, 0.25)), 1).detach()
    expected = torch.autograd.grad(cosine, [features, centers], 16.0 * pace * (p - onehot.double()) / len(labels))
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def test_the_decision_boundary_of_circle_is_a_circle() -> None:
    for turn in torch.linspace(0.1, 1.5, 5).tolist():
        own, other = 1 - math.sqrt(2) * 0.25 * math.cos(turn), math.sqrt(2) * 0.25 * math.sin(turn)
        psi, (phi,) = margined(Circle(), own, [other])
        assert psi == pytest.approx(phi, abs=1e-12)
    assert margined(Circle(), 1.0, [-0.3]) == (pytest.approx(0.0625), [0.0])


# Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("curricularface", {"margin": 28.6}, "margin of curricularface is an angle in radians.*got 28.6"),
        ("curricularface", {"t_alpha": 0.0}, "t_alpha of curricularface.*got 0.0. Usual: 0.01"),
        ("curricularface", {"past_pi": "falback"}, "past_pi of curricularface.*got 'falback'.*fallback"),
        ("mv_softmax", {"margin": 2.5}, "margin of mv_softmax is a difference of cosines.*got 2.5"),
        ("mv_softmax", {"t": 0.2}, "t of mv_softmax is the weight.*got 0.2. Usual: 1.12"),
        ("mv_softmax_arc", {"t": math.nan}, "t of mv_softmax_arc"),
        ("mv_softmax_arc", {"margin": -0.1}, "margin of mv_softmax_arc is an angle"),
        ("npcface", {"m0": 0.1}, "m0 and m1 of npcface.*got 0.1 and 0.2"),
        ("npcface", {"m0": 3.0}, "m0 \\+ m1 < π; got 3.0 and 0.2"),
        ("npcface", {"t": 0.9}, "t and a of npcface.*got 0.9 and 0.2"),
        ("arcnegface", {"sigma": 0.0}, "alpha and sigma of arcnegface.*got 1.2 and 0.0"),
        ("circle", {"margin": 1.5}, "margin of circle.*got 1.5"),
    ],
)
def test_a_wrong_value_says_what_is_right(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(name, num_classes=3, embedding_size=2, **options)
