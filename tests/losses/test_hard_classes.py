"""CurricularFace, MV-Softmax, NPCFace, ArcNegFace, Circle: their papers, and the faults of public code."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError, UnknownName
from marginface.losses import MarginContext, NPCFace, build
from oracles import hard_classes as oracle

NAMES = ["curricularface", "mv_am", "mv_arc", "npcface", "arcnegface", "circle"]
ORACLES: dict[str, oracle.Logits] = {
    "mv_am": oracle.mv("mv_am"),
    "mv_arc": oracle.mv("mv_arc"),
    "npcface": oracle.npcface,
    "arcnegface": oracle.arcnegface,
    "circle": oracle.circle,
}


def problem(classes: int = 7, size: int = 4, samples: int = 13) -> tuple[Tensor, Tensor, Tensor]:
    """Few dimensions for the classes, so that many are hard; one sample beyond π − m, one next to its centre."""
    generator = torch.Generator().manual_seed(3)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    features = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    labels = torch.arange(samples) % classes
    features[0] = -centers[0] + 0.1 * features[0]
    features[1] = 3 * centers[1] + 0.05 * features[1]
    return features.requires_grad_(), centers.requires_grad_(), labels


def head_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    head = build(name, num_classes=len(centers), embedding_size=centers.shape[1], **options).double()
    with torch.no_grad():
        head.centers.copy_(centers)
    return head


def hard_pairs(features: Tensor, centers: Tensor, labels: Tensor, margin: float) -> int:
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    angle = cosine.gather(1, labels[:, None]).acos()
    hard = cosine > (angle + margin).cos()
    return int(hard.scatter(1, labels[:, None], value=False).sum())


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("scale", [4.0, 32.0])
def test_value_and_gradient_equal_the_paper(name: str, scale: float) -> None:
    features, centers, labels = problem()
    assert 5 < hard_pairs(features, centers, labels, 0.35) < 70
    head = head_with(centers, name, scale=scale)
    ours, paper = head(features, labels), oracle.loss(features, centers, labels, scale, ORACLES[name])
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(ours, [features, head.centers])
    for a, b in zip(mine, torch.autograd.grad(paper, [features, centers]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_curricularface_equals_the_paper_for_three_batches_and_learns_t_before_it_judges() -> None:
    features, centers, labels = problem()
    head, t = head_with(centers, "curricularface", scale=8.0, momentum=0.6), 0.0
    cosine = nn.functional.cosine_similarity(features.detach(), centers.detach()[labels])
    for rows in (slice(1, 9), slice(4, 13), slice(0, 13, 2)):
        x, y = features[rows], labels[rows]
        t = 0.6 * t + 0.4 * cosine[rows].mean().item()
        ours, paper = head(x, y), oracle.loss(x, centers, y, 8.0, oracle.curricularface(t))
        torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
        mine = torch.autograd.grad(ours, [features, head.centers])
        for a, b in zip(mine, torch.autograd.grad(paper, [features, centers]), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
        assert head.report(0) == {"t": pytest.approx(t, abs=1e-12)}


def test_t_of_curricularface_follows_only_present_samples_in_training() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "curricularface").eval()
    head(features, labels)
    assert head.margin.t == 0
    head.train()
    absent = torch.where(torch.arange(len(labels)) < 6, labels, -1)
    head(features, absent)
    other = head_with(centers, "curricularface")
    other(features[:6], labels[:6])
    torch.testing.assert_close(head.margin.t, other.margin.t)
    assert head.margin.t != 0
    before = head.margin.t.clone()
    loss = head(features, torch.full_like(labels, -1))
    assert loss == 0
    assert torch.equal(head.margin.t, before)
    assert not head.margin.t.requires_grad


def test_t_is_saved_and_loaded_and_float32_in_a_bfloat16_batch() -> None:
    head = build("curricularface", num_classes=4, embedding_size=3)
    with torch.autocast("cpu", torch.bfloat16):
        head(torch.randn(5, 3, dtype=torch.bfloat16), torch.arange(5) % 4)
    assert head.margin.t.dtype == head.centers.dtype == torch.float32
    other = build("curricularface", num_classes=4, embedding_size=3)
    other.load_state_dict(copy.deepcopy(head.state_dict()))
    features, labels = torch.randn(5, 3), torch.arange(5) % 4
    assert torch.equal(head(features, labels), other(features, labels))


@pytest.mark.parametrize("name", ["curricularface", "mv_am", "mv_arc", "npcface"])
def test_the_exact_gradient_is_that_of_the_value(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=4.0).eval()
    if name == "curricularface":
        head.margin.t.fill_(0.3)
    # the margin of npcface jumps where a class becomes hard and follows a mean without gradient: m1 = 0 here
    head = head_with(centers, name, scale=4.0, m1=0.0) if name == "npcface" else head
    assert torch.autograd.gradcheck(lambda x: head(x, labels[2:]), [features.detach()[2:].requires_grad_()])


@pytest.mark.parametrize("name", NAMES)
def test_straight_through_is_s_times_p_minus_onehot_by_the_cosines(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=8.0, gradient="straight_through").eval()
    ours = torch.autograd.grad(head(features, labels), [features, head.centers])
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    angles = [[torch.acos(c) for c in row] for row in cosine]
    logits = ORACLES.get(name, oracle.curricularface(0.0))
    bent = torch.stack([torch.stack(logits(row, y)) for row, y in zip(angles, labels.tolist(), strict=True)])
    onehot = nn.functional.one_hot(labels, len(centers)).double()
    p = torch.softmax(8.0 * bent, 1).detach()
    expected = torch.autograd.grad(cosine, [features, centers], 8.0 * (p - onehot) / len(labels))
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_caller_is_edited(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    cosine = head.cosines_with_gradient(features)
    target = cosine.gather(1, labels[:, None]).squeeze(1)
    before = cosine.detach().clone()
    context = MarginContext(features, labels, labels >= 0, head.centers)
    head.margin.others(cosine, target, target, context)
    head(features, labels)
    assert torch.equal(cosine, before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gradient", ["exact", "straight_through"])
def test_poles_one_class_one_sample_and_a_zero_feature_stay_finite(name: str, gradient: str) -> None:
    head = build(name, num_classes=3, embedding_size=3, gradient=gradient)
    with torch.no_grad():
        head.centers.copy_(torch.eye(3))
    features = torch.cat([torch.eye(3), -torch.eye(3), torch.zeros(1, 3)]).requires_grad_()
    head(features, torch.tensor([0, 1, 2, 0, 1, 2, 0])).backward()
    assert features.grad.isfinite().all()
    assert head.centers.grad.isfinite().all()
    alone = build(name, num_classes=1, embedding_size=3, gradient=gradient)
    assert alone(torch.randn(1, 3), torch.tensor([0])) == 0


def test_npcface_gives_a_sample_with_harder_classes_the_larger_margin() -> None:
    margin, target = NPCFace(), torch.tensor([0.6, 0.6, 0.6])
    context = MarginContext.of_curve(target)
    others = torch.tensor([[0.6, -0.5, -0.4], [0.6, 0.5, -0.4], [0.6, 0.9, 0.8]])
    other = torch.tensor([[False, True, True]]).expand(3, 3)
    survey = margin.survey(others, other, target, context)
    torch.testing.assert_close(survey, torch.tensor([[0.0, 0.0], [0.5, 1.0], [1.7, 2.0]]))
    tiles = margin.survey(others[:, :2], other[:, :2], target, context)
    torch.testing.assert_close(tiles + margin.survey(others[:, 2:], other[:, 2:], target, context), survey)
    seen = MarginContext(context.features, context.labels, context.present, context.centers, survey=survey)
    expected = [math.cos(math.acos(0.6) + m) for m in (0.4, 0.5, 0.4 + 0.2 * 0.85)]
    torch.testing.assert_close(margin(target, seen), torch.tensor(expected))


def test_a_hard_class_costs_more_than_without_the_loss_s_weight() -> None:
    features, centers, labels = problem()
    for name, plain in (("mv_am", "cosface"), ("mv_arc", "arcface")):
        weighed = head_with(centers, name, scale=8.0)(features, labels)
        assert weighed > head_with(centers, plain, scale=8.0, margin=0.35)(features, labels)
        torch.testing.assert_close(
            head_with(centers, name, scale=8.0, t=1.0)(features, labels),
            head_with(centers, plain, scale=8.0, margin=0.35)(features, labels),
        )


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("curricularface", {"momentum": 1.5}, "momentum of curricularface is what stays of t"),
        ("curricularface", {"margin": 28.6}, "angle in radians"),
        ("mv_am", {"t": 0.9}, "t of mv_am .* at least 1; got 0.9"),
        ("mv_arc", {"past_pi": "ease"}, "past_pi of mv_arc .*Did you mean 'easy'"),
        ("npcface", {"m0": 0.1}, "m0 of npcface is at least m1"),
        ("arcnegface", {"sigma": 0.0}, "sigma of arcnegface is above 0"),
        ("circle", {"margin": 1.0}, "margin of circle"),
    ],
)
def test_wrong_options_say_what_is_right(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(name, num_classes=3, embedding_size=2, **options)
    with pytest.raises(UnknownName, match=f"option of {name}"):
        build(name, num_classes=3, embedding_size=2, marginn=1)
