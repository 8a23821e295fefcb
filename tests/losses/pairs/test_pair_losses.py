"""Every pair loss against its paper in value and gradient, against other implementations, and at its edges."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from marginface.errors import InputError, UnknownName
from marginface.losses import LOSSES, PairHead, build
from marginface.losses.pairs import PairBatch, PairLoss
from oracles.pairs import ORACLES, least_supcon

PAIRS = [name for name, loss in LOSSES.items() if isinstance(loss, PairLoss)]
OF_ANGLES = [name for name in PAIRS if name != "npair"]  # blind to the norms of the features
CASES = [
    ("contrastive", {}),
    ("contrastive", {"margin": 1.9}),
    ("cosine_contrastive", {}),
    ("cosine_contrastive", {"margin": 0.3}),
    ("cosine_contrastive", {"margin": -0.5}),
    *(("triplet", {"mining": mining}) for mining in ("all", "semi_hard", "batch_hard")),
    ("triplet", {"margin": 1.5}),
    ("npair", {}),
    ("npair", {"regularization": 0.0}),
    ("supcon", {}),
    ("supcon", {"temperature": 0.5}),
]
# Unequal counts, one identity alone, some without a part, no order.
LABELS = torch.tensor([0, 2, 1, -1, 0, 1, 2, 3, 0, -1, 2, 0, 1])


def features(labels: Tensor = LABELS, size: int = 5, spread: float = 0.8) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    centers = torch.randn(10, size, generator=generator, dtype=torch.float64)
    noise = torch.randn(len(labels), size, generator=generator, dtype=torch.float64)
    return (centers[labels] + spread * noise).requires_grad_()


def head(name: str, size: int = 5, classes: int = 10, **options: float | str) -> PairHead:
    built = build(name, num_classes=classes, embedding_size=size, **options)
    assert isinstance(built, PairHead)
    return built


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("spread", [0.1, 0.8, 3.0])
def test_value_and_gradient_equal_the_paper(name: str, options: dict[str, float], spread: float) -> None:
    x = features(spread=spread)
    ours, paper = head(name, **options)(x, LABELS), ORACLES[name](x, LABELS, **options)
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=1e-12)
    (mine,), (theirs,) = (torch.autograd.grad(loss, [x]) for loss in (ours, paper))
    torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)
    assert (mine[LABELS == -1] == 0).all()


def test_every_pair_loss_has_an_oracle() -> None:
    assert set(PAIRS) == set(ORACLES) == {name for name, _ in CASES}


@pytest.mark.parametrize(("name", "options"), CASES)
def test_gradcheck(name: str, options: dict[str, float]) -> None:
    assert torch.autograd.gradcheck(lambda x: head(name, **options)(x, LABELS), [features()])


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), samples=st.integers(1, 9), classes=st.integers(1, 5), size=st.integers(1, 6))
def test_a_loss_and_its_gradient_are_finite_whatever_the_batch(
    name: str, seed: int, samples: int, classes: int, size: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, size, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(-1, classes, (samples,), generator=generator)
    loss = head(name, size, classes)(x, labels)
    loss.backward()
    assert loss.isfinite()
    assert loss >= -1e-12
    assert x.grad is not None
    assert x.grad.isfinite().all()
    new_names = torch.randperm(classes, generator=generator)
    renamed = torch.where(labels >= 0, new_names[labels.clamp_min(0)], labels)
    torch.testing.assert_close(head(name, size, classes)(x, renamed), loss)


@pytest.mark.parametrize(("name", "options"), [case for case in CASES if case[0] != "npair"])
def test_the_order_of_the_batch_does_not_matter(name: str, options: dict[str, float]) -> None:
    x, order = features(), torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(1))
    loss = head(name, **options)
    torch.testing.assert_close(loss(x[order], LABELS[order]), loss(x, LABELS), rtol=1e-12, atol=1e-14)


def test_the_order_within_an_identity_says_which_images_npair_pairs() -> None:
    x, labels = features(torch.tensor([0, 0, 1, 1])), torch.tensor([0, 0, 1, 1])
    interleaved, swapped = torch.tensor([0, 2, 1, 3]), torch.tensor([1, 0, 3, 2])
    loss = head("npair")
    torch.testing.assert_close(loss(x[interleaved], labels[interleaved]), loss(x, labels), rtol=1e-12, atol=0)
    assert (loss(x[swapped], labels) - loss(x, labels)).abs() > 1e-3  # anchors and positives have changed places


@pytest.mark.parametrize(("name", "options"), [*CASES, ("cosine_contrastive", {"margin": -1.0})])
@settings(max_examples=25, deadline=None)
@given(near=st.floats(0.1, 0.95), step=st.floats(0.02, 0.3))  # nearer than the impostors at 1.3
def test_a_loss_rises_as_a_genuine_pair_parts_and_never_falls_as_impostors_meet(
    name: str, options: dict[str, float], near: float, step: float
) -> None:
    labels = torch.tensor([0, 0, 1, 1])

    def loss(genuine: float, impostor: float) -> Tensor:
        """Two genuine pairs, each spread by one angle, in planes at another."""
        first = torch.tensor([[1.0, 0, 0, 0], [math.cos(genuine), math.sin(genuine), 0, 0]], dtype=torch.float64)
        c, s = math.cos(impostor), math.sin(impostor)
        turn = torch.tensor([[c, 0, s, 0], [0, c, 0, s], [-s, 0, c, 0], [0, -s, 0, c]], dtype=torch.float64)
        return head(name, 4, **options)(torch.cat((first, first @ turn)), labels)

    assert loss(near, 1.3) <= loss(near + step, 1.3) + 1e-12
    assert loss(near, 1.3) >= loss(near, 1.3 + step) - 1e-12
    assert loss(0.1, math.pi / 2) < loss(math.pi / 2, 0.1)


@pytest.mark.parametrize("name", OF_ANGLES)
def test_the_norms_of_the_features_do_not_matter(name: str) -> None:
    x, norms = features(), torch.linspace(0.1, 50, len(LABELS), dtype=torch.float64)[:, None]
    torch.testing.assert_close(head(name)(x * norms, LABELS), head(name)(x, LABELS), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_float32_is_near_float64_and_autocast_changes_nothing(name: str, options: dict[str, float]) -> None:
    x = features()
    exact, x32 = head(name, **options)(x, LABELS), x.detach().float()
    loss = head(name, **options)(x32, LABELS)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        autocast, half = (head(name, **options)(value, LABELS) for value in (x32, x32.bfloat16()))
    assert autocast.dtype == half.dtype == torch.float32
    assert torch.equal(autocast, loss)
    torch.testing.assert_close(half, head(name, **options)(x32.bfloat16().float(), LABELS), rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_and_zero_features_have_finite_gradients(
    name: str, options: dict[str, float], value: float, dtype: torch.dtype
) -> None:
    """√ at 0: public code that takes the root of a squared distance of 0 trains with NaN from the first equal pair."""
    x = torch.full((6, 4), value, dtype=dtype).requires_grad_()
    loss = head(name, 4, **options)(x, torch.tensor([0, 0, 0, 1, 1, 2]))
    loss.backward()
    assert loss.isfinite()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("name", PAIRS)
def test_cosines_of_1_and_minus_1_have_finite_gradients(name: str) -> None:
    axes = torch.eye(3)
    x = torch.cat((axes, -axes, axes)).requires_grad_()
    head(name, 3)(x, torch.arange(9) % 3).backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_the_pull_of_near_impostors_keeps_its_direction_in_float32() -> None:
    """√(2 − 2·cos) has no right digit at this distance; the distance of differences does."""
    x = torch.tensor([[1.0, 0.0], [1.0, 1e-4]], requires_grad=True)
    loss = head("contrastive", 2)(x, torch.tensor([0, 1]))
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * (1 - 1e-4) ** 2, rel=1e-6)
    assert x.grad is not None
    assert x.grad[:, 1].tolist() == pytest.approx([1 - 1e-4, -(1 - 1e-4)], rel=1e-3)


def test_distances_of_near_embeddings_are_right_in_float32_in_a_batch_of_any_size() -> None:
    x = torch.stack((torch.ones(40), 1e-4 * torch.arange(40)), dim=1)  # torch takes √(a² + b² − 2ab) from 26 rows on
    neighbors = PairBatch(x, torch.arange(40)).distance.diagonal(1)
    torch.testing.assert_close(neighbors, torch.full((39,), 1e-4), rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        *((name, [-1, -1, -1]) for name in PAIRS),
        *((name, [4, -1, -1]) for name in PAIRS),
        ("triplet", [0, 1, 2]),
        ("triplet", [3, 3, 3]),
        ("npair", [0, 1, 2]),
        ("npair", [3, 3, 3]),
        ("npair", [0, 0, 1]),
        ("supcon", [0, 1, 2]),
    ],
)
def test_a_batch_without_a_valid_pair_costs_0_with_a_gradient_and_is_counted(name: str, labels: list[int]) -> None:
    loss, x = head(name), torch.randn(3, 5, requires_grad=True)
    assert loss.report(0) == {}
    value = loss(x, torch.tensor(labels))
    value.backward()
    assert value == 0
    assert x.grad is not None
    assert (x.grad == 0).all()
    loss.eval()
    loss(x, torch.tensor(labels))
    assert loss.report(0) == {"batches_without_pairs": 1.0}
    restored = head(name)
    restored.load_state_dict(loss.state_dict())
    assert restored.report(0) == {"batches_without_pairs": 1.0}


@pytest.mark.parametrize("name", PAIRS)
def test_a_batch_with_pairs_is_not_counted_and_evaluation_costs_the_same(name: str) -> None:
    loss, x = head(name), features()
    training = loss(x, LABELS)
    assert loss.report(0) == {}
    assert torch.equal(loss.eval()(x, LABELS), training)


@pytest.mark.parametrize("name", PAIRS)
def test_no_argument_is_changed(name: str) -> None:
    x, labels = features(), LABELS.clone()
    before = x.detach().clone()
    loss = head(name)
    loss(x, labels).backward()
    loss.diagnose(x, labels)
    assert torch.equal(x, before)
    assert torch.equal(labels, LABELS)


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_is_learned_in_the_head_and_it_has_no_centers(name: str) -> None:
    loss = head(name)
    assert list(loss.parameters()) == []
    assert not hasattr(loss, "centers")
    assert not hasattr(loss, "cosine")


# --- one kind of pair only -----------------------------------------------------------------------------------------


def test_contrastive_losses_take_the_mean_of_the_one_kind_there_is() -> None:
    for name in ("contrastive", "cosine_contrastive"):
        for labels in ([0, 0, 0], [0, 1, 2]):
            x = features(torch.tensor(labels))
            torch.testing.assert_close(head(name)(x, torch.tensor(labels)), ORACLES[name](x, torch.tensor(labels)))


def test_genuine_and_impostor_pairs_weigh_the_same_in_a_contrastive_batch() -> None:
    x = torch.tensor([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0]])
    labels = torch.tensor([0, 0, 1, 2, 3])  # 1 genuine pair with d² = 2; 9 impostor pairs, 6 of them with d = 0
    assert head("contrastive", 3)(x, labels).item() == pytest.approx((1 + 6 / 9 / 2) / 2)


# --- triplets ------------------------------------------------------------------------------------------------------


def collapsed(samples: int = 8) -> tuple[Tensor, Tensor]:
    x = torch.tensor([[0.6, 0.8]]).repeat(samples, 1).requires_grad_()
    return x, torch.arange(samples) // 2


@pytest.mark.parametrize("mining", ["all", "semi_hard", "batch_hard"])
def test_collapsed_embeddings_cost_exactly_the_margin_and_give_no_gradient(mining: str) -> None:
    loss, (x, labels) = head("triplet", 2, margin=0.3, mining=mining), collapsed()
    value = loss(x, labels)
    value.backward()
    assert value.item() == pytest.approx(0.3, rel=1e-5)
    assert loss.collapsed_loss == 0.3
    assert x.grad is not None
    assert x.grad.abs().max() < 1e-6
    found = loss.diagnose(x, labels)
    assert found["impostor_similarity"] == pytest.approx(1)
    assert found["active_triplets"] == 1


def test_only_the_triplet_loss_has_one_value_at_a_collapse() -> None:
    assert [name for name in PAIRS if head(name).collapsed_loss is not None] == ["triplet"]


def at_angles(*degrees: float) -> Tensor:
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack((angles.cos(), angles.sin()), dim=1)


def squared(degrees: float) -> float:
    return 2 - 2 * math.cos(math.radians(degrees))


def test_semi_hard_takes_the_nearest_negative_beyond_the_positive_and_else_the_farthest() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    x = at_angles(0, 20, 15, 22)  # from 0°: the positive at 20, negatives at 15 and 22; from 20°: negatives at 5 and 2
    terms = head("triplet", 2).formula
    from_0, from_20 = terms(PairBatch(x, labels))[:2].tolist()
    assert from_0 == pytest.approx(squared(20) - squared(22) + 0.2)
    assert from_20 == pytest.approx(squared(20) - squared(5) + 0.2)  # none is farther: the mildest wrong one


def test_a_negative_as_far_as_the_positive_is_not_semi_hard() -> None:
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [-1.0, 0.0]])
    assert head("triplet", 2).formula(PairBatch(x, torch.tensor([0, 0, 1, 2])))[0] == 0  # 2 − 4 + 0.2, not 2 − 2 + 0.2


def test_a_semi_hard_loss_falls_where_a_positive_passes_a_negative() -> None:
    """The exception to the direction of a loss: the triplet changes to a negative that is farther away."""
    labels, loss = torch.tensor([0, 0, 1]), head("triplet", 2).formula
    before, after = (loss(PairBatch(at_angles(0, near, -40), labels))[0].item() for near in (39.9, 40.1))
    assert before == pytest.approx(0.2, abs=0.005)
    assert after == pytest.approx(0.2, abs=0.005)  # one negative: no other to change to
    labels = torch.tensor([0, 0, 1, 2])
    before, after = (loss(PairBatch(at_angles(0, near, -40, -90), labels))[0].item() for near in (39.9, 40.1))
    assert before == pytest.approx(0.2, abs=0.005)
    assert after == 0


def test_the_hinge_leaves_easy_triplets_at_0_and_not_below() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    for mining in ("all", "semi_hard", "batch_hard"):
        loss = head("triplet", 2, mining=mining)
        assert loss(at_angles(0, 1, 180, 181), labels) == 0
        assert loss.diagnose(at_angles(0, 1, 180, 181), labels)["active_triplets"] == 0


# --- supervised contrastive ----------------------------------------------------------------------------------------


def test_an_image_that_is_alone_is_no_anchor_and_no_nan_but_an_impostor_to_others() -> None:
    """Public code divided 0 by 0 for an identity with one image in the batch."""
    labels = torch.tensor([0, 0, 1])
    x = features(labels)
    loss = head("supcon")(x, labels)
    (gradient,) = torch.autograd.grad(loss, [x])
    assert loss.isfinite()
    assert gradient[2].abs().max() > 1e-6


def test_supcon_of_perfect_embeddings_is_its_bound_at_any_temperature() -> None:
    labels = torch.arange(12) // 4
    for temperature in (0.1, 0.001):  # 1/0.001 is beyond what exp takes in float32
        loss = head("supcon", 3, temperature=temperature)(torch.eye(3)[labels], labels)
        assert loss.item() == pytest.approx(least_supcon(4), rel=2e-4)


def test_supcon_of_equal_embeddings_is_the_log_of_the_others() -> None:
    assert head("supcon", 2)(*collapsed(16)).item() == pytest.approx(math.log(15), rel=1e-5)


# --- N-pair --------------------------------------------------------------------------------------------------------


def test_npair_is_cross_entropy_over_the_matrix_of_products() -> None:
    labels = torch.arange(12) // 2
    x = features(labels)
    logits = x[::2] @ x[1::2].T
    ours = head("npair", regularization=0.0)(x, labels)
    torch.testing.assert_close(ours, functional.cross_entropy(logits, torch.arange(6)), rtol=1e-12, atol=0)
    large = head("npair", regularization=0.0)(1000 * x, labels)
    assert large.isfinite()


# --- other implementations -----------------------------------------------------------------------------------------


def test_cosine_contrastive_is_torchs_loss_of_a_pair() -> None:
    x = features(torch.tensor([0, 1]))
    for labels, sign in (([0, 0], 1.0), ([0, 1], -1.0)):
        ours = head("cosine_contrastive", margin=0.1)(x, torch.tensor(labels))
        torchs = functional.cosine_embedding_loss(x[:1], x[1:], torch.tensor([sign]), margin=0.1)
        torch.testing.assert_close(ours, torchs.double())


def others(name: str) -> torch.nn.Module:
    """Return pytorch-metric-learning's loss of the same function (tested with 2.9.0)."""
    pytest.importorskip("pytorch_metric_learning", reason="pytorch-metric-learning is not installed")
    from pytorch_metric_learning import distances, losses, reducers

    squared = distances.LpDistance(power=2, normalize_embeddings=True)
    mean = reducers.MeanReducer()
    cosine = distances.CosineSimilarity()
    return {
        "cosine_contrastive": lambda: losses.ContrastiveLoss(1, 0.2, distance=cosine, reducer=mean),
        "all": lambda: losses.TripletMarginLoss(margin=0.2, distance=squared, reducer=mean),
        "batch_hard": lambda: losses.TripletMarginLoss(margin=0.2, distance=squared, reducer=mean),
        "npair": lambda: losses.NPairsLoss(
            distance=distances.DotProductSimilarity(normalize_embeddings=False), reducer=mean
        ),
        "supcon": lambda: losses.SupConLoss(temperature=0.1),
    }[name]()


