"""The one-vs-all losses against their papers; their gradients, biases, and the faults of public code."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError, UnknownName
from marginface.losses import LOSSES, OneVsAllHead, SFace, SphereFace2, UniFace, build
from marginface.losses.one_vs_all import softplus
from marginface.losses.sphereface2 import first_bias
from oracles import one_vs_all as papers

CASES = [
    ("sface", {}, {}),
    ("sface", {"scale": 8.0, "k": 5.0, "a": 0.87, "b": 1.20}, {"s": 8.0, "k": 5.0, "a": 0.87, "b": 1.20}),
    ("sphereface2", {}, {}),
    (
        "sphereface2",
        {"scale": 8.0, "margin": 0.2, "t": 2.5, "alpha": 0.8, "weight": 3.0},
        {"s": 8.0, "m": 0.2, "t": 2.5, "alpha": 0.8, "weight": 3.0},
    ),
    ("uniface", {}, {}),
    ("uniface", {"scale": 8.0, "margin": 0.1, "weight": 0.5}, {"s": 8.0, "m": 0.1, "weight": 0.5}),
]
NAMES = ["sface", "sphereface2", "uniface"]
WITH_BIAS = ["sphereface2", "uniface"]


def problem(samples: int = 9, classes: int = 5, size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Features on both sides of 90° from their center, centers, labels; float64."""
    generator = torch.Generator().manual_seed(3)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    labels = torch.arange(samples) % classes
    noise = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    pull = torch.linspace(-2, 2, samples, dtype=torch.float64)[:, None]
    return (noise * 0.4 + pull * centers[labels]).requires_grad_(), centers.requires_grad_(), labels


def head_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    head = build(name, num_classes=len(centers), embedding_size=centers.shape[1], **options).double()
    with torch.no_grad():
        head.centers.copy_(centers)
    return head


def paper_of(name: str, head: nn.Module, **options: float) -> Callable[[Tensor, bool], Tensor]:
    bias = {"bias": head.rule.bias} if name in WITH_BIAS else {}
    return partial(getattr(papers, name), **bias, **options)


@pytest.mark.parametrize(("name", "options", "theirs"), CASES)
def test_value_and_gradient_equal_the_paper(name: str, options: dict[str, float], theirs: dict[str, float]) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, **options)
    ours = head(features, labels)
    paper = papers.one_vs_all_loss(features, centers, labels, paper_of(name, head, **theirs))
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    bias = [head.rule.bias] if name in WITH_BIAS else []
    mine = torch.autograd.grad(ours, [features, head.centers, *bias])
    expected = torch.autograd.grad(paper, [features, centers, *bias])
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", WITH_BIAS)
def test_gradcheck(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=4.0)
    assert torch.autograd.gradcheck(lambda x: head(x, labels), [features])


