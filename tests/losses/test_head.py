"""Every loss against its paper, in value and gradient; the head's promises."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses import ArcFace, CosFace, MarginHead, NormFace, build
from marginface.losses.implementation import Implementation
from marginface.losses.scale import NormProductScale
from marginface.losses.summed import without_terms
from oracles import curves, margins
from oracles.contracts import DRAWS, FOLLOWS_NORMS, NO_SCALE
from oracles.curves import NORM_SCALES
from oracles.margins import margin_loss, softmax_loss

CURVES = margins.CURVES | curves.CURVES

CASES = [
    ("normface", {}),
    ("cosface", {}),
    ("cosface", {"margin": 0.1}),
    *(("arcface", {"past_pi": choice}) for choice in ("continue", "fallback", "plain", "easy", "clip")),
    ("arcface", {"margin": 1.2}),
    ("x2softmax", {}),
    ("x2softmax", {"a": -0.7, "h": -0.3, "k": 0.9}),
    *((name, {}) for name in curves.CURVES),
    *((name, {"margin": m, "base": 0, "floor": 0}) for name in ("lsoftmax", "sphereface") for m in (2, 3, 4, 5)),
    *(("sphereface", {"margin": m, "base": 0, "floor": 0.5}) for m in (1, 1.7, 3.5, 6)),
    ("sphereface_r", {"margin": 3}),
    *(("combined", {"past_pi": choice}) for choice in ("fallback", "plain", "easy", "clip")),
    ("combined", {"m1": 0.9, "m2": 0.4, "m3": 0.15}),
    ("combined", {"m1": 1.6, "m2": 0.4, "m3": 0.1}),
    ("combined", {"m1": 1.6, "m2": 0.4, "past_pi": "clip"}),
    ("expface", {"margin": 0.4}),
    *(("elastic_arc", {"past_pi": choice}) for choice in ("fallback", "plain", "easy", "clip")),
]
MARGINS = sorted([*CURVES, "dynarcface"])  # its curve differs from class to class: test_curves.py


def problem(samples: int = 9, classes: int = 5, size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Features on both sides of 90° and beyond π − m from their center, centers, labels; float64."""
    generator = torch.Generator().manual_seed(3)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    labels = torch.arange(samples) % classes
    noise = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    pull = torch.linspace(-2, 2, samples, dtype=torch.float64)[:, None]
    return (noise * 0.4 + pull * centers[labels]).requires_grad_(), centers.requires_grad_(), labels


def head_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    if name in NO_SCALE:
        options.pop("scale", None)
    head = build(name, num_classes=len(centers), embedding_size=centers.shape[1], **options).double()
    with torch.no_grad():
        head.centers.copy_(centers)
    return head.eval() if name in DRAWS else head