def compared(ours: Tensor, theirs: Tensor, x: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)  # its small constants are float32's
    (mine,), (other) = torch.autograd.grad(ours, [x]), torch.autograd.grad(theirs, [x])[0]
    torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-8)


PAIRED = torch.arange(20) % 5


def test_cosine_contrastive_is_half_of_pytorch_metric_learnings() -> None:
    theirs, x = others("cosine_contrastive"), features(PAIRED)
    compared(2 * head("cosine_contrastive", margin=0.2)(x, PAIRED), theirs(x, PAIRED), x)


def test_all_triplets_are_pytorch_metric_learnings() -> None:
    theirs, x = others("all"), features(PAIRED)
    compared(head("triplet", mining="all")(x, PAIRED), theirs(x, PAIRED), x)


def test_batch_hard_triplets_are_pytorch_metric_learnings() -> None:
    theirs, x = others("batch_hard"), features(PAIRED)
    from pytorch_metric_learning import miners

    mined = miners.BatchHardMiner(distance=theirs.distance)(x, PAIRED)
    compared(head("triplet", mining="batch_hard")(x, PAIRED), theirs(x, PAIRED, mined), x)


def test_npair_without_regularization_is_pytorch_metric_learnings() -> None:
    labels = torch.arange(10) // 2
    theirs, x = others("npair"), features(labels)
    compared(head("npair", regularization=0.0)(x, labels), theirs(x, labels), x)


