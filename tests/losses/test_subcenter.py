"""Sub-center ArcFace against the paper, and the samples that it finds to be wrong."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses import Outliers, build, find_outliers
from oracles import centers as papers


def problem(samples: int = 9, classes: int = 4, size: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    centers = torch.randn(classes, 3, size, generator=generator, dtype=torch.float64)
    labels = torch.arange(samples) % classes
    pull = torch.linspace(-2, 2, samples, dtype=torch.float64)[:, None]
    noise = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    return (noise * 0.6 + pull * centers[labels, labels % 3]).requires_grad_(), centers.requires_grad_(), labels


def head_with(centers: Tensor, **options: float | str) -> nn.Module:
    classes, _, size = centers.shape
    head = build("subcenter_arcface", num_classes=classes, embedding_size=size, **options).double()
    with torch.no_grad():
        head.centers.copy_(centers)
    return head


@pytest.mark.parametrize("scale", [4.0, 64.0])
def test_value_and_gradient_equal_the_paper(scale: float) -> None:
    features, centers, labels = problem()
    head = head_with(centers, scale=scale)
    ours = head(features, labels)
    paper = papers.subcenter_arcface_loss(features, centers, labels, scale, 0.5)
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    mine = torch.autograd.grad(ours, [features, head.centers])
    theirs = torch.autograd.grad(paper, [features, centers])
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)


def test_gradcheck() -> None:
    features, centers, labels = problem()
    head = head_with(centers, scale=4.0)
    assert torch.autograd.gradcheck(lambda x: head(x, labels), [features])


def test_the_straight_through_gradient_is_that_of_p_minus_onehot_by_the_nearest_cosines() -> None:
    features, centers, labels = problem()
    head = head_with(centers, gradient="straight_through", scale=8.0)
    ours = torch.autograd.grad(head(features, labels), [features, head.centers])
    unit = nn.functional.normalize(centers, dim=2)
    cosine = torch.einsum("nd,ckd->nck", nn.functional.normalize(features), unit).max(2).values
    theta = torch.acos(cosine.detach())
    onehot = nn.functional.one_hot(labels, len(centers)).double()
    shifted = torch.where(theta + 0.5 < math.pi, torch.cos(theta + 0.5), torch.cos(theta) - (1 - math.cos(0.5)))
    p = torch.softmax(8 * torch.where(onehot == 1, shifted, cosine.detach()), 1)
    expected = torch.autograd.grad(cosine, [features, centers], 8 * (p - onehot) / len(labels))
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_centers_are_c_k_d_cosine_is_that_of_the_nearest_and_only_that_gets_gradient() -> None:
    features, centers, labels = problem()
    head = head_with(centers)
    assert head.centers.shape == (4, 3, 5)
    every = nn.functional.cosine_similarity(features[:, None, None], centers[None], dim=3)
    torch.testing.assert_close(head.cosine(features), every.amax(2))
    head(features[:1], labels[:1]).backward()
    touched = head.centers.grad.abs().sum(2) > 0
    assert torch.equal(touched, nn.functional.one_hot(every[0].argmax(1), 3).bool())


def test_of_equal_sub_centers_one_gets_the_whole_gradient() -> None:
    head = build("subcenter_arcface", num_classes=2, embedding_size=3)
    with torch.no_grad():
        head.centers.copy_(torch.ones(2, 3, 3))
    head(torch.tensor([[1.0, 0.2, 0.0]]), torch.tensor([0])).backward()
    assert ((head.centers.grad.abs().sum(2) > 0).sum(1) == 1).all()


def test_one_sub_center_is_arcface() -> None:
    features, _, labels = problem()
    one = build("subcenter_arcface", num_classes=4, embedding_size=5, sub_centers=1, margin=0.3, scale=16.0).double()
    plain = build("arcface", num_classes=4, embedding_size=5, margin=0.3, scale=16.0).double()
    plain.load_state_dict(one.state_dict())
    assert torch.equal(one(features, labels), plain(features, labels))
    assert one.centers.shape == (4, 5)


def test_poles_and_zero_features_have_finite_gradients_and_a_single_class_costs_nothing() -> None:
    head = build("subcenter_arcface", num_classes=3, embedding_size=3)
    with torch.no_grad():
        head.centers.copy_(torch.eye(3)[:, None].expand(3, 3, 3))
    features = torch.cat([torch.eye(3), -torch.eye(3), torch.zeros(1, 3)]).requires_grad_()
    head(features, torch.arange(7) % 3).backward()
    assert features.grad.isfinite().all()
    assert head.centers.grad.isfinite().all()
    alone = build("subcenter_arcface", num_classes=1, embedding_size=3)
    assert alone(features, torch.zeros(7, dtype=torch.int64)) == 0


def test_label_minus_1_is_left_out_autocast_changes_nothing_and_the_state_loads() -> None:
    features, centers, labels = problem()
    head = head_with(centers)
    some = torch.where(labels == 1, -1, labels)
    kept = some != -1
    torch.testing.assert_close(head(features, some), head(features[kept], labels[kept]))
    exact = head(features, labels)
    again = build("subcenter_arcface", num_classes=4, embedding_size=5).double()
    again.load_state_dict(head.state_dict())
    assert torch.equal(again(features, labels), exact)
    head, features = head.float(), features.detach().float()
    loss = head(features, labels)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(head(features, labels), loss)


def test_the_margin_of_the_head_can_grow() -> None:
    features, centers, labels = problem()
    head = head_with(centers, scale=8.0)
    head.margin_strength = 0.0
    paper = papers.subcenter_arcface_loss(features, centers, labels, 8.0, 0.0)
    torch.testing.assert_close(head(features, labels), paper)


def noisy() -> tuple[Tensor, Tensor, Tensor]:
    """Three classes in the plane; in class 0 four samples at 0°, two at 100°, in class 1 one at 76° and one at 74°."""
    centers = torch.zeros(3, 2, 2)
    degrees = [[0.0, 100.0], [180.0, 270.0], [45.0, 46.0]]
    for j, of_class in enumerate(degrees):
        centers[j] = torch.tensor([[math.cos(math.radians(d)), math.sin(math.radians(d))] for d in of_class]) * (j + 1)
    at = [0, 100, 5, -5, 99, 3, 180, 181, 180 + 76, 180 + 74]
    features = torch.tensor([[math.cos(math.radians(d)), math.sin(math.radians(d))] for d in at])
    return features * torch.arange(1, 11)[:, None], torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 1]), centers


def test_outliers_are_those_beyond_75_degrees_from_the_dominant_sub_center() -> None:
    features, labels, centers = noisy()
    found = find_outliers(features, labels, centers)
    assert found.drop.tolist() == [1, 4, 8]
    assert found.dominant.tolist() == [0, 0, -1]
    assert found.counts.tolist() == [[4, 2], [2, 2], [0, 0]]
    assert torch.rad2deg(found.angles)[[1, 8, 9]].tolist() == pytest.approx([100, 76, 74], abs=1e-3)


def test_outliers_equal_the_slow_count() -> None:
    generator = torch.Generator().manual_seed(0)
    features, centers = torch.randn(60, 4, generator=generator), torch.randn(5, 3, 4, generator=generator)
    labels = torch.randint(0, 5, (60,), generator=generator)
    for degrees in (40, 75, 120):
        found = find_outliers(features, labels, centers, max_angle=math.radians(degrees))
        assert found.drop.tolist() == papers.outliers(features.tolist(), labels.tolist(), centers.tolist(), degrees)
        assert 0 < len(found.drop) < 60


def test_the_result_is_one_value_of_integers_whether_there_are_outliers_or_not() -> None:
    # Public code returns a pair even where only the indices are asked for, and indices as floats where there are none.
    features, labels, centers = noisy()
    for found in (find_outliers(features, labels, centers), find_outliers(features[:1], labels[:1], centers)):
        assert isinstance(found, Outliers)
        assert not isinstance(found, tuple)
        assert found.drop.dtype == torch.int64
        assert found.drop.ndim == 1
        assert len(features[found.drop]) == len(found.drop)  # floats could not index


def test_outliers_leave_everything_as_it_was_and_ignore_label_minus_1() -> None:
    features, labels, centers = noisy()
    labels[1] = -1
    before = features.clone(), labels.clone(), centers.clone()
    found = find_outliers(features, labels, centers)
    assert all(torch.equal(a, b) for a, b in zip(before, (features, labels, centers), strict=True))
    assert found.drop.tolist() == [4, 8]
    assert found.angles[1] == 0
    assert found.counts[0].tolist() == [4, 1]


def test_outliers_in_more_rows_than_a_tile_and_of_a_head_with_one_center() -> None:
    features, labels = torch.randn(5000, 3), torch.randint(0, 4, (5000,))
    centers = torch.randn(4, 3)
    found = find_outliers(features, labels, centers)
    cosine = nn.functional.cosine_similarity(features, centers[labels])
    limit = math.cos(math.radians(75))
    surely, perhaps = (set((cosine < limit + by).nonzero().squeeze(1).tolist()) for by in (-1e-5, 1e-5))  # rounding
    assert surely <= set(found.drop.tolist()) <= perhaps


def test_wrong_arguments_are_refused_with_what_is_right() -> None:
    features, labels, centers = noisy()
    with pytest.raises(InputError, match=r"max_angle is in radians.*degrees"):
        find_outliers(features, labels, centers, max_angle=75)
    with pytest.raises(InputError, match=r"\(C, K, D\)"):
        find_outliers(features, labels, centers.flatten())
    with pytest.raises(InputError, match=r"shape \(N, 2\)"):
        find_outliers(torch.zeros(10, 3), labels, centers)
    with pytest.raises(InputError, match=r"sub_centers.*at least 1; got 0. Usual: 3"):
        build("subcenter_arcface", num_classes=3, embedding_size=2, sub_centers=0)
    with pytest.raises(InputError, match="sub_centers of subcenter_arcface is a number"):
        build("subcenter_arcface", num_classes=3, embedding_size=2, sub_centers="3")