def test_the_gradient_of_sface_by_a_cosine_is_its_weight_times_s() -> None:
    cosine = torch.linspace(-1, 1, 9, dtype=torch.float64, requires_grad=True)
    theta = torch.acos(cosine.detach())
    (pull,) = torch.autograd.grad(SFace().positive(cosine).sum(), cosine)
    (push,) = torch.autograd.grad(SFace().negative(cosine).sum(), cosine)
    torch.testing.assert_close(pull, -64 / (1 + torch.exp(-80 * (theta - 0.80))), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(push, 64 / (1 + torch.exp(80 * (theta - 1.23))), rtol=1e-10, atol=1e-12)


def test_sface_is_below_0_on_the_way_and_near_0_at_the_end() -> None:
    on_the_way, done = math.cos(1.0), math.cos(0.4)
    assert SFace().positive(torch.tensor([on_the_way])).item() == pytest.approx(-64 * on_the_way, rel=1e-4)
    assert abs(SFace().positive(torch.tensor([done])).item()) < 1e-8


def test_the_straight_through_gradient_of_sphereface2_is_that_of_p_minus_onehot_by_the_cosines() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "sphereface2", gradient="straight_through")
    ours = torch.autograd.grad(head(features, labels), [features, head.centers])
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    onehot = nn.functional.one_hot(labels, len(centers)).double()
    logits = 40 * (2 * ((cosine + 1) / 2) ** 3 - 1 - 0.4 * (2 * onehot - 1)) + head.rule.bias
    share = 0.7 * onehot + 0.3 * (1 - onehot)
    by_cosine = (50 * share * (torch.sigmoid(logits) - onehot)).detach()
    expected = torch.autograd.grad(cosine, [features, centers], by_cosine / len(labels))
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_both_gradients_of_sphereface2_have_one_value_but_differ_and_those_of_uniface_are_one() -> None:
    features, centers, labels = problem()
    for name, differs in (("sphereface2", True), ("uniface", False)):
        exact, straight = (head_with(centers, name, gradient=g) for g in ("exact", "straight_through"))
        torch.testing.assert_close(exact(features, labels), straight(features, labels), rtol=1e-12, atol=0)
        (a,), (b,) = (torch.autograd.grad(head(features, labels), [features]) for head in (exact, straight))
        assert ((a - b).abs().max() > 1e-2) == differs


def test_sface_refuses_a_gradient_and_a_margin_that_it_does_not_have() -> None:
    with pytest.raises(InputError, match=r"gradient of SFace is 'exact' only.*Leave gradient out"):
        build("sface", num_classes=3, embedding_size=2, gradient="straight_through")
    head = build("sface", num_classes=3, embedding_size=2)
    assert not hasattr(head, "margin_strength")
    with pytest.raises(InputError, match="SFace has no margin that could grow"):
        head.margin_strength = 0.5


@pytest.mark.parametrize("name", WITH_BIAS)
def test_margin_strength_goes_in_a_line_from_no_margin_to_all_of_it(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=8.0)
    assert head.margin_strength == 1.0
    head.margin_strength = 0.0
    bias, scale = head.rule.bias, 8.0

    def no_margin(theta: Tensor, own: bool) -> Tensor:
        logit = scale * torch.cos(theta) + (bias if name == "sphereface2" else -bias)
        term = torch.log1p(torch.exp(-logit if own else logit))
        return term if name == "uniface" else 50 / scale * (0.7 if own else 0.3) * term

    torch.testing.assert_close(
        head(features, labels), papers.one_vs_all_loss(features, centers, labels, no_margin), rtol=1e-10, atol=0
    )
    with pytest.raises(InputError, match=r"margin_strength is in \[0, 1\]"):
        head.margin_strength = 1.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tile", [1, 2, 3, 7])