def test_supcon_is_pytorch_metric_learnings() -> None:
    theirs, x = others("supcon"), features(PAIRED)
    compared(head("supcon")(x, PAIRED), theirs(x, PAIRED), x)


# --- what a batch can say ------------------------------------------------------------------------------------------


def test_the_diagnosis_has_the_similarities_and_the_active_shares_of_the_batch() -> None:
    x, labels = at_angles(0, 60, 90, 180), torch.tensor([0, 0, 1, -1])
    found = head("contrastive", 2).diagnose(x, labels)
    assert found == {
        "genuine_similarity": pytest.approx(0.5),
        "impostor_similarity": pytest.approx((0 + math.cos(math.radians(30))) / 2),
        "active_impostors": 0.5,  # 30° is nearer than 1, 90° is not
    }
    assert head("cosine_contrastive", 2, margin=0.9).diagnose(x, labels)["active_impostors"] == 0
    assert head("supcon", 2).diagnose(x, labels).keys() == {"genuine_similarity", "impostor_similarity"}
    active = head("triplet", 2).diagnose(x, labels)["active_triplets"]
    assert active == 0.5  # from 60°: 1 − 0.27 + 0.2; from 0°: 1 − 2 + 0.2


@pytest.mark.parametrize("name", PAIRS)
def test_the_diagnosis_leaves_out_what_a_batch_has_no_pair_for(name: str) -> None:
    x = features(torch.tensor([0, 1, 2]))
    assert "genuine_similarity" not in head(name).diagnose(x, torch.tensor([0, 1, 2]))
    assert "impostor_similarity" not in head(name).diagnose(x, torch.tensor([0, 0, 0]))
    assert head(name).diagnose(x, torch.tensor([-1, -1, -1])) == {}
    assert head(name).diagnose(x, torch.tensor([-1, 1, -1])) == {}