@pytest.mark.parametrize("name", ["arcface", "softmax", "sphereface2", "center"])
def test_the_heads_of_these_tests_have_the_implementation_of_the_run(
    implementation: Callable[[], Implementation], name: str
) -> None:
    built = without_terms(build(name, num_classes=3, embedding_size=2))
    assert type(built.implementation) is type(implementation())
    assert type(MarginHead(3, 2, margin=ArcFace()).implementation) is type(implementation())


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("scale", [4.0, 64.0])
def test_value_and_gradient_equal_the_paper(name: str, options: dict[str, float], scale: float) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=scale, **options)
    ours = head(features, labels)
    paper = margin_loss(features, centers, labels, NORM_SCALES.get(name, scale), partial(CURVES[name], **options))
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    for mine, theirs in zip(
        torch.autograd.grad(ours, [features, head.centers]),
        torch.autograd.grad(paper, [features, centers]),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


def test_softmax_equals_the_textbook_in_value_and_gradient() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "softmax")
    with torch.no_grad():
        head.bias.copy_(torch.linspace(-1, 1, 5))
    bias = head.bias.detach().clone().requires_grad_()
    ours, paper = head(features, labels), softmax_loss(features, centers, bias, labels)
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(ours, [features, head.centers, head.bias])
    theirs = torch.autograd.grad(paper, [features, centers, bias])
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", sorted(CURVES.keys() - NORM_SCALES))
def test_the_straight_through_gradient_is_that_of_p_minus_onehot_by_the_cosines(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, gradient="straight_through", scale=8.0)
    ours = torch.autograd.grad(head(features, labels), [features, head.centers])
    cosine = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
    margined = torch.stack([CURVES[name](torch.acos(c[y])) for c, y in zip(cosine, labels, strict=True)])
    onehot = nn.functional.one_hot(labels, len(centers)).double()
    p = torch.softmax(8.0 * torch.where(onehot == 1, margined[:, None], cosine), 1).detach()
    expected = torch.autograd.grad(cosine, [features, centers], 8.0 * (p - onehot) / len(labels))
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(NORM_SCALES))
def test_with_norms_for_a_scale_the_straight_through_gradient_also_goes_through_the_norms(name: str) -> None:
    features, centers, labels = problem()
    options = {"gradient": "straight_through", "base": 0, "floor": 1}
    ours = torch.autograd.grad(
        (head := head_with(centers, name, **options))(features, labels), [features, head.centers]
    )

    def curve(theta: Tensor) -> Tensor:
        return torch.cos(theta) + (CURVES[name](theta, base=0, floor=1) - torch.cos(theta)).detach()

    paper = margin_loss(features, centers, labels, NORM_SCALES[name], curve)
    for a, b in zip(ours, torch.autograd.grad(paper, [features, centers]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["arcface", "x2softmax"])
def test_both_gradients_have_one_value_but_differ(name: str) -> None:
    features, centers, labels = problem()
    exact, straight = (head_with(centers, name, gradient=g) for g in ("exact", "straight_through"))
    torch.testing.assert_close(exact(features, labels), straight(features, labels), rtol=1e-12, atol=0)
    (a,), (b,) = (torch.autograd.grad(head(features, labels), [features]) for head in (exact, straight))
    assert (a - b).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_gradcheck(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name, scale=4.0)
    assert torch.autograd.gradcheck(lambda x: head(x, labels), [features])


@pytest.mark.parametrize("name", MARGINS)
def test_features_and_centers_at_the_poles_have_finite_gradients(name: str) -> None:
    head = build(name, num_classes=3, embedding_size=3)
    with torch.no_grad():
        head.centers.copy_(torch.eye(3))
    features = torch.cat([torch.eye(3), -torch.eye(3)]).requires_grad_()
    loss = head(features, torch.arange(6) % 3)
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()
    assert head.centers.grad.isfinite().all()


def test_a_loss_of_1e_12_keeps_its_digits_and_its_gradient() -> None:
    head = MarginHead(2, 2, margin=CosFace(0.0), scale=27.6)
    with torch.no_grad():
        head.centers.copy_(torch.eye(2))
    features = torch.tensor([[1.0, 0.0]], requires_grad=True)
    loss = head(features, torch.tensor([0]))
    expected = torch.tensor(-27.6, dtype=torch.float64).exp()
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)
    loss.backward()  # d loss/d x2 = s·p of the other class
    torch.testing.assert_close(features.grad[0, 1].double(), 27.6 * expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_the_loss_does_not_depend_on_feature_or_center_norms_but_for_the_exceptions(name: str) -> None:
    features, centers, labels = problem()
    if name in FOLLOWS_NORMS:
        assert not torch.isclose(
            head_with(centers, name)(features * 2, labels), head_with(centers, name)(features, labels)
        )
        return
    norms = torch.linspace(0.1, 50, len(features), dtype=torch.float64)[:, None]
    loss = head_with(centers, name)(features, labels)
    torch.testing.assert_close(head_with(7 * centers, name)(features * norms, labels), loss, rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_float32_is_near_float64_and_autocast_changes_nothing(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    exact = head(features, labels)
    head, features32 = head.float(), features.detach().float()
    loss = head(features32, labels)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        autocast, cosine = head(features32, labels), head.cosine(features32)
        half = head(features32.bfloat16(), labels)
    assert autocast.dtype == half.dtype == cosine.dtype == torch.float32
    assert torch.equal(autocast, loss)


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
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


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_a_single_class_has_loss_0_and_gradient_0(name: str) -> None:
    head = build(name, num_classes=1, embedding_size=3)
    features = torch.randn(4, 3, requires_grad=True)
    loss = head(features, torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert loss == 0
    assert (features.grad == 0).all()


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_no_argument_is_changed(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    before = features.detach().clone(), labels.clone(), head.centers.detach().clone()
    head(features, labels).backward()
    assert all(torch.equal(a, b) for a, b in zip(before, (features, labels, head.centers), strict=True))


def test_margin_strength_goes_in_a_line_from_no_margin_to_all_of_it() -> None:
    features, centers, labels = problem()
    head = head_with(centers, "arcface", scale=8.0)
    head.margin_strength = 0.0
    torch.testing.assert_close(head(features, labels), head_with(centers, "normface", scale=8.0)(features, labels))
    head.margin_strength = 0.3

    def blend(theta: Tensor) -> Tensor:
        return 0.7 * torch.cos(theta) + 0.3 * CURVES["arcface"](theta)

    torch.testing.assert_close(head(features, labels), margin_loss(features, centers, labels, 8.0, blend))
    with pytest.raises(InputError, match=r"margin_strength is in \[0, 1\]"):
        head.margin_strength = 1.5


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_a_zero_feature_or_center_gives_a_finite_loss_and_gradient(name: str) -> None:
    head = build(name, num_classes=3, embedding_size=4)
    with torch.no_grad():
        head.centers[0] = 0
    features = torch.zeros(2, 4).index_fill(0, torch.tensor(1), 1.0).requires_grad_()
    loss = head(features, torch.tensor([1, 0]))
    loss.backward()
    assert loss.isfinite()
    assert features.grad.isfinite().all()
    assert head.centers.grad.isfinite().all()


@pytest.mark.parametrize("name", ["softmax", *MARGINS])
def test_a_saved_head_gives_the_same_loss_when_loaded(name: str) -> None:
    features, centers, labels = problem()
    head = head_with(centers, name)
    fresh = build(name, num_classes=5, embedding_size=4).double().train(head.training)
    fresh.load_state_dict(head.state_dict())
    assert torch.equal(fresh(features, labels), head(features, labels))


@pytest.mark.parametrize("name", ["softmax", "arcface"])
@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (torch.zeros(2, 5), torch.tensor([0, 1]), r"shape \(N, 4\).*\(2, 5\)"),
        (torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), "N ≥ 1"),
        (torch.zeros(2, 4), torch.tensor([0, 1], dtype=torch.int32), r"torch.int64.*got torch.int32.*long\(\)"),
        (torch.zeros(2, 4), torch.tensor([0]), r"shape \(2,\).*\(1,\)"),
        (torch.zeros(2, 4), torch.tensor([0, 3]), "0 … 2, or −1.*got 0 … 3"),
        (torch.zeros(2, 4), torch.tensor([-2, 0]), "got -2 … 0"),
    ],
)
def test_wrong_features_or_labels_are_refused_with_what_is_right(
    name: str, features: Tensor, labels: Tensor, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build(name, num_classes=3, embedding_size=4)(features, labels)


def test_centers_start_small_and_random() -> None:
    centers = MarginHead(2000, 16, margin=ArcFace()).centers.detach()
    assert centers.std().item() == pytest.approx(0.01, rel=0.05)
    assert abs(centers.mean().item()) < 1e-3


def test_diagnose_counts_the_samples_nearest_to_their_class() -> None:
    torch.manual_seed(0)
    head = build("arcface", num_classes=9, embedding_size=4)
    features, labels = torch.randn(40, 4), torch.randint(9, (40,))
    labels[::7] = -1
    cosine, known = head.cosine(features), labels >= 0
    right = (cosine.argmax(1) == labels)[known].float().mean().item()
    assert 0 < right < 1
    found = head.diagnose(features, labels)
    assert found["train_accuracy"] == pytest.approx(right)
    assert found["target_cosine"] == pytest.approx(cosine[known].gather(1, labels[known, None]).mean().item(), abs=1e-6)
    assert head.diagnose(features, torch.full_like(labels, -1)) == {}
    with torch.autocast("cpu", torch.bfloat16):
        assert head.diagnose(features, labels) == found


@pytest.mark.parametrize("value", [0.0, float("nan")])
def test_features_that_say_nothing_are_not_diagnosed_as_right(value: float) -> None:
    head = build("arcface", num_classes=9, embedding_size=4)
    assert head.diagnose(torch.full((5, 4), value), torch.arange(5))["train_accuracy"] == 0.0


def test_sub_centers_that_keep_their_lengths_are_refused() -> None:
    with pytest.raises(
        InputError, match="sub_centers above 1 are for centers of length 1; got 3 with NormProductScale"
    ):
        MarginHead(6, 4, margin=NormFace(), scale=NormProductScale(), sub_centers=3)
