"""The optimizer within the backward pass, against torch's own optimizers over all centers."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from marginface.errors import InputError, RecipeError
from marginface.losses import build, without_terms
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiling
from marginface.training import Recipe, train
from marginface.training.learning.centers_update import CentersUpdate, update_in_backward
from marginface.training.learning.learner import Learner

CLASSES, SIZE, BATCH, STEPS = 23, 6, 8, 6
ROUNDING = {"rtol": 2e-6, "atol": 1e-6}  # a tile ends elsewhere in the vector units, where a multiply-add rounds twice
OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "sgd": lambda centers: SGD(centers, lr=0.3, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda centers: SGD(centers, lr=0.3, momentum=0.9, weight_decay=0.01, nesterov=True),
    "plain": lambda centers: SGD(centers, lr=0.3, weight_decay=0.01),
    "adamw": lambda centers: AdamW(centers, lr=0.01, weight_decay=0.1),
    "amsgrad": lambda centers: AdamW(centers, lr=0.01, amsgrad=True, foreach=True),
}


def head_and_optimizer(name: str, kind: str, **options: Any) -> tuple[nn.Module, Optimizer]:
    torch.manual_seed(0)
    head = build(name, num_classes=CLASSES, embedding_size=SIZE, **options)
    with torch.no_grad():
        head.centers.mul_(100)
    return head, OPTIMIZERS[kind](list(head.parameters()))


def batches(steps: int = STEPS) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(BATCH, SIZE, generator=generator), torch.randint(-1, CLASSES, (BATCH,), generator=generator))
        for _ in range(steps)
    ]


def train_by(head: nn.Module, optimizer: Optimizer, data: list[tuple[Tensor, Tensor]]) -> list[float]:
    losses = []
    for step, (features, labels) in enumerate(data):
        for group in optimizer.param_groups:
            group["lr"] *= 0.9
        optimizer.zero_grad()
        torch.manual_seed(step)
        loss = head(features.clone().requires_grad_(), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", ["arcface", "softmax", "subcenter_arcface", "curricularface", "normface_learned"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_steps_in_the_backward_pass_are_those_of_torch(name: str, kind: str) -> None:
    usual, usual_optimizer = head_and_optimizer(name, kind)
    ours, our_optimizer = head_and_optimizer(name, kind)
    usual.implementation = ours.implementation = Chunked(Tiling(classes=5))
    update_in_backward(ours, our_optimizer)
    losses = (train_by(ours, our_optimizer, batches()), train_by(usual, usual_optimizer, batches()))
    torch.testing.assert_close(*losses, **ROUNDING)
    assert ours.centers.grad is None
    for mine, theirs in zip(ours.parameters(), usual.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, **ROUNDING)
    mine, theirs = our_optimizer.state_dict(), usual_optimizer.state_dict()
    assert mine["state"].keys() == theirs["state"].keys()
    for place, entry in theirs["state"].items():
        held = {key: value for key, value in entry.items() if value is not None}
        torch.testing.assert_close(mine["state"][place], held, **ROUNDING)


@pytest.mark.parametrize("name", ["arcface", "subcenter_arcface"])
@pytest.mark.parametrize("kind", ["sgd", "nesterov", "plain"])
def test_lazy_centers_end_where_an_optimizer_over_all_brings_them(name: str, kind: str) -> None:
    dense, dense_optimizer = head_and_optimizer(name, kind, sample_rate=0.3)
    lazy, lazy_optimizer = head_and_optimizer(name, kind, sample_rate=0.3)
    for head in (dense, lazy):
        head.double()
    update = update_in_backward(lazy, lazy_optimizer, "lazy")
    data = [(features.double(), labels) for features, labels in batches(40)]
    torch.testing.assert_close(train_by(lazy, lazy_optimizer, data), train_by(dense, dense_optimizer, data))
    assert not torch.allclose(lazy.centers, dense.centers, rtol=1e-4)  # some are behind
    update.catch_up()
    torch.testing.assert_close(lazy.centers, dense.centers, rtol=1e-10, atol=1e-12)
    if kind != "plain":
        runs = ((lazy, lazy_optimizer), (dense, dense_optimizer))
        buffers = [optimizer.state[head.centers]["momentum_buffer"] for head, optimizer in runs]
        torch.testing.assert_close(*buffers, rtol=1e-10, atol=1e-12)


def test_lazy_steps_are_forgotten_once_every_row_has_done_them() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    update = update_in_backward(head, optimizer, "lazy")
    train_by(head, optimizer, batches(600))
    assert len(update._skipped._last) < 300
    update.catch_up()
    assert head.centers.isfinite().all()


def test_lazy_steps_of_a_batch_between_are_not_lost() -> None:
    dense, dense_optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    lazy, lazy_optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    update = update_in_backward(lazy.double(), lazy_optimizer, "lazy")
    for head, optimizer in ((lazy, lazy_optimizer), (dense.double(), dense_optimizer)):
        torch.manual_seed(3)
        losses = [head(features.double(), labels) for features, labels in batches(5)]
        for loss in losses:  # all forward passes come first
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    update.catch_up()
    torch.testing.assert_close(lazy.centers, dense.centers, rtol=1e-10, atol=1e-12)


def test_a_saved_head_is_up_to_date_and_a_loaded_one_owes_nothing() -> None:
    dense, dense_optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    lazy, lazy_optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    update = update_in_backward(lazy, lazy_optimizer, "lazy")
    train_by(lazy, lazy_optimizer, batches(20))
    train_by(dense, dense_optimizer, batches(20))
    torch.testing.assert_close(lazy.state_dict()["centers"], dense.centers.detach(), rtol=1e-4, atol=1e-5)
    train_by(lazy, lazy_optimizer, batches(3))
    lazy.load_state_dict(dense.state_dict())
    update.catch_up()
    assert torch.equal(lazy.centers, dense.centers)


def test_a_copied_head_has_no_update() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", implementation="chunked")
    update_in_backward(head, optimizer)
    copied = copy.deepcopy(head)
    before = copied.centers.detach().clone()
    copied(*batches(1)[0]).backward()
    assert torch.equal(copied.centers, before)
    assert copied.centers.grad is not None


def test_another_gradient_of_the_centers_is_refused() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", implementation="chunked")
    update_in_backward(head, optimizer)
    (head(*batches(1)[0]) + head.centers.square().sum()).backward()
    with pytest.raises(InputError, match="a gradient besides that of the head's loss"):
        optimizer.step()


def test_centers_that_do_not_learn_stay() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", implementation="chunked")
    update_in_backward(head, optimizer)
    before = head.requires_grad_(False).centers.clone()
    features, labels = batches(1)[0]
    head(features.requires_grad_(), labels).backward()
    assert torch.equal(head.centers, before)
    with pytest.raises(InputError, match="do not learn"):
        update_in_backward(head, optimizer)


@pytest.mark.parametrize("unsampled", ["dense", "lazzy"])
def test_a_wrong_word_for_centers_that_are_not_drawn_is_refused(unsampled: Any) -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    with pytest.raises(InputError, match=f"unsampled is lazy or frozen; got '{unsampled}'"):
        update_in_backward(head, optimizer, unsampled)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_frozen_centers_do_not_move_at_all(kind: str) -> None:
    head, optimizer = head_and_optimizer("arcface", kind, sample_rate=0.3)
    update_in_backward(head, optimizer, "frozen")
    for data in batches():
        before = head.centers.detach().clone()
        train_by(head, optimizer, [data])
        moved = (head.centers != before).any(1)
        assert moved[data[1][data[1] >= 0]].all()
        assert moved.sum() == round(0.3 * CLASSES)


def test_a_step_on_drawn_centers_is_the_optimizers_on_these_alone() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", sample_rate=0.3)
    update = update_in_backward(head, optimizer, "frozen")
    rows = torch.tensor([1, 7, 20])
    alone = nn.Parameter(head.centers.detach()[rows].clone())
    other = OPTIMIZERS["sgd"]([alone])
    for _ in range(3):
        gradient = torch.randn(3, SIZE)
        update.begin()
        update.step(rows, gradient.clone())
        optimizer.step()
        alone.grad = gradient
        other.step()
    assert torch.equal(head.centers[rows], alone)


def test_no_gradient_of_all_centers_is_made() -> None:
    from tests.losses.test_chunked import largest_tensor

    head = build("arcface", num_classes=4000, embedding_size=16, implementation="chunked", tiles="recompute")
    head.implementation = Chunked(Tiling(tiles="recompute", classes=100))
    optimizer = SGD(head.parameters(), lr=0.1, momentum=0.9)
    update_in_backward(head, optimizer)
    features, labels = torch.randn(8, 16, requires_grad=True), torch.arange(8)
    head(features, labels).backward()  # the momentum is made
    optimizer.step()
    known = (head.centers, optimizer.state[head.centers]["momentum_buffer"])
    assert largest_tensor(lambda: head(features, labels).backward(), known) <= 4000


def test_a_second_backward_pass_before_the_step_is_refused() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", implementation="chunked")
    update_in_backward(head, optimizer)
    (first, second, *_) = batches()
    head(*first).backward()
    with pytest.raises(InputError, match="gradients of several batches cannot be added up"):
        head(*second).backward()
    optimizer.step()
    head(*second).backward()


@pytest.mark.parametrize(
    ("head", "optimizer", "message"),
    [
        ({"implementation": "dense"}, "sgd", "choose implementation 'chunked'"),
        ({"name": "triplet"}, "sgd", "a pair loss has no class centers"),
        ({}, lambda centers: Adam(centers), "is for SGD and AdamW; got Adam"),
        ({}, lambda centers: SGD(centers, lr=1, momentum=0.9, dampening=0.5), "without dampening; got 0.5"),
        ({}, lambda centers: SGD([nn.Parameter(torch.ones(1))], lr=1), "give it head.centers"),
    ],
)
def test_what_cannot_be_updated_so_is_refused(head: dict[str, Any], optimizer: Any, message: str) -> None:
    made = build(**{"name": "arcface", "num_classes": 9, "embedding_size": 4, "implementation": "auto", **head})
    parameters = list(made.parameters()) or [nn.Parameter(torch.ones(1))]
    make = OPTIMIZERS["sgd"] if optimizer == "sgd" else optimizer
    if not head:
        made.implementation = Chunked()
    with pytest.raises(InputError, match=message):
        update_in_backward(made, make(parameters))


def test_adamw_cannot_be_lazy() -> None:
    head, optimizer = head_and_optimizer("arcface", "adamw", sample_rate=0.3)
    update_in_backward(head, optimizer, "lazy")
    with pytest.raises(InputError, match="choose unsampled 'frozen', or 'dense', or SGD"):
        train_by(head, optimizer, batches(1))


Small = Callable[..., Recipe]


@pytest.mark.usefixtures("no_pictures")
def test_a_recipe_with_the_head_in_the_backward_pass_trains_as_without(small: Small, tmp_path: Path) -> None:
    data, loss = {"hold_out": 0}, {"implementation": "chunked"}
    usual = train(small(data=data, loss=loss), tmp_path / "usual")
    ours = train(small(data=data, loss=loss, optim={"head_in_backward": True}), tmp_path / "ours")
    for file in ("head", "optimizer", "backbone"):
        mine, theirs = (load_file(run.checkpoint.folder / f"{file}.safetensors") for run in (ours, usual))
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("unsampled", ["lazy", "frozen", "dense"])
def test_a_run_that_draws_classes_resumes_to_the_bit(small: Small, tmp_path: Path, unsampled: str) -> None:
    recipe = small(data={"hold_out": 0}, loss={"sample_rate": 0.4}, optim={"unsampled": unsampled})
    whole = train(recipe, tmp_path / "whole")
    with pytest.raises(_Stop):
        train(recipe, tmp_path / "cut", progress=_stop_at_13)
    resumed = train(recipe, tmp_path / "cut", resume=True)
    mine, theirs = (load_file(run.checkpoint.folder / "head.safetensors") for run in (resumed, whole))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


class _Stop(Exception):
    pass


def _stop_at_13(progress: Any) -> None:
    if progress.step == 13:
        raise _Stop


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optim": {"head_in_backward": True}, "loss": {"implementation": "dense"}}, "needs the classes in tiles"),
        ({"optim": {"unsampled": "lazy"}}, "unsampled is for .loss. sample_rate below 1"),
        ({"optim": {"unsampled": "lazy", "kind": "adamw"}, "loss": {"sample_rate": 0.1}}, "have no closed form"),
        (
            {"optim": {"head_in_backward": True, "kind": "adamw"}, "loss": {"sample_rate": 0.1}},
            "choose unsampled frozen",
        ),
        ({"loss": {"sample_rate": 0}}, "sample_rate"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(small: Small, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        small(**changes)


@pytest.mark.parametrize(
    ("optim", "loss", "implementation", "updates"),
    [
        ({}, {}, "Dense", False),
        ({"head_in_backward": True}, {}, "Chunked", True),
        ({}, {"sample_rate": 0.5}, "Sampled", True),
        ({"kind": "adamw"}, {"sample_rate": 0.5}, "Sampled", False),
        ({"unsampled": "dense"}, {"sample_rate": 0.5}, "Sampled", False),
        ({"unsampled": "frozen", "kind": "adamw"}, {"sample_rate": 0.5}, "Sampled", True),
    ],
)
def test_what_a_recipe_asks_for_is_what_the_head_gets(
    small: Small, optim: dict[str, Any], loss: dict[str, Any], implementation: str, updates: bool
) -> None:
    learner = Learner(small(optim=optim, loss=loss), 6, torch.device("cpu"))
    found = without_terms(learner.head).implementation
    assert type(found).__name__ == implementation
    assert isinstance(getattr(found, "update", None), CentersUpdate) == updates


def test_a_pair_loss_has_no_centers_to_learn_in_the_backward_pass(small: Small) -> None:
    recipe = small(
        loss={"name": "triplet", "margin": None, "scale": None, "margin_from": 0.0, "margin_full": 0.0},
        optim={"head_in_backward": True},
        train={"batch_images_per_identity": 2},
    )
    with pytest.raises(InputError, match="leave head_in_backward out"):
        Learner(recipe, 6, torch.device("cpu"))


def test_a_head_that_nobody_uses_is_freed_at_once() -> None:
    head, optimizer = head_and_optimizer("arcface", "sgd", implementation="chunked")
    update_in_backward(head, optimizer)
    train_by(head, optimizer, batches(2))
    centers = weakref.ref(head.centers)
    gc.disable()
    try:
        del head, optimizer
        assert centers() is None
    finally:
        gc.enable()
