"""MagFace, AdaFace, KappaFace, AdaCos: their papers, what they learn from a batch, and what they must not."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError, UnknownName
from marginface.losses import LOSSES, AdaCos, AdaFace, KappaFace, MagFace, MarginContext, MarginHead, build
from marginface.losses.margin import HeadFacts
from marginface.losses.theory import TargetCurve, adacos_scale, cautions_of, facts_of, magface_penalty_bound
from oracles import adaptive
from oracles.curves import sample_losses
from oracles.margins import arcface, cosface, margin_loss, normface

NAMES = ["magface", "adaface", "kappaface", "adacos", "adacos_fixed"]
LEARNS = ["adaface", "kappaface", "adacos"]
NORMS = [0.2, 0.5, 9.0, 10.5, 15.0, 18.0, 22.0, 30.0, 60.0, 95.0, 109.0, 140.0]


def problem(classes: int = 5, size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Features of many norms, from next to their center to beyond π − m; centers, labels; float64."""
    generator = torch.Generator().manual_seed(5)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    labels = torch.arange(len(NORMS)) % classes
    noise = torch.randn(len(NORMS), size, generator=generator, dtype=torch.float64)
    pull = torch.tensor([2, -2, 1, 0, 3, -3, 2, 0.5, -2, 9, 1, 8], dtype=torch.float64)[:, None]
    directions = nn.functional.normalize(noise * 0.4 + pull * centers[labels])
    features = directions * torch.tensor(NORMS, dtype=torch.float64)[:, None]
    return features.requires_grad_(), centers.requires_grad_(), labels


def head_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    head = build(name, num_classes=len(centers), embedding_size=centers.shape[1], **options).double()
    with torch.no_grad():
        head.centers.copy_(centers)
    return head


def state_of(head: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in head.state_dict().items() if name != "centers"}


def changed(head: nn.Module, before: dict[str, Tensor]) -> bool:
    return any(not torch.equal(tensor, before[name]) for name, tensor in state_of(head).items())