def test_the_classes_can_be_taken_tile_by_tile(name: str, tile: int) -> None:
    features, centers, labels = problem(classes=7)
    head = head_with(centers, name)
    cosine = head.cosine(features)
    target = cosine.gather(1, labels[:, None]).squeeze(1)
    bends = name in WITH_BIAS
    total = head.rule.positive(head.rule.own(target) if bends else target)
    for first in range(0, 7, tile):
        some = cosine[:, first : first + tile]
        negative = head.rule.negative(head.rule.others(some) if bends else some)
        total = total + (negative * (torch.arange(first, first + some.shape[1])[None] != labels[:, None])).sum(1)
    torch.testing.assert_close(head(features, labels), total.mean(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_features_and_centers_at_the_poles_and_zero_features_have_finite_gradients(name: str) -> None:
    head = build(name, num_classes=3, embedding_size=3)
    with torch.no_grad():
        head.centers.copy_(torch.eye(3))
    features = torch.cat([torch.eye(3), -torch.eye(3), torch.zeros(3, 3)]).requires_grad_()
    loss = head(features, torch.arange(9) % 3)
    loss.backward()
    assert loss.isfinite()
    assert all(x.grad.isfinite().all() for x in (features, *head.parameters()))


@pytest.mark.parametrize("rule", [SFace(), SphereFace2(9), SphereFace2(9, t=2.5), UniFace(9)], ids=repr)
def test_a_cosine_that_rounding_put_outside_is_finite_in_value_and_gradient(rule) -> None:
    cosine = torch.tensor([-1 - 1e-6, -1.0, 1.0, 1 + 1e-6], requires_grad=True)
    bends = not isinstance(rule, SFace)
    own, others = (rule.own(cosine), rule.others(cosine)) if bends else (cosine, cosine)
    loss = rule.positive(own).sum() + rule.negative(others).sum()
    loss.backward()
    assert loss.isfinite()
    assert cosine.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_does_not_depend_on_feature_or_center_norms(name: str) -> None:
    features, centers, labels = problem()
    norms = torch.linspace(0.1, 50, len(features), dtype=torch.float64)[:, None]
    loss = head_with(centers, name)(features, labels)
    torch.testing.assert_close(head_with(7 * centers, name)(features * norms, labels), loss, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_near_float64_and_autocast_changes_nothing(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    exact = head(features, labels)
    head, features32 = head.float(), features.detach().float()
    loss = head(features32, labels)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-4, atol=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        autocast, cosine = head(features32, labels), head.cosine(features32)
        half = head(features32.bfloat16(), labels)
    assert autocast.dtype == half.dtype == cosine.dtype == torch.float32
    assert torch.equal(autocast, loss)


@pytest.mark.parametrize("name", NAMES)
def test_samples_without_a_center_are_left_out_of_the_mean(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    some = labels.clone()
    some[::2] = -1
    torch.testing.assert_close(head(features, some), head(features[1::2], labels[1::2]))
    (gradient,) = torch.autograd.grad(head(features, some), [features])
    assert (gradient[::2] == 0).all()
    nobody = head(features, torch.full_like(labels, -1))
    assert nobody == 0
    nobody.backward()


@pytest.mark.parametrize("name", NAMES)
def test_with_a_single_class_only_the_positive_term_is_left(name: str) -> None:
    features, centers, _ = problem(classes=1)
    head = head_with(centers, name)
    cosine = head.cosine(features).squeeze(1)
    own = head.rule.own(cosine) if name in WITH_BIAS else cosine
    loss = head(features, torch.zeros(len(features), dtype=torch.int64))
    torch.testing.assert_close(loss, head.rule.positive(own).mean())
    assert loss.isfinite()


@pytest.mark.parametrize("name", NAMES)
def test_no_argument_is_changed_and_the_state_is_saved_and_loaded(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    before = features.detach().clone(), labels.clone(), head.centers.detach().clone()
    loss = head(features, labels)
    loss.backward()
    assert all(torch.equal(a, b) for a, b in zip(before, (features, labels, head.centers), strict=True))
    if name in WITH_BIAS:
        with torch.no_grad():
            head.rule.bias.add_(0.5)
    loss = head(features, labels)
    again = build(name, num_classes=5, embedding_size=4).double()
    again.load_state_dict(head.state_dict())
    assert torch.equal(again(features, labels), loss)
    assert torch.equal(again.eval()(features, labels), loss)


@pytest.mark.parametrize("name", WITH_BIAS)
def test_the_bias_is_learned_and_reported(name: str) -> None:
    head = build(name, num_classes=5, embedding_size=4)
    assert head.report(0)["bias"] == head.rule.bias.item()
    head(torch.randn(3, 4), torch.tensor([0, 1, 2])).backward()
    assert head.rule.bias.grad.abs() > 0
    assert build("sface", num_classes=5, embedding_size=4).report(0) == {}


SETTINGS = [{"s": 40.0, "m": 0.4, "t": 3.0, "alpha": 0.7}, {"s": 64.0, "m": 0.5, "t": 3.0, "alpha": 0.8}]


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 100, 10_572, 2_059_906])
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_first_bias_of_sphereface2_is_where_its_loss_is_flat(classes: int, setting: dict[str, float]) -> None:
    # The authors' form of the root is 0/0 for few classes: it takes the logarithm of 0 or loses all its digits.
    g = 2 * 0.5 ** setting["t"] - 1
    own, others = setting["s"] * (g - setting["m"]), setting["s"] * (g + setting["m"])
    bias = first_bias(classes, own, others, setting["alpha"])
    assert papers.sphereface2_bias_slope(bias, classes, **setting) == pytest.approx(0, abs=1e-9)


def test_first_biases_are_those_of_the_authors() -> None:
    z, own, others = 0.7 / (0.3 * 10_571), 40 * (2 * 0.5**3 - 1 - 0.4), 40 * (2 * 0.5**3 - 1 + 0.4)
    theirs = math.log(2 * z) - others - math.log(1 - z + math.sqrt((1 - z) ** 2 + 4 * z * math.exp(own - others)))
    assert SphereFace2(10_572).bias.item() == pytest.approx(theirs, rel=1e-6)
    assert UniFace(10_572).bias.item() == pytest.approx(math.log(105_720), rel=1e-6)


def test_a_uniface_sample_far_from_its_center_keeps_its_gradient() -> None:
    # Public code clamps the exponent to ±s: from s·(cos θ − m) − b < −s on, the hardest samples get no gradient.
    rule = UniFace(10_572)
    cosine = torch.tensor([-0.9, -0.5, 0.3], requires_grad=True)
    rule.positive(rule.own(cosine)).sum().backward()
    torch.testing.assert_close(cosine.grad, torch.full((3,), -64.0), rtol=1e-5, atol=0)


@pytest.mark.parametrize("logit", [-800.0, -30.0, 0.0, 25.0, 90.0, 800.0])
def test_softplus_keeps_its_digits_and_its_gradient(logit: float) -> None:
    z = torch.tensor(logit, dtype=torch.float64, requires_grad=True)
    expected = math.log1p(math.exp(-abs(logit))) + max(logit, 0)
    assert softplus(z).item() == pytest.approx(expected, rel=1e-14)
    (slope,) = torch.autograd.grad(softplus(z), z)
    assert slope.item() == pytest.approx(1 / (1 + math.exp(-logit)) if logit > -700 else 0, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sface", {"k": 0.0}, "scale and k of sface are above 0"),
        ("sface", {"a": 45.8}, "radians.*degrees"),
        ("sphereface2", {"margin": -0.1}, "0 ≤ margin ≤ 2"),
        ("sphereface2", {"t": 0.5}, "t ≥ 1"),
        ("sphereface2", {"alpha": 1.0}, "0 < α < 1"),
        ("sphereface2", {"weight": 0.0}, "above 0"),
        ("uniface", {"margin": 3.0}, "0 ≤ m ≤ 2"),
        ("uniface", {"scale": -1.0}, "above 0"),
        ("uniface", {"gradient": "detached"}, "'exact' or 'straight_through'; got 'detached'"),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(name, num_classes=3, embedding_size=2, **options)


def test_an_unknown_option_names_the_right_ones() -> None:
    with pytest.raises(UnknownName, match=r"option of sphereface2 'alfa'. Did you mean 'alpha'"):
        build("sphereface2", num_classes=3, embedding_size=2, alfa=0.5)
    assert LOSSES["sface"].options == ("scale", "k", "a", "b", "gradient")
    assert LOSSES["sface"].described_by is SFace


def test_wrong_features_are_refused_and_the_head_is_of_one_kind() -> None:
    head = OneVsAllHead(3, 4, rule=UniFace(3))
    with pytest.raises(InputError, match=r"shape \(N, 4\).*\(2, 5\)"):
        head(torch.zeros(2, 5), torch.tensor([0, 1]))
    assert head.scale == 64.0
