"""Every loss of the table, swept, and the errors that teach its options."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from marginface.errors import InputError, UnknownName
from marginface.losses import LOSSES, build
from marginface.losses.normface import smallest_scale
from marginface.losses.pairs import PairLoss
from marginface.losses.table import HeadRequest
from oracles.contracts import DRAWS, FLAT

WITH_CENTERS = [name for name, loss in LOSSES.items() if not isinstance(loss, PairLoss)]  # others: tests/losses/pairs

# What does not hold for a loss of the table, and why. Every other loss must keep the contract.
MAY_BE_NEGATIVE = {
    "sface": "its weights carry no gradient: the value is a weighted sum of cosines, no distance from perfect"
}
MAY_FALL = {"sface": "its pull stops within the angle a, so the value rises from 0 to its turning point and back"}
FLAT_AT_THE_PAPERS_SCALE = {
    "sphereface2": "the positive term of a near feature is below the last digit of the negative ones; so s = 8",
    "uniface": "as sphereface2",
    "magface": "the penalty of a short feature, 3.5, hides what is below its last digit; so s = 8",
}
SEVERAL_CENTERS = {"subcenter_arcface": "3 sub-centers a class: centers (C, 3, D)"}


def moved(head: nn.Module, new_place: torch.Tensor) -> nn.Module:
    """The head with its classes in another order: every tensor that has a row for each class."""
    other = copy.deepcopy(head)
    for name, tensor in other.state_dict().items():
        if tensor.ndim > 0 and len(tensor) == len(new_place) and name.split(".")[-1] != "latest":
            tensor[new_place] = tensor.clone()
    return other


def on_axes(name: str, classes: int, size: int) -> nn.Module:
    """A head whose class centers, those of its terms too, are the first axes; in evaluation mode nothing learns."""
    options = {"scale": 8.0} if name in FLAT_AT_THE_PAPERS_SCALE else {}
    head = build(name, num_classes=classes, embedding_size=size, **options).double().eval()
    for key, tensor in head.state_dict().items():
        if key.endswith("centers"):
            tensor.copy_(torch.eye(classes, size).reshape(classes, *[1] * (tensor.ndim - 2), size))
    return head


@pytest.mark.parametrize("name", WITH_CENTERS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), samples=st.integers(1, 9), classes=st.integers(1, 7), size=st.integers(1, 6))
def test_a_loss_is_finite_not_negative_and_blind_to_the_order(
    name: str, seed: int, samples: int, classes: int, size: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    labels = torch.randint(-1, classes, (samples,), generator=generator)
    head = build(name, num_classes=classes, embedding_size=size).double().train(name not in DRAWS)
    loss = copy.deepcopy(head)(features, labels)  # a copy, as a head in training mode may learn from what it sees
    assert loss.isfinite()
    assert loss >= 0 or name in MAY_BE_NEGATIVE
    samples_order = torch.randperm(samples, generator=generator)
    torch.testing.assert_close(copy.deepcopy(head)(features[samples_order], labels[samples_order]), loss)
    new_place = torch.randperm(classes, generator=generator)
    new_labels = torch.where(labels >= 0, new_place[labels.clamp_min(0)], labels)
    torch.testing.assert_close(moved(head, new_place)(features, new_labels), loss)


@pytest.mark.parametrize("name", [name for name in WITH_CENTERS if name not in MAY_FALL])
@settings(max_examples=25, deadline=None)
@given(nearer=st.floats(0.05, 3.09), step=st.floats(0.02, 1.0))
def test_a_loss_rises_as_the_feature_turns_away_from_its_center(name: str, nearer: float, step: float) -> None:
    head = on_axes(name, 3, 4)  # the fourth axis is at 90° to all: turning towards it moves one cosine only
    near, far = (
        head(torch.tensor([[math.cos(theta), 0, 0, math.sin(theta)]], dtype=torch.float64), torch.tensor([0]))
        for theta in (nearer, min(nearer + step, math.pi))
    )
    assert near <= far if name in FLAT else near < far


@pytest.mark.parametrize("name", WITH_CENTERS)
def test_a_good_feature_is_pulled_to_its_center_and_a_bad_one_more(name: str) -> None:
    head = on_axes(name, 3, 4)
    pulls = []
    for theta in (0.3, 1.2):
        angle = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
        feature = torch.stack([angle.cos(), 0 * angle, 0 * angle, angle.sin()])[None]
        (slope,) = torch.autograd.grad(head(feature, torch.tensor([0])), angle)
        pulls.append(slope.item())
    assert pulls[0] >= 0
    assert pulls[1] > 0.01
    assert pulls[1] > pulls[0]


@pytest.mark.parametrize("name", WITH_CENTERS)
def test_the_exceptions_are_needed(name: str) -> None:
    head = on_axes(name, 3, 4)
    angles = torch.linspace(0, math.pi, 200, dtype=torch.float64)
    features = torch.stack([angles.cos(), 0 * angles, 0 * angles, angles.sin()], 1)
    losses = torch.stack([head(feature[None], torch.tensor([0])) for feature in features])
    assert bool((losses < 0).any()) == (name in MAY_BE_NEGATIVE)
    assert bool((losses.diff() < -1e-9).any()) == (name in MAY_FALL)
    assert (head.centers.ndim == 3) == (name in SEVERAL_CENTERS)


@pytest.mark.parametrize("name", WITH_CENTERS)
def test_the_head_has_centers_and_cosines_without_gradient(name: str) -> None:
    head = build(name, num_classes=5, embedding_size=3)
    features = torch.randn(4, 3, requires_grad=True)
    cosine = head.cosine(features)
    each = head.centers.reshape(5, -1, 3)
    expected = torch.nn.functional.cosine_similarity(features[:, None, None], each[None], dim=3).amax(2)
    torch.testing.assert_close(cosine, expected)
    assert head.centers.shape == ((5, 3, 3) if name in SEVERAL_CENTERS else (5, 3))
    assert not cosine.requires_grad


def test_none_means_the_default_of_the_paper() -> None:
    others = {
        "normface": smallest_scale(100),
        "normface_learned": None,
        "lsoftmax": None,
        "sphereface": None,
        "sphereface_r": 30.0,
        "amsoftmax": 30.0,
        "sphereface2": 40.0,
        "center": None,
        "triplet_center": None,
        "mv_softmax": 32.0,
        "mv_softmax_arc": 32.0,
        "circle": 256.0,
        "adacos": None,
        "adacos_fixed": math.sqrt(2) * math.log(99),
    }
    heads = {name: build(name, num_classes=100, embedding_size=3) for name in WITH_CENTERS if name != "softmax"}
    assert {name: head.scale for name, head in heads.items()} == {name: others.get(name, 64.0) for name in heads}
    assert (heads["cosface"].margin.margin, heads["arcface"].margin.margin) == (0.35, 0.5)
    assert (heads["lsoftmax"].margin.margin, heads["sphereface"].margin.margin) == (4, 4)


def test_margin_scale_and_gradient_reach_the_head() -> None:
    head = build("arcface", num_classes=3, embedding_size=2, margin=0.3, scale=16, gradient="straight_through")
    assert (head.margin.margin, head.scale, head.gradient) == (0.3, 16.0, "straight_through")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("arcfase", {}, "unknown loss 'arcfase'. Did you mean 'arcface'"),
        ("arcface", {"margn": 0.5}, "option of arcface 'margn'. Did you mean 'margin'.*past_pi, scale, gradient"),
        ("x2softmax", {"margin": 0.5}, "option of x2softmax 'margin'.*Known: a, h, k"),
    ],
)
def test_an_unknown_name_or_option_names_the_right_ones(name: str, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        build(name, num_classes=3, embedding_size=2, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("arcface", {"implementation": "triton"}, "one of auto, dense, chunked, sharded; got 'triton'"),
        ("arcface", {"implementation": "dense", "multiply": "bfloat16"}, "the dense one has none"),
        ("arcface", {"multiply": "float16"}, "multiply is one of float32, bfloat16; got 'float16'"),
        ("arcface", {"tiles": "keep"}, "tiles is one of auto, store, recompute; got 'keep'"),
        ("triplet", {"implementation": "chunked"}, "a pair loss has no classes to take in tiles"),
        ("triplet", {"implementation": "sharded"}, "a pair loss has no classes to take in tiles, to spread"),
        ("arcface", {"gradient": "detached"}, "'exact' or 'straight_through'; got 'detached'"),
        ("arcface", {"scale": 0}, "scale is above 0"),
        ("arcface", {"margin": "0.5"}, "margin of arcface is a number"),
        ("softmax", {"scale": 30.0}, "softmax has no scale.*normface"),
        ("softmax", {"margin": 0.3}, "softmax takes no options; got margin"),
        ("lsoftmax", {"scale": 30.0}, "lsoftmax has no scale: its features are not normalized.*got scale 30.0"),
        ("sphereface", {"scale": 64.0}, "sphereface has no scale.*sphereface_r"),
    ],
)
def test_a_wrong_value_says_what_is_right(name: str, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(name, num_classes=3, embedding_size=2, **arguments)


def test_a_head_without_classes_is_refused() -> None:
    for name in LOSSES:
        with pytest.raises(InputError, match="at least 1"):
            build(name, num_classes=0, embedding_size=2)


@pytest.mark.parametrize("name", LOSSES)
def test_scale_and_gradient_among_the_options_are_told_where_they_belong(name: str) -> None:
    for option, value in (("scale", 16.0), ("gradient", "exact")):
        known = option in LOSSES[name].options
        match = f"{option} of {name} has a place of its own" if known else f"{name}.*{option}"
        with pytest.raises(InputError, match=match):
            LOSSES[name].head(HeadRequest(name, 3, 2, options={option: value}))


def test_more_classes_than_anybody_has_are_a_slip_of_the_pen() -> None:
    with pytest.raises(InputError, match="num_classes is at most 2,147,483,647"):
        build("arcface", num_classes=10**30, embedding_size=2)