def equal_in_value_and_gradient(
    head: nn.Module, ours: Tensor, paper: Tensor, features: Tensor, centers: Tensor
) -> None:
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(ours, [features, head.centers])
    for a, b in zip(mine, torch.autograd.grad(paper, [features, centers]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def curve(margin: object, norm: float, cosine: Tensor) -> Tensor:
    context = MarginContext.of_curve(cosine)
    return margin(cosine, MarginContext(context.features * norm, context.labels, context.present, context.centers))


def cosines(features: Tensor, centers: Tensor) -> Tensor:
    return nn.functional.normalize(features.detach()) @ nn.functional.normalize(centers.detach()).T


# Formula ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [4.0, 64.0])
@pytest.mark.parametrize("numbers", [(0.45, 0.8, 10.0, 110.0, 35.0), (0.0, 1.2, 0.4, 50.0, 2.0)])
def test_magface_equals_the_paper(scale: float, numbers: tuple[float, float, float, float, float]) -> None:
    features, centers, labels = problem()
    low, high, least, most, weight = numbers
    head = head_with(
        centers,
        "magface",
        scale=scale,
        lower_margin=low,
        upper_margin=high,
        lower_norm=least,
        upper_norm=most,
        weight=weight,
    )

    def target(theta: Tensor, i: int) -> Tensor:
        return adaptive.arc(theta, adaptive.magface_margin(features[i], (low, high), (least, most)))

    penalty = torch.stack([adaptive.magface_penalty(x, weight, (least, most)) for x in features]).mean()
    paper = sample_losses(features, centers, labels, scale, target) + penalty
    equal_in_value_and_gradient(head, head(features, labels), paper, features, centers)


@pytest.mark.parametrize("scale", [4.0, 64.0])
@pytest.mark.parametrize("t_alpha", [0.01, 0.3, 1.0])
def test_adaface_equals_the_paper_for_three_batches(scale: float, t_alpha: float) -> None:
    features, centers, labels = problem()
    head, statistics = head_with(centers, "adaface", scale=scale, t_alpha=t_alpha), adaptive.AdaFaceStatistics()
    for rows in (slice(0, 12), slice(3, 9), slice(2, 12, 3)):
        x, y = features[rows], labels[rows]
        statistics.see([row.norm().item() for row in x], t_alpha)
        z = [statistics.quality(row.norm().item(), 0.333) for row in x]

        def target(theta: Tensor, i: int, z: list[float] = z) -> Tensor:
            return adaptive.adaface(theta, z[i])

        paper = sample_losses(x, centers, y, scale, target)
        equal_in_value_and_gradient(head, head(x, y), paper, features, centers)
    report = head.report(0)
    assert report == {"norm_mean": pytest.approx(statistics.mean), "norm_std": pytest.approx(statistics.std)}


@pytest.mark.parametrize("scale", [4.0, 64.0])
@pytest.mark.parametrize("window", [64, 2])
def test_kappaface_equals_the_paper_for_four_batches(scale: float, window: int) -> None:
    features, centers, labels = problem()
    head, memory = head_with(centers, "kappaface", scale=scale, window=window), adaptive.KappaFaceMemory(5, 4, window)
    for rows in (slice(0, 3), slice(0, 12), slice(2, 12, 3), slice(4, 12)):
        x, y = features[rows], labels[rows]
        memory.see(x, y.tolist())
        weights = [memory.weight(label) for label in y.tolist()]

        def target(theta: Tensor, i: int, weights: list[float] = weights) -> Tensor:
            return adaptive.arc(theta, 0.8 * weights[i])

        paper = sample_losses(x, centers, y, scale, target)
        equal_in_value_and_gradient(head, head(x, y), paper, features, centers)
    assert head.margin.counts.tolist() == memory.counts
    torch.testing.assert_close(head.margin.means, torch.stack(memory.means), rtol=1e-12, atol=1e-15)
    margins = [0.8 * memory.weight(j) for j in range(5)]
    assert head.report(0) == {"margin_least": pytest.approx(min(margins)), "margin_most": pytest.approx(max(margins))}
    assert max(margins) - min(margins) > 0.1


@pytest.mark.parametrize("rows", [[*range(12)], [*range(11)], [4], [1, 3, 5, 8]])  # the last: most beyond 45°
def test_adacos_equals_the_paper_for_three_batches(rows: list[int]) -> None:
    features, centers, labels = problem(classes=9, size=6)
    head = head_with(centers, "adacos")
    s = math.sqrt(2) * math.log(8)
    assert head.report(0)["scale"] == pytest.approx(s)
    s = head.report(0)["scale"]  # in float32
    x, y = features.detach()[rows].requires_grad_(), labels[rows]
    for _ in range(3):
        s = min(max(adaptive.adacos_next(cosines(x, centers), y.tolist(), s), 1.0), 128.0)
        loss = head(x, y)
        assert head.report(0)["scale"] == pytest.approx(s, rel=1e-12)
        equal_in_value_and_gradient(head, loss, margin_loss(x, centers, y, s, normface), x, centers)


def test_adacos_fixed_is_normface_at_its_scale() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "adacos_fixed")
    s = adacos_scale(5)
    assert head.scale == s
    paper = margin_loss(features, centers, labels, s, normface)
    equal_in_value_and_gradient(head, head(features, labels), paper, features, centers)
    assert build("adacos_fixed", num_classes=2, embedding_size=2).scale == 1


@pytest.mark.parametrize(("norm", "z"), [(1.0, -1.0), (20.0, 0.0), (60.0, 1.0)])
def test_adaface_is_arcface_for_short_and_cosface_for_middling_features(norm: float, z: float) -> None:
    margin = AdaFace().double()
    margin.norm_mean, margin.norm_std = torch.tensor(20.0).double(), torch.tensor(1.0).double()
    theta = torch.linspace(0.5, 3.1, 50, dtype=torch.float64)
    assert margin.quality(torch.tensor([norm], dtype=torch.float64)).item() == pytest.approx(z)
    expected = {
        -1: [arcface(t, 0.4) for t in theta],
        0: [cosface(t, 0.4) for t in theta],
        1: [torch.cos(t - 0.4) - 0.8 for t in theta],
    }[int(z)]
    torch.testing.assert_close(curve(margin, norm, theta.cos()), torch.stack(expected))


def test_the_margin_of_kappaface_is_larger_where_features_scatter_and_images_are_few() -> None:
    margin = KappaFace(4, 8).double()
    tight, loose = torch.eye(8, dtype=torch.float64)[0], torch.eye(8, dtype=torch.float64)
    features = torch.cat([tight + 0.1 * loose[:6], tight + 2 * loose[:6], tight + 0.1 * loose[:3], tight + loose[:6]])
    labels = torch.tensor([0] * 6 + [1] * 6 + [2] * 3 + [3] * 6)
    margin.observe(labels, MarginContext(features, labels, labels >= 0, torch.zeros(4, 8)))
    m = margin.margins()
    assert m[1] > m[3] > m[0]
    assert m[2] > m[0]
    assert (margin.concentrations()[[0, 1]].diff() < 0).all()


# Direction --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [0.0, 5.0, 12.0, 20.0, 28.0, 60.0, 110.0, 500.0])
@pytest.mark.parametrize("margin", [MagFace(), AdaFace(), KappaFace(2, 2)], ids=["magface", "adaface", "kappaface"])
def test_the_margin_never_helps_and_falls_with_the_angle_whatever_the_norm(margin: object, norm: float) -> None:
    if isinstance(margin, AdaFace):
        margin.norm_std = torch.tensor(3.0)
    cosine = torch.linspace(1, -1, 20_001, dtype=torch.float64)
    margined = curve(margin, norm, cosine)
    assert (margined < cosine).all()
    assert (margined.diff() < 0).all()


@pytest.mark.parametrize(
    ("outside", "norm", "theta", "value"),
    [
        ("continue", 100.0, 0.1, math.cos(0.1) + 1 - math.cos(0.4) - 0.8),
        ("clip", 100.0, 0.1, 1 - 0.8),
        ("plain", 100.0, 0.1, math.cos(0.1 - 0.4) - 0.8),
        ("continue", 1.0, 3.0, math.cos(3.0) - 1 + math.cos(0.4)),
        ("clip", 1.0, 3.0, -1),
        ("plain", 1.0, 3.0, math.cos(3.4)),
    ],
)
def test_what_adaface_does_outside_0_and_pi_is_a_choice(outside: str, norm: float, theta: float, value: float) -> None:
    margin = AdaFace(outside=outside)
    margin.norm_std = torch.tensor(1.0)
    cosine = torch.tensor([theta], dtype=torch.float64).cos()
    assert curve(margin, norm, cosine).item() == pytest.approx(value, abs=1e-6)


def test_the_margin_of_magface_grows_with_the_norm_and_its_penalty_falls() -> None:
    features = torch.eye(2, dtype=torch.float64)[:1] * torch.linspace(10, 110, 50, dtype=torch.float64)[:, None]
    context = MarginContext(features, torch.zeros(50, dtype=torch.int64), torch.ones(50, dtype=torch.bool), features)
    assert (MagFace().margins(context.feature_norms).diff() > 0).all()
    assert (MagFace().penalty(context).diff() < 0).all()


# Gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_gradcheck(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=4.0)
    head(features, labels)
    head.eval()
    kept = features.detach()

    def loss(x: Tensor, w: Tensor) -> Tensor:
        length = kept.norm(dim=1, keepdim=True) if name == "adaface" else 1  # its norms carry no gradient
        x = nn.functional.normalize(x) * length if name == "adaface" else x
        return torch.func.functional_call(head, {"centers": w}, (x, labels))

    assert torch.autograd.gradcheck(loss, [kept.clone().requires_grad_(), centers])


def test_no_gradient_goes_through_the_quality_of_adaface() -> None:
    features, centers, labels = problem()
    (gradient,) = torch.autograd.grad(head_with(centers, "adaface")(features, labels), features)
    torch.testing.assert_close((gradient * features).sum(1), torch.zeros(12).double(), atol=1e-12, rtol=0)


def test_the_gradient_of_magface_goes_through_the_norm_inside_its_range_only() -> None:
    centers = torch.eye(2, dtype=torch.float64)
    head = head_with(centers, "magface", scale=4.0)
    along = []
    for norm in (9.0, 20.0, 100.0, 120.0):
        features = torch.tensor([[0.8 * norm, 0.6 * norm]], dtype=torch.float64, requires_grad=True)
        (gradient,) = torch.autograd.grad(head(features, torch.tensor([0])), features)
        along.append((gradient @ features.detach()[0] / norm).item())
    assert along[0] == pytest.approx(0, abs=1e-12)
    assert along[3] == pytest.approx(0, abs=1e-12)
    assert along[1] < -0.05  # short: the penalty asks for more
    assert along[2] > along[1]


def test_a_hard_feature_of_magface_is_shortened_and_an_easy_one_lengthened() -> None:
    head = head_with(torch.eye(2, dtype=torch.float64), "magface")
    for theta, sign in ((0.1, 1), (0.9, -1)):
        features = 100 * torch.tensor([[math.cos(theta), math.sin(theta)]], dtype=torch.float64).requires_grad_()
        (gradient,) = torch.autograd.grad(head(features, torch.tensor([0])), features)
        assert sign * (gradient @ features.detach()[0]).item() < 0


@pytest.mark.parametrize("name", NAMES)
def test_the_straight_through_gradient_is_that_of_p_minus_onehot_and_the_penalty(name: str) -> None:
    features, centers, labels = problem()
    options = {} if name == "adacos" else {"scale": 8.0}
    head = head_with(centers, name, gradient="straight_through", **options)
    ours = torch.autograd.grad(head(features, labels), [features, head.centers])
    head.eval()  # the statistics stay as they are
    context = MarginContext(features, labels, labels >= 0, centers, training=False)
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    margined = head.margin(cosine.gather(1, labels[:, None])[:, 0], context)
    onehot = nn.functional.one_hot(labels, len(centers)).double()
    s = head.scaling(context).item()
    p = torch.softmax(s * torch.where(onehot == 1, margined[:, None], cosine), 1).detach()
    total = (cosine * s * (p - onehot)).sum() / len(labels)
    if name == "magface":
        total = total + torch.stack([adaptive.magface_penalty(x, 35.0, (10.0, 110.0)) for x in features]).mean()
    for a, b in zip(ours, torch.autograd.grad(total, [features, centers]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [0.1, 20.0, 300.0])
def test_features_and_centers_at_the_poles_have_finite_gradients(name: str, length: float) -> None:
    head = build(name, num_classes=3, embedding_size=3)
    with torch.no_grad():
        head.centers.copy_(torch.eye(3))
    features = (length * torch.cat([torch.eye(3), -torch.eye(3)])).requires_grad_()
    for _ in range(3):
        loss = head(features, torch.arange(6) % 3)
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()
    assert head.centers.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_zero_feature_or_center_gives_a_finite_loss_and_gradient(name: str) -> None:
    head = build(name, num_classes=3, embedding_size=4)
    with torch.no_grad():
        head.centers[0] = 0
    features = torch.zeros(4, 4).index_fill(0, torch.tensor(1), 1.0).requires_grad_()
    loss = head(features, torch.tensor([1, 0, 1, 0]))
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()
    assert head.centers.grad.isfinite().all()
    assert all(tensor.isfinite().all() for tensor in head.state_dict().values())


@pytest.mark.parametrize("name", NAMES)
def test_a_single_class_costs_nothing_but_the_penalty(name: str) -> None:
    head = build(name, num_classes=1, embedding_size=3)
    features = torch.randn(4, 3, requires_grad=True)
    for _ in range(2):
        loss = head(features, torch.zeros(4, dtype=torch.int64))
    assert loss.item() == pytest.approx(35 * (10 / 110**2 + 1 / 10) if name == "magface" else 0)
    assert (torch.autograd.grad(loss, features)[0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_is_changed_and_no_statistic_carries_gradient(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    before = features.detach().clone(), labels.clone(), head.centers.detach().clone()
    head(features, labels).backward()
    assert all(torch.equal(a, b) for a, b in zip(before, (features, labels, head.centers), strict=True))
    assert not any(buffer.requires_grad for buffer in head.buffers())


# Statistics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEARNS)
def test_statistics_learn_in_training_and_stay_in_evaluation(name: str) -> None:
    # A widespread port of AdaCos moves its scale in evaluation too, until it is NaN.
    features, centers, labels = problem()
    head = head_with(centers, name)
    before = state_of(head)
    head.eval()
    first = head(features, labels)
    assert not changed(head, before)
    assert torch.equal(head(features, labels), first)
    head.train()
    head(features, labels)
    assert changed(head, before)


@pytest.mark.parametrize("name", LEARNS)
def test_a_batch_is_judged_by_statistics_that_include_it(name: str) -> None:
    features, centers, labels = problem(classes=9, size=6)
    head = head_with(centers, name, **({"t_alpha": 1.0} if name == "adaface" else {}))
    in_training, before = head(features, labels), head_with(centers, name).eval()(features, labels)
    torch.testing.assert_close(head.eval()(features, labels), in_training, rtol=1e-12, atol=0)
    assert not torch.isclose(before, in_training)


@pytest.mark.parametrize("name", NAMES)
def test_samples_without_a_center_touch_neither_loss_nor_statistics(name: str) -> None:
    features, centers, labels = problem(classes=9, size=6)
    some = labels.clone()
    some[::2] = -1
    head, other = head_with(centers, name), head_with(centers, name)
    loss = head(features, some)
    torch.testing.assert_close(loss, other(features[1::2], labels[1::2]), rtol=1e-12, atol=0)
    for key, tensor in head.state_dict().items():
        torch.testing.assert_close(tensor, other.state_dict()[key], rtol=1e-12, atol=0)
    assert (torch.autograd.grad(loss, features)[0][::2] == 0).all()
    before = state_of(head)
    nobody = head(features, torch.full_like(labels, -1))
    assert nobody == 0
    nobody.backward()
    assert not changed(head, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one_or_one_present_sample_gives_no_nan(name: str) -> None:
    # A single norm has no standard deviation: public AdaFace is NaN from then on.
    features, centers, labels = problem(classes=9, size=6)
    head = head_with(centers, name)
    alone = torch.full_like(labels, -1)
    alone[7] = labels[7]
    for x, y in ((features[:1], labels[:1]), (features, alone)):
        loss = head(x, y)
        assert loss.isfinite()
        assert torch.autograd.grad(loss, features)[0].isfinite().all()
        assert all(tensor.isfinite().all() for tensor in head.state_dict().values())
    assert head(features, labels).isfinite()


@pytest.mark.parametrize("name", [*LEARNS, "curricularface"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_feature_that_is_not_finite_spoils_the_loss_and_not_the_statistics(name: str, value: float) -> None:
    # After one overflow in half precision the step is skipped, but public AdaFace and CurricularFace stay NaN.
    features, centers, labels = problem(classes=9, size=6)
    spoiled, without = features.detach().clone(), labels.clone()
    spoiled[3, 1], without[3] = value, -1
    head, other = head_with(centers, name), head_with(centers, name)
    before = state_of(head)
    assert head(spoiled, labels).isnan()
    other(features, without)
    assert changed(head, before)
    for key, tensor in head.state_dict().items():
        torch.testing.assert_close(tensor, other.state_dict()[key], rtol=1e-12, atol=0)
    assert head(features, labels).isfinite()
    head(torch.full_like(features, value), labels)
    assert all(tensor.isfinite().all() for tensor in head.state_dict().values())


def test_one_sample_moves_the_mean_of_adaface_and_not_its_deviation() -> None:
    head = build("adaface", num_classes=3, embedding_size=2, t_alpha=0.5)
    head(torch.tensor([[6.0, 8.0]]), torch.tensor([1]))
    assert head.report(0) == {"norm_mean": 15.0, "norm_std": 100.0}


def test_adaface_keeps_its_statistics_apart_from_norms_that_explode() -> None:
    head = build("adaface", num_classes=3, embedding_size=2, t_alpha=1.0)
    head(1e6 * torch.ones(4, 2), torch.tensor([0, 1, 2, 0]))
    assert head.report(0) == {"norm_mean": 100.0, "norm_std": 0.0}


@pytest.mark.parametrize("name", NAMES)
def test_a_bfloat16_batch_leaves_centers_and_statistics_float32(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name).float()
    whole = copy.deepcopy(head)(features.detach().float(), labels)
    with torch.autocast("cpu", torch.bfloat16):
        loss = head(features.detach().bfloat16(), labels)
    assert loss.dtype == torch.float32
    assert {tensor.dtype for tensor in head.state_dict().values() if tensor.is_floating_point()} == {torch.float32}
    torch.testing.assert_close(loss, whole, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_near_float64(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    single = copy.deepcopy(head).float()
    for _ in range(3):
        exact, loss = head(features, labels), single(features.detach().float(), labels)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_state_saved_and_loaded_gives_the_same_next_steps(name: str) -> None:
    features, centers, labels = problem(classes=9, size=6)
    head = head_with(centers, name)
    for _ in range(3):
        head(features, labels)
    fresh = head_with(centers, name)
    fresh.load_state_dict(head.state_dict())
    for rows in (slice(0, 5), slice(3, 12)):
        assert torch.equal(fresh(features[rows], labels[rows]), head(features[rows], labels[rows]))
    assert fresh.report(0) == head.report(0)


@pytest.mark.parametrize("name", NAMES)
def test_two_losses_may_wait_for_one_backward_pass(name: str) -> None:
    features, centers, labels = problem(classes=9, size=6)
    head = head_with(centers, name)
    together = head(features[:6], labels[:6]) + head(features[6:], labels[6:])
    together.backward()
    other = head_with(centers, name)
    apart = [
        torch.autograd.grad(other(features[rows], labels[rows]), other.centers)[0]
        for rows in (slice(0, 6), slice(6, 12))
    ]
    torch.testing.assert_close(head.centers.grad, apart[0] + apart[1], rtol=1e-12, atol=1e-15)


# KappaFace --------------------------------------------------------------------------------------------------------


def test_kappaface_has_a_margin_before_anything_is_seen_and_when_all_is_one_point() -> None:
    margin = KappaFace(3, 4)
    assert margin.margins().tolist() == pytest.approx([0.8 * 0.65] * 3)
    labels = torch.arange(3).repeat(4)
    margin.observe(labels, MarginContext(torch.ones(12, 4), labels, labels >= 0, torch.zeros(3, 4)))
    assert margin.concentrations().isfinite().all()
    rare = (math.cos(math.pi / 1.05) + 1) / 2
    assert margin.margins().tolist() == pytest.approx([0.8 * (0.35 + 0.3 * rare)] * 3)


def test_a_class_of_kappaface_that_was_seen_once_counts_as_average() -> None:
    margin, labels = KappaFace(4, 4).double(), torch.tensor([0, 0, 0, 1, 1, 1, 2])
    features = torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    margin.observe(labels, MarginContext(features, labels, labels >= 0, torch.zeros(4, 4)))
    once = 0.35 + 0.3 * (math.cos(math.pi / (1.05 * 3)) + 1) / 2
    assert margin.margins()[2:].tolist() == pytest.approx([0.8 * once, 0.8 * (0.35 + 0.3)])


def test_the_memory_of_kappaface_follows_features_that_move() -> None:
    margin, labels = KappaFace(1, 2, window=4), torch.zeros(2, dtype=torch.int64)
    for direction in [torch.tensor([1.0, 0.0])] * 40 + [torch.tensor([0.0, 1.0])] * 20:
        margin.observe(labels, MarginContext(direction.expand(2, 2), labels, labels >= 0, torch.zeros(1, 2)))
    assert margin.counts.tolist() == [120]
    torch.testing.assert_close(margin.means, torch.tensor([[0.0, 1.0]]), atol=1e-5, rtol=0)


# AdaCos -----------------------------------------------------------------------------------------------------------


def test_the_scale_of_adacos_falls_as_the_features_come_nearer() -> None:
    centers = torch.eye(12, dtype=torch.float64)
    head = head_with(centers, "adacos")
    scales = []
    for theta in (1.4, 0.7, 0.4, 0.1):
        angle = torch.tensor(theta)
        labels = torch.arange(11)
        head(angle.cos() * centers[:11] + angle.sin() * centers[11], labels)
        scales.append(head.report(0)["scale"])
    assert scales[1] > scales[2] > scales[3]
    assert scales[3] == pytest.approx(math.log(11), rel=0.2)


@pytest.mark.parametrize("start", [None, 1.0, 128.0])
@pytest.mark.parametrize("classes", [1, 2, 3, 500])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_scale_of_adacos_stays_between_its_bounds_whatever_it_sees(
    start: float | None, classes: int, sign: float
) -> None:
    # All cosines 1, or −1 to all: without bounds s grows by √2 a batch to infinity, or is negative.
    head = build("adacos", num_classes=classes, embedding_size=4, scale=start)
    with torch.no_grad():
        head.centers.copy_(torch.ones(classes, 4))
    features = (sign * torch.ones(6, 4)).requires_grad_()
    for _ in range(60):
        loss = head(features, torch.arange(6) % classes)
        assert 1 <= head.report(0)["scale"] <= 128
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()


def test_adacos_does_not_overflow_where_the_plain_sum_would() -> None:
    head = build("adacos", num_classes=40, embedding_size=2, scale=128.0)
    with torch.no_grad():
        head.centers.copy_(torch.tensor([0.72, math.sqrt(1 - 0.72**2)]))
        head.centers[0] = torch.tensor([1.0, 0.0])
    assert torch.tensor(128 * 0.72).exp() == torch.inf
    features = torch.tensor([[1.0, 0.0]])
    cosine = cosines(features, head.centers).double().clamp(-1, 1)
    head(features, torch.tensor([0]))
    assert head.report(0)["scale"] == pytest.approx(adaptive.adacos_next(cosine, [0], 128.0), rel=1e-5)
    assert head.report(0)["scale"] == pytest.approx(128 * 0.72 + math.log(39), rel=1e-5)


@pytest.mark.parametrize("value", [0.0, -1.0, 129.0, math.inf, math.nan])
def test_a_start_of_adacos_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="scale"):
        AdaCos(value)


# The head's hooks -------------------------------------------------------------------------------------------------


class Speaking(nn.Module):
    """Surveys one number, and remembers what was in the context when it observed and when it was called."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number, self.observed, self.called = number, 0.0, 0.0

    def survey(self, others: Tensor, other: Tensor, target: Tensor, context: MarginContext) -> Tensor:
        assert context.survey.numel() == 0
        return torch.full((len(others), 1), self.number)

    def observe(self, target: Tensor, context: MarginContext) -> None:
        self.observed = context.survey[0, 0].item()

    def forward(self, cosine: Tensor, context: MarginContext) -> Tensor:
        self.called = context.survey[0, 0].item()
        return cosine


class SpeakingScale(Speaking):
    keeps_center_norms = False

    def forward(self, context: MarginContext) -> Tensor:
        return torch.tensor(4.0)


class Silent(nn.Module):
    """Surveys nothing, and remembers how much of a survey it was given."""

    seen = -1

    def forward(self, cosine: Tensor, context: MarginContext) -> Tensor:
        self.seen = context.survey.numel()
        return cosine


def test_margin_and_scale_each_see_their_own_survey() -> None:
    margin, scale = Speaking(1.0), SpeakingScale(2.0)
    head = MarginHead(3, 2, margin=margin, scale=scale)
    head(torch.randn(4, 2), torch.tensor([0, 1, 2, 0]))
    assert (margin.observed, margin.called, scale.observed) == (1.0, 1.0, 2.0)
    silent = Silent()
    MarginHead(3, 2, margin=silent, scale=scale)(torch.randn(4, 2), torch.tensor([0, 1, 2, 0]))
    assert silent.seen == 0


def test_the_penalty_grows_with_the_margin_strength() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "magface", scale=8.0)
    head.margin_strength = 0.0
    torch.testing.assert_close(head(features, labels), head_with(centers, "normface", scale=8.0)(features, labels))
    free = head_with(centers, "magface", scale=8.0, weight=0.0)
    free.margin_strength = head.margin_strength = 0.25
    penalty = torch.stack([adaptive.magface_penalty(x, 35.0, (10.0, 110.0)) for x in features]).mean()
    torch.testing.assert_close(head(features, labels) - free(features, labels), 0.25 * penalty)


# Table, theory, errors --------------------------------------------------------------------------------------------


def test_magface_says_when_its_penalty_is_below_the_bound_or_alone() -> None:
    assert cautions_of(build("magface", num_classes=100, embedding_size=64)) == ()
    (sentence,) = cautions_of(build("magface", num_classes=100, embedding_size=64, weight=20.0))
    assert "weight 20 is below 22.59" in sentence
    least = magface_penalty_bound(64.0)
    facts = HeadFacts(100, 64, 64.0, "exact")
    assert MagFace(weight=least).cautions(facts) == ()
    assert MagFace(weight=least - 1e-6).cautions(facts) != ()
    assert MagFace(weight=20.0).cautions(HeadFacts(100, 64, 32.0, "exact")) == ()
    assert MagFace(weight=0.0).cautions(HeadFacts(100, 64, None, "exact")) == ()
    (sentence,) = cautions_of(build("magface", num_classes=100, embedding_size=64, gradient="straight_through"))
    assert "does not reach the norm" in sentence


def test_the_curves_follow_the_feature_norm() -> None:
    theta = torch.tensor([0.3], dtype=torch.float64)
    for norm, m in ((1.0, 0.45), (60.0, 0.625), (200.0, 0.8)):
        assert TargetCurve(MagFace(), norm)(theta.numpy())[0] == pytest.approx(math.cos(0.3 + m), abs=1e-12)
    assert "25.8° at 60°" in facts_of(build("magface", num_classes=10, embedding_size=4))[0]


def test_the_scale_of_adacos_is_no_option_of_its_margin() -> None:
    assert LOSSES["adacos"].options == ("scale", "gradient")
    assert LOSSES["adacos"].described_by is AdaCos
    assert build("adacos", num_classes=10, embedding_size=4, scale=20.0).report(0) == {"scale": 20.0}
    with pytest.raises(UnknownName, match="Known: lower_margin, upper_margin"):
        build("magface", num_classes=10, embedding_size=4, margin=0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MagFace(lower_margin=0.9), "0 ≤ lower ≤ upper < π; got 0.9 and 0.8"),
        (lambda: MagFace(lower_norm=0.0), "0 < lower < upper; got 0.0"),
        (lambda: MagFace(upper_norm=math.inf), "0 < lower < upper"),
        (lambda: MagFace(weight=-1.0), "λ_g"),
        (lambda: MagFace(past_pi="eazy"), "Did you mean 'easy'"),
        (lambda: AdaFace(margin=40.0), "radians"),
        (lambda: AdaFace(h=-0.1), "h of adaface"),
        (lambda: AdaFace(t_alpha=0.0), "0 < t_alpha ≤ 1.*0.01"),
        (lambda: AdaFace(outside="clap"), "Did you mean 'clip'"),
        (lambda: KappaFace(0, 4), "at least 1"),
        (lambda: KappaFace(4, 4, margin=4.0), "radians"),
        (lambda: KappaFace(4, 4, gamma=1.5), r"gamma in \[0, 1\]"),
        (lambda: KappaFace(4, 4, window=1), "window 2 or more"),
        (lambda: KappaFace(4, 4, past_pi="plane"), "Did you mean 'plain'"),
    ],
)
def test_a_value_out_of_range_is_refused(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
