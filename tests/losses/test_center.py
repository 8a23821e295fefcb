"""Center and triplet-center loss against their papers, their centers, and both beside any head."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError, UnknownName
from marginface.losses import LOSSES, TERMS, CenterLoss, SummedHead, TripletCenterLoss, build, check_terms
from oracles import centers as papers


def problem(samples: int = 9, classes: int = 5, size: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64)
    features = torch.randn(samples, size, generator=generator, dtype=torch.float64) * 2
    labels = torch.tensor([0, 1, 1, 3, 3, 3, 3, 1, 0])[:samples] % classes
    return features.requires_grad_(), centers, labels


def term_with(centers: Tensor, name: str, **options: float | str) -> nn.Module:
    term = TERMS[name](*centers.shape, **options).double()
    with torch.no_grad():
        term.centers.copy_(centers)
    return term


@pytest.mark.parametrize("rule", ["count", "mean", "autograd"])
def test_center_loss_equals_the_paper_in_value_and_gradient(rule: str) -> None:
    features, centers, labels = problem()
    ours = term_with(centers, "center", rule=rule)(features, labels)
    paper = papers.center_loss(features, centers, labels, 0.003)
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=0)
    (mine,), (theirs,) = (torch.autograd.grad(loss, [features]) for loss in (ours, paper))
    torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(mine, 0.003 / 9 * (features - centers[labels]), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("rule", ["count", "mean"])
@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_centers_move_by_the_rule_of_the_paper(rule: str, alpha: float) -> None:
    features, centers, labels = problem()
    term = term_with(centers, "center", rule=rule, alpha=alpha)
    term(features, labels)
    expected = papers.moved_centers(features.detach(), centers, labels, alpha, rule)
    torch.testing.assert_close(term.centers, expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(term.centers[[2, 4]], centers[[2, 4]])  # no sample, no move
    assert (term.centers[[0, 1, 3]] != centers[[0, 1, 3]]).all()


def test_one_center_after_one_step_by_hand() -> None:
    term = CenterLoss(2, 1)
    term.centers = torch.tensor([[8.0], [1.0]])
    loss = term(torch.tensor([[2.0], [4.0], [6.0]]), torch.tensor([0, 0, 0]))
    assert loss.item() == pytest.approx(0.003 / 2 * (36 + 16 + 4) / 3)
    assert term.centers.tolist() == [[8 - 0.5 * 3 / 4 * (8 - 4)], [1.0]]


@pytest.mark.parametrize("rule", ["count", "mean"])
def test_centers_move_in_training_mode_only_and_carry_no_gradient(rule: str) -> None:
    features, centers, labels = problem()
    term = term_with(centers, "center", rule=rule)
    assert list(term.parameters()) == []
    term.eval()(features, labels)
    assert torch.equal(term.centers, centers)
    term.train()(features, labels).backward()
    assert not torch.equal(term.centers, centers)
    assert not term.centers.requires_grad
    assert "centers" in term.state_dict()


def test_the_gradient_is_that_before_the_centers_move() -> None:
    features, centers, labels = problem()
    trained, watched = (term_with(centers, "center") for _ in range(2))
    (a,) = torch.autograd.grad(trained(features, labels), [features])
    (b,) = torch.autograd.grad(watched.eval()(features, labels), [features])
    assert torch.equal(a, b)


def test_with_autograd_the_centers_are_a_parameter_that_the_optimizer_moves() -> None:
    features, centers, labels = problem()
    term = term_with(centers, "center", rule="autograd", weight=0.5)
    reference = centers.clone().requires_grad_()
    (expected,) = torch.autograd.grad(papers.center_loss(features, reference, labels, 0.5), [reference])
    term(features, labels).backward()
    torch.testing.assert_close(term.centers.grad, expected, rtol=1e-10, atol=1e-14)
    assert torch.equal(term.centers, centers)


def test_a_feature_on_its_center_costs_nothing_however_many_classes_there_are() -> None:
    # Public code that masks all N×C distances and then clamps them at 1e-12 keeps a floor of (C − 1)·1e-12.
    term = CenterLoss(1000, 3, weight=1.0).eval()
    assert term(term.centers[:5].clone(), torch.arange(5)) == 0


def test_far_features_keep_the_digits_of_their_distance() -> None:
    # ‖x‖² + ‖c‖² − 2xᵀc cancels: at norm 1e4 nothing is left of a distance of 0.01 in float32.
    term = CenterLoss(2, 2, weight=1.0).eval()
    term.centers = torch.tensor([[10_000.0, 0.0], [0.0, 0.0]])
    loss = term(torch.tensor([[10_000.0, 0.0078125]]), torch.tensor([0]))
    assert loss.item() == pytest.approx(0.0078125**2 / 2, rel=1e-6)
    triplet = TripletCenterLoss(2, 2, weight=1.0, margin=0.0)
    with torch.no_grad():
        triplet.centers.copy_(torch.tensor([[10_000.0, 0.0], [10_000.0, 0.00390625]]))
    loss = triplet(torch.tensor([[10_000.0, 0.0078125]]), torch.tensor([0]))
    assert loss.item() == pytest.approx((0.0078125**2 - 0.00390625**2) / 2, rel=1e-6)


@pytest.mark.parametrize("margin", [5.0, 0.5])
def test_triplet_center_loss_equals_the_paper_in_value_and_gradient(margin: float) -> None:
    features, centers, labels = problem()
    term = term_with(centers, "triplet_center", margin=margin)
    reference = centers.clone().requires_grad_()
    ours, paper = term(features, labels), papers.triplet_center_loss(features, reference, labels, 0.1, margin)
    torch.testing.assert_close(ours, paper, rtol=1e-10, atol=0)
    mine = torch.autograd.grad(ours, [features, term.centers])
    theirs = torch.autograd.grad(paper, [features, reference])
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_triplet_center_gradcheck_and_the_hinge_that_ends_it() -> None:
    features, centers, labels = problem()
    term = term_with(centers, "triplet_center")
    assert torch.autograd.gradcheck(lambda x: term(x, labels), [features])
    satisfied = term_with(100 * torch.eye(3, dtype=torch.float64), "triplet_center")
    assert satisfied(100 * torch.eye(3, dtype=torch.float64), torch.arange(3)) == 0


def test_with_a_single_class_triplet_center_costs_nothing_and_has_gradient_0() -> None:
    term = TripletCenterLoss(1, 3)
    features = torch.randn(4, 3, requires_grad=True)
    loss = term(features, torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert loss == 0
    assert (features.grad == 0).all()


@pytest.mark.parametrize("name", TERMS)
def test_label_minus_1_is_left_out_and_no_argument_changes(name: str) -> None:
    features, centers, labels = problem()
    some = labels.clone()
    some[::2] = -1
    before = features.detach().clone(), some.clone()
    whole, part = term_with(centers, name), term_with(centers, name)
    torch.testing.assert_close(whole(features, some), part(features[1::2], labels[1::2]))
    torch.testing.assert_close(whole.centers, part.centers)
    assert all(torch.equal(a, b) for a, b in zip(before, (features, some), strict=True))
    nobody = whole(features, torch.full_like(labels, -1))
    assert nobody == 0
    nobody.backward()
    torch.testing.assert_close(whole.centers, part.centers)


@pytest.mark.parametrize("name", TERMS)
def test_autocast_and_bfloat16_features_leave_the_centers_float32(name: str) -> None:
    term, features = TERMS[name](5, 4), torch.randn(6, 4)
    labels = torch.arange(6) % 5
    loss = term.eval()(features, labels)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(term(features, labels), loss)
        half = term.train()(features.bfloat16(), labels)
    assert half.dtype == term.centers.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("center", {"rule": "means"}, "count, mean, autograd; got 'means'. Did you mean 'mean'"),
        ("center", {"alpha": 0.0}, "0 < α ≤ 1"),
        ("center", {"weight": 0.0}, "weight of center is above 0"),
        ("triplet_center", {"margin": -1.0}, "m ≥ 0"),
        ("triplet_center", {"weight": -1.0}, "weight of triplet_center is above 0"),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(name, num_classes=3, embedding_size=2, **options)
    with pytest.raises(InputError, match=message):
        check_terms({name: options})


def test_the_center_of_the_table_is_softmax_and_center() -> None:
    features, centers, labels = problem()
    head = build("center", num_classes=5, embedding_size=4, rule="mean", weight=0.5).double()
    plain = build("softmax", num_classes=5, embedding_size=4).double()
    plain.load_state_dict(head.head.state_dict())
    with torch.no_grad():
        head.terms["center"].centers.copy_(centers)
    expected = plain(features, labels) + papers.center_loss(features, centers, labels, 0.5)
    torch.testing.assert_close(head(features, labels), expected)
    assert LOSSES["center"].options == ("weight", "rule", "alpha")
    assert LOSSES["center"].described_by is CenterLoss
    with pytest.raises(InputError, match="softmax has no scale"):
        build("center", num_classes=5, embedding_size=4, scale=30.0)
    assert build("triplet_center", num_classes=5, embedding_size=4, margin=2.0).terms["triplet_center"].margin == 2.0


@pytest.mark.parametrize("name", ["softmax", "arcface", "sface", "sphereface2", "subcenter_arcface"])
def test_a_term_can_be_added_to_any_head(name: str) -> None:
    features, _, labels = problem()
    terms = {"center": {"weight": 0.5, "rule": "mean"}, "triplet_center": {"margin": 1.0}}
    head = build(name, num_classes=5, embedding_size=4, terms=terms).double()
    alone = build(name, num_classes=5, embedding_size=4).double()
    alone.load_state_dict(head.head.state_dict())
    center, triplet = (head.terms[term].centers.detach().clone() for term in terms)
    loss = head(features, labels)
    shares = (
        papers.center_loss(features, center, labels, 0.5),
        papers.triplet_center_loss(features, triplet, labels, 0.1, 1.0),
    )
    torch.testing.assert_close(loss, alone(features, labels) + shares[0] + shares[1])
    assert head.centers is head.head.centers
    assert torch.equal(head.cosine(features), alone.cosine(features))
    assert head.scale == getattr(alone, "scale", None)
    report = head.report(3)
    assert report.pop("center_loss") == pytest.approx(shares[0].item(), rel=1e-5)
    assert report.pop("triplet_center_loss") == pytest.approx(shares[1].item(), rel=1e-5)
    assert report == (alone.report(3) if hasattr(alone, "report") else {})
    assert hasattr(head, "margin_strength") == hasattr(alone, "margin_strength")


def test_margin_strength_reaches_the_wrapped_head() -> None:
    features, _, labels = problem()
    head = build("arcface", num_classes=5, embedding_size=4, terms={"center": {}}).double()
    head.margin_strength = 0.25
    assert head.head.margin_strength == head.margin_strength == 0.25
    with pytest.raises(InputError, match=r"margin_strength is in \[0, 1\]"):
        head.margin_strength = 2.0
    head.margin_strength = 0.0
    share = head.terms["center"].eval()(features, labels)
    torch.testing.assert_close(head(features, labels) - share, head.head(features, labels))


def test_the_state_of_a_head_with_terms_is_saved_and_loaded() -> None:
    features, _, labels = problem()
    arguments = {"num_classes": 5, "embedding_size": 4, "terms": {"center": {"weight": 1.0}, "triplet_center": {}}}
    head, again = (build("cosface", **arguments).double() for _ in range(2))
    head(features, labels)
    again.load_state_dict(head.state_dict())
    assert torch.equal(again.eval()(features, labels), head.eval()(features, labels))
    assert "terms.center.centers" in head.state_dict()


def test_the_report_is_of_the_latest_training_batch() -> None:
    features, _, labels = problem()
    head = build("softmax", num_classes=5, embedding_size=4, terms={"center": {}}).double()
    assert head.report(0) == {"center_loss": 0.0}
    head(features, labels)
    trained = head.report(0)
    assert trained["center_loss"] > 0
    head.eval()(features * 9, labels)
    assert head.report(0) == trained


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"centr": {}}, "unknown term of a loss 'centr'. Did you mean 'center'.*center, triplet_center"),
        ({"center": {"wieght": 1.0}}, "unknown option of term center 'wieght'. Did you mean 'weight'"),
        ({"center": {"weight": "much"}}, "weight of term center is a number"),
        ({"center": 0.003}, "terms are tables by name, such as .*'center'"),
        (["center"], "terms are tables by name"),
    ],
)
def test_wrong_terms_are_refused_with_what_is_right(terms, message: str) -> None:
    with pytest.raises((InputError, UnknownName), match=message):
        build("arcface", num_classes=3, embedding_size=2, terms=terms)


def test_a_term_that_the_loss_has_already_is_refused() -> None:
    with pytest.raises(InputError, match="has the term center already"):
        build("center", num_classes=3, embedding_size=2, terms={"center": {}})
    both = build("center", num_classes=3, embedding_size=2, terms={"triplet_center": {}})
    assert set(both.report(0)) == {"center_loss", "triplet_center_loss"}


def test_a_head_without_terms_is_itself_and_checking_terms_draws_no_random_number() -> None:
    assert not isinstance(build("arcface", num_classes=3, embedding_size=2, terms={}), SummedHead)
    features, _, labels = problem()
    bare = SummedHead(build("softmax", num_classes=5, embedding_size=4).double(), {})
    assert torch.equal(bare(features, labels), bare.head(features, labels))
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    check_terms({"center": {"rule": "mean"}, "triplet_center": {}})
    assert torch.equal(torch.rand(1), expected)