# --- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("contrastive", {"margin": 0.0}, "0 < m ≤ 2; got 0"),
        ("contrastive", {"margin": math.nan}, "got nan"),
        ("cosine_contrastive", {"margin": 1.0}, "−1 ≤ m < 1"),
        ("triplet", {"margin": -0.2}, "squared distances.*got -0.2"),
        ("triplet", {"mining": "semihard"}, "semi_hard, batch_hard; got 'semihard'. Did you mean 'semi_hard'"),
        ("triplet", {"mining": 1}, "mining of triplet is a word"),
        ("npair", {"regularization": -1}, "at least 0"),
        ("supcon", {"temperature": 0}, "above 0"),
        ("triplet", {"scale": 64.0}, "triplet compares images.*no scale.*got scale 64.*options: margin, mining"),
        ("supcon", {"gradient": "straight_through"}, "only the exact gradient"),
    ],
)
def test_a_wrong_value_says_what_is_right(name: str, arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        head(name, **arguments)


def test_an_unknown_option_names_the_right_ones() -> None:
    with pytest.raises(UnknownName, match=r"option of supcon 'margin'.*Known: temperature"):
        head("supcon", margin=0.2)


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (torch.zeros(2, 4), torch.tensor([0, 1]), r"shape \(N, 5\).*\(2, 4\)"),
        (torch.zeros(2, 5), torch.tensor([0.0, 1.0]), "torch.int64"),
        (torch.zeros(2, 5), torch.tensor([0, 10]), "0 … 9, or −1.*got 0 … 10"),
        (torch.zeros(2, 5), torch.tensor([-2, 0]), "got -2 … 0"),
    ],
)
def test_wrong_features_or_labels_are_refused(x: Tensor, labels: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        head("triplet")(x, labels)
