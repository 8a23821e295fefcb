"""Partial FC: which classes are drawn, and that the loss over them is that of a head that has only these."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses import LOSSES, build, without_terms
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.dense import Dense
from marginface.losses.filtered import Filtered
from marginface.losses.implementation import Implementation
from marginface.losses.pairs import PairLoss
from marginface.losses.sampled import Sampled, sample_classes

NAMES = [name for name, loss in LOSSES.items() if not isinstance(loss, PairLoss)]


def test_the_true_classes_are_always_drawn_and_the_others_equally_often() -> None:
    labels = torch.tensor([3, 3, -1, 17])
    counts = torch.zeros(40)
    torch.manual_seed(0)
    for _ in range(4000):
        chosen = sample_classes(labels, 40, 0.25)
        assert chosen.tolist() == sorted(set(chosen.tolist()))
        assert len(chosen) == 10
        counts[chosen] += 1
    assert counts[[3, 17]].tolist() == [4000, 4000]
    others = counts[[k for k in range(40) if k not in (3, 17)]]
    expected = 4000 * 8 / 38
    assert (others - expected).abs().max() < 5 * (expected * (1 - 8 / 38)) ** 0.5


def test_more_true_classes_than_the_rate_allows_are_all_taken() -> None:
    assert sample_classes(torch.arange(0, 20, 2), 20, 0.1).tolist() == list(range(0, 20, 2))
    assert len(sample_classes(torch.tensor([-1]), 20, 0.001)) == 1


@pytest.mark.parametrize("inner", [Dense(), Chunked(Tiling(classes=3))], ids=["dense", "chunked"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "dynarcface"])  # it looks at all centers besides
def test_a_loss_is_that_of_a_head_with_the_drawn_classes(name: str, inner: Implementation) -> None:
    whole, part, chosen, labels = _whole_and_part(name, inner)
    features = torch.randn(6, 4, dtype=torch.float64)
    losses = []
    gradients: list[tuple[Tensor, ...]] = []
    for head, of in ((whole, labels), (part, torch.searchsorted(chosen, labels))):
        leaf = features.clone().requires_grad_()
        torch.manual_seed(5)  # the draw of the classes comes first; margins that draw do so from here, as below
        if head is part:
            sample_classes(labels, 12, 0.5)
        losses.append(head.losses(leaf, of))
        losses[-1].sum().backward()
        gradients.append((leaf.grad, without_terms(head).centers.grad))
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    torch.testing.assert_close(gradients[0][1][chosen], gradients[1][1])
    left_out = torch.ones(12, dtype=torch.bool)
    left_out[chosen] = False
    assert not gradients[0][1][left_out].any()


def _whole_and_part(name: str, inner: Implementation) -> tuple[torch.nn.Module, torch.nn.Module, Tensor, Tensor]:
    """Return a head over 12 classes that draws half of them, one over that half, the half, and labels."""
    labels = torch.tensor([2, 9, 2, 0, 11, 5])
    torch.manual_seed(5)
    chosen = sample_classes(labels, 12, 0.5)
    whole, part = (without_terms(build(name, num_classes=12, embedding_size=4)).double().eval() for _ in range(2))
    torch.manual_seed(1)
    for parameter in {"centers", "bias"} & {name for name, _ in whole.named_parameters()}:
        values = torch.randn_like(getattr(whole, parameter))
        setattr(whole, parameter, torch.nn.Parameter(values))
        setattr(part, parameter, torch.nn.Parameter(values[chosen]))
    whole.implementation, part.implementation = Sampled(inner, 0.5), inner
    return whole, part, chosen, labels


@pytest.mark.parametrize("name", ["arcface", "curricularface", "sphereface2"])
def test_the_filter_leaves_out_near_classes_but_never_the_true_one(name: str) -> None:
    torch.manual_seed(0)
    head = build(name, num_classes=7, embedding_size=3, interclass_filter=0.3).double()
    centers = head.centers.detach()
    labels = torch.arange(7)
    features = torch.nn.functional.normalize(centers) * 5 + 0.1 * torch.randn(7, 3, dtype=torch.float64)
    assert isinstance(head.implementation, Filtered)
    leaf = head.centers
    losses = head.losses(features, labels)
    cosine = head.cosine(features)
    near = (cosine > 0.3) & ~torch.eye(7, dtype=torch.bool)
    assert near.any()
    assert losses.isfinite().all()
    for sample in range(7):
        (gradient,) = torch.autograd.grad(losses[sample], leaf, retain_graph=True)
        assert not gradient[near[sample]].any()
        assert gradient[~near[sample]].any(1).all()


def test_a_filtered_softmax_by_hand() -> None:
    head = build("normface", num_classes=3, embedding_size=2, scale=2.0, interclass_filter=0.4).double()
    with torch.no_grad():
        head.centers.copy_(torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]))
    loss = head(torch.tensor([[3.0, 0.0]], dtype=torch.float64), torch.tensor([0]))
    logits = torch.tensor([2.0, 0.0, 0.0], dtype=torch.float64)  # 2·0.8 is above the filter, 2·0.0 is below
    torch.testing.assert_close(loss.detach(), -logits.log_softmax(0)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 0.0}, r"sample_rate is the part of the classes in each step, 0 < rate ≤ 1; got 0\.0"),
        ({"sample_rate": 1.5}, r"sample_rate is .* got 1\.5"),
        ({"interclass_filter": 1.0}, r"interclass_filter is a cosine between −1 and 1; got 1\.0\. Usual: 0\.4"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build("arcface", num_classes=9, embedding_size=2, **options)


@pytest.mark.parametrize("name", ["softmax", "lsoftmax"])
def test_a_filter_on_logits_that_are_no_cosines_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="its centers keep their lengths"):
        build(name, num_classes=9, embedding_size=2, interclass_filter=0.4)
    head = build(name, num_classes=9, embedding_size=2)
    head.implementation = Filtered(Dense(), 0.4)
    with pytest.raises(InputError, match="its centers keep their lengths"):
        head(torch.ones(1, 2), torch.tensor([0]))


def test_a_pair_loss_has_no_classes_to_draw() -> None:
    with pytest.raises(
        InputError, match="a pair loss has no classes to take in tiles, to spread, to draw from or to filter"
    ):
        build("triplet", num_classes=9, embedding_size=2, sample_rate=0.1)


def test_drawn_and_filtered_at_once_in_tiles() -> None:
    head = build(
        "arcface", num_classes=9, embedding_size=2, implementation="chunked", sample_rate=0.5, interclass_filter=0.4
    )
    sampled = head.implementation
    assert isinstance(sampled, Sampled)
    assert isinstance(sampled.inner, Filtered)
    assert isinstance(sampled.inner.inner, Chunked)
    head(torch.randn(3, 2), torch.tensor([0, 8, -1])).backward()
    assert head.centers.grad.isfinite().all()


@pytest.mark.parametrize("name", ["arcface", "curricularface"])
def test_without_gradient_all_classes_are_compared(name: str) -> None:
    torch.manual_seed(0)
    head = build(name, num_classes=20, embedding_size=4, sample_rate=0.2).eval()
    features, labels = torch.randn(5, 4), torch.randint(20, (5,))
    state = torch.get_rng_state()
    with torch.no_grad():
        found = head(features, labels)
    assert torch.equal(torch.get_rng_state(), state)
    head.implementation = Dense()
    torch.testing.assert_close(found, head(features, labels).detach())
