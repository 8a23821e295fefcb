"""The head by tiles against the dense one, where a loss of the table does not look: sizes, dtypes, bounds, memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from marginface.errors import InputError
from marginface.losses import LOSSES, build
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiles, Tiling, tiles_of
from marginface.losses.dense import Dense
from marginface.losses.implementation import Implementation, Logits
from marginface.losses.pairs import PairLoss
from marginface.losses.summed import without_terms

NAMES = [name for name, loss in LOSSES.items() if not isinstance(loss, PairLoss)]
SIZES = [(1, 1, 4), (5, 1, 4), (1, 7, 4), (6, 2, 3), (9, 27, 16), (20, 17, 5)]


def batch(samples: int, classes: int, size: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features near, across from and far from their centers; float64."""
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(classes, size, generator=generator, dtype=torch.float64) * 0.3
    labels = torch.randint(classes, (samples,), generator=generator)
    noise = torch.randn(samples, size, generator=generator, dtype=torch.float64)
    pull = torch.linspace(-20, 20, samples, dtype=torch.float64)[:, None]
    return noise + pull * centers[labels], centers, labels


def two_heads(name: str, centers: Tensor, tiling: Tiling, **options: float) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(1)
    dense = build(name, num_classes=len(centers), embedding_size=centers.shape[1], implementation="dense", **options)
    torch.manual_seed(1)
    tiled = build(name, num_classes=len(centers), embedding_size=centers.shape[1], implementation="dense", **options)
    tiled.load_state_dict(dense.state_dict())
    without_terms(tiled).implementation = Chunked(tiling)
    heads = dense.to(centers.dtype), tiled.to(centers.dtype)
    for head in heads:
        with torch.no_grad():
            head.centers.copy_(centers.view(len(centers), *[1] * (head.centers.ndim - 2), -1))
            if head.centers.ndim == 3:
                head.centers += torch.arange(head.centers.shape[1])[:, None] * 0.05
    return heads


def value_and_gradients(head: nn.Module, features: Tensor, labels: Tensor) -> list[Tensor]:
    features = features.clone().requires_grad_()
    torch.manual_seed(2)
    loss = head(features, labels)
    learned = [parameter for parameter in head.parameters() if parameter.requires_grad]
    found = torch.autograd.grad(loss, [features, *learned], allow_unused=True)
    return [loss.detach(), *(torch.zeros(1) if gradient is None else gradient for gradient in found)]


def assert_near(ours: list[Tensor], theirs: list[Tensor], relative: float) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine - other).norm() <= relative * other.norm() + 1e-300, (mine, other)


@pytest.mark.parametrize("tiles", ["store", "recompute"])
@pytest.mark.parametrize("name", NAMES)
def test_every_loss_equals_the_dense_one_at_every_size(name: str, tiles: str) -> None:
    for samples, classes, size in SIZES:
        features, centers, labels = batch(samples, classes, size)
        dense, tiled = two_heads(name, centers, Tiling(tiles=tiles, classes=4))
        for _ in range(2):  # the second time with running statistics that have seen a batch
            ours, theirs = (value_and_gradients(head, features, labels) for head in (tiled, dense))
            assert_near(ours, theirs, 1e-9)


def test_a_tile_has_one_class_at_least() -> None:
    features, centers, labels = batch(6, 5, 4)
    heads = two_heads("arcface", centers, Tiling(classes=1))
    theirs, ours = (value_and_gradients(head, features, labels) for head in heads)
    assert_near(ours, theirs, 1e-9)
    with pytest.raises(InputError, match="at least 1 class; got 0"):
        Tiling(classes=0)


def test_tiles_have_512_to_2048_classes_and_up_to_512_mib_of_them_are_kept() -> None:
    assert [Tiling().classes_for(samples) for samples in (1, 128, 256, 512, 10_000)] == [2048, 2048, 1024, 512, 512]
    assert Tiling(classes=7).classes_for(10_000) == 7
    kept = {tiles: [Tiling(tiles=tiles).stores(n, 4) for n in (2**27, 2**27 + 1)] for tiles in get_args(Tiles)}
    assert kept == {"auto": [True, False], "store": [True, True], "recompute": [False, False]}


@pytest.mark.parametrize("name", NAMES)
def test_float32_agrees_with_float64(name: str) -> None:
    features, centers, labels = batch(32, 300, 16)
    dense, _ = two_heads(name, centers, Tiling())
    _, tiled = two_heads(name, centers.float(), Tiling(classes=64))
    exact = value_and_gradients(dense.eval(), features.float().double(), labels)
    assert_near(value_and_gradients(tiled.eval(), features.float(), labels), exact, 2e-5)


@pytest.mark.parametrize("name", ["arcface", "x2softmax", "curricularface", "softmax"])
def test_bfloat16_products_keep_the_direction_of_the_gradient(name: str) -> None:
    features, centers, labels = batch(64, 1000, 64)
    dense, _ = two_heads(name, centers.float(), Tiling())
    _, tiled = two_heads(name, centers.float(), Tiling(multiply="bfloat16", classes=128))
    for ours, theirs in zip(
        value_and_gradients(tiled, features.float(), labels)[1:3],
        value_and_gradients(dense, features.float(), labels)[1:3],
        strict=True,
    ):
        assert 1 - torch.cosine_similarity(ours.flatten().double(), theirs.flatten().double(), dim=0) < 5e-5


@pytest.mark.parametrize("tiles", ["store", "recompute"])
def test_a_loss_of_1e_12_keeps_its_gradient(tiles: str) -> None:
    centers = torch.eye(40)
    labels = torch.arange(40)
    _, tiled = two_heads("normface", centers, Tiling(tiles=tiles, classes=7), scale=31.3)
    features = torch.eye(40, requires_grad=True)
    loss = tiled(features, labels)
    (gradient,) = torch.autograd.grad(loss, [features])
    exact = math.log1p(39 * math.exp(-31.3))
    assert loss.item() == pytest.approx(exact, rel=1e-5)
    p = -math.expm1(-exact)
    assert gradient[0, 1].item() == pytest.approx(31.3 * p / 39 / 40, rel=1e-4)


@pytest.mark.parametrize("scale", [64.0, 300.0, 2000.0])
@pytest.mark.parametrize("tiles", ["store", "recompute"])
def test_no_scale_overflows(scale: float, tiles: str) -> None:
    features, centers, labels = batch(12, 50, 8)
    dense, tiled = two_heads("arcface", centers.float(), Tiling(tiles=tiles, classes=8), scale=scale)
    ours, theirs = (value_and_gradients(head, features.float(), labels) for head in (tiled, dense))
    assert all(value.isfinite().all() for value in ours)
    assert_near(ours, theirs, 1e-4)


def test_softmax_logits_of_any_size_do_not_overflow() -> None:
    features, centers, labels = batch(12, 50, 8)
    dense, tiled = two_heads("softmax", centers.float() * 1000, Tiling(classes=8))
    ours, theirs = (value_and_gradients(head, features.float(), labels) for head in (tiled, dense))
    assert all(value.isfinite().all() for value in ours)
    assert_near(ours, theirs, 1e-4)


@pytest.mark.parametrize("name", ["arcface", "curricularface", "softmax", "uniface"])
def test_labels_of_minus_one_learn_nothing(name: str) -> None:
    features, centers, labels = batch(6, 9, 4)
    labels[::2] = -1
    dense, tiled = two_heads(name, centers, Tiling(classes=4))
    ours, theirs = (value_and_gradients(head, features, labels) for head in (tiled, dense))
    assert_near(ours, theirs, 1e-9)
    assert not ours[1][::2].any()


@pytest.mark.parametrize("name", ["arcface", "softmax", "sphereface2"])
def test_the_losses_of_samples_can_be_weighed(name: str) -> None:
    features, centers, labels = batch(8, 9, 4)
    weights = torch.linspace(0, 2, 8, dtype=torch.float64)
    dense, tiled = two_heads(name, centers, Tiling(classes=4))
    found = [
        torch.autograd.grad((weights * head.losses(features, labels)).sum(), head.centers) for head in (dense, tiled)
    ]
    torch.testing.assert_close(*(gradient for (gradient,) in found), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(tiled.losses(features, labels).mean(), tiled(features, labels))


@pytest.mark.parametrize("name", ["arcface", "npcface"])
def test_gradients_of_two_batches_add_up(name: str) -> None:
    features, centers, labels = batch(8, 9, 4)
    _, tiled = two_heads(name, centers, Tiling(classes=4))
    singly = [torch.autograd.grad(tiled(*part), tiled.centers)[0] for part in halves(features, labels)]
    for part in halves(features, labels):
        tiled(*part).backward()
    torch.testing.assert_close(tiled.centers.grad, singly[0] + singly[1])


def halves(features: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(features.chunk(2), labels.chunk(2), strict=True)


@pytest.mark.parametrize("name", ["arcface", "curricularface"])
def test_an_autocast_around_forward_and_backward_changes_nothing(name: str) -> None:
    features, centers, labels = batch(8, 30, 16)
    _, tiled = two_heads(name, centers.float(), Tiling(classes=8, tiles="recompute"))
    plain = value_and_gradients(tiled.eval(), features.float(), labels)
    with torch.autocast("cpu", torch.bfloat16):
        cast = value_and_gradients(tiled, features.float(), labels)
    for ours, theirs in zip(cast, plain, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("multiply", ["float32", "bfloat16"])
def test_the_precision_of_others_is_left_alone(multiply: str) -> None:
    switch = torch.backends.mkldnn.matmul
    features, centers, labels = batch(8, 30, 16)
    _, tiled = two_heads("arcface", centers.float(), Tiling(multiply=multiply, classes=8))
    seen: list[str] = []
    before = switch.fp32_precision
    try:
        switch.fp32_precision = "tf32"
        leaf = features.float().requires_grad_()
        loss = tiled(leaf, labels)
        seen.append(switch.fp32_precision)
        loss.backward()
        seen.append(switch.fp32_precision)
    finally:
        switch.fp32_precision = before
    assert seen == ["tf32", "tf32"]


def test_float32_products_stay_float32_where_the_process_asks_for_less() -> None:
    features, centers, labels = batch(64, 200, 64)
    _, tiled = two_heads("arcface", centers.float(), Tiling(classes=64))
    plain = value_and_gradients(tiled, features.float(), labels)
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    try:
        switch.fp32_precision = "bf16"
        assert all(map(torch.equal, value_and_gradients(tiled, features.float(), labels), plain))
    finally:
        switch.fp32_precision = before


def test_bfloat16_products_of_float64_are_refused() -> None:
    features, centers, labels = batch(4, 9, 4)
    _, tiled = two_heads("arcface", centers, Tiling(multiply="bfloat16"))
    with pytest.raises(InputError, match=r"for float32 on a CPU; the centers are torch\.float64 on cpu"):
        tiled(features, labels)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, while it traces
def test_a_compiled_head_gives_the_same() -> None:
    features, centers, labels = batch(8, 30, 16)
    _, tiled = two_heads("arcface", centers.float(), Tiling(classes=8))
    compiled = torch.compile(tiled, backend="eager")
    for ours, theirs in zip(
        value_and_gradients(compiled, features.float(), labels),
        value_and_gradients(tiled, features.float(), labels),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ["arcface", "curricularface", "softmax"])
def test_features_that_do_not_learn_and_centers_that_do_not(name: str) -> None:
    features, centers, labels = batch(8, 9, 4)
    dense, tiled = two_heads(name, centers, Tiling(classes=4))
    for head in (dense, tiled):
        head(features, labels).backward()
    torch.testing.assert_close(tiled.centers.grad, dense.centers.grad, rtol=1e-9, atol=1e-12)
    leaf = features.clone().requires_grad_()
    tiled.requires_grad_(False)(leaf, labels).backward()
    expected = value_and_gradients(dense, features, labels)[1]
    torch.testing.assert_close(leaf.grad, expected, rtol=1e-9, atol=1e-12)


def largest_tensor(work: Callable[[], object], but: Sequence[Tensor] = ()) -> int:
    """Return the numbers in the largest tensor that an operation gave while some work was done, but for known ones."""
    from torch.utils._python_dispatch import TorchDispatchMode

    known = {tensor.untyped_storage().data_ptr() for tensor in but}

    class Watch(TorchDispatchMode):
        most = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            for value in out if isinstance(out, tuple | list) else (out,):
                if not isinstance(value, Tensor) or any(value is arg for arg in args):
                    continue
                storage = value.untyped_storage()
                if storage.data_ptr() not in known:
                    self.most = max(self.most, storage.nbytes() // value.element_size())
            return out

    with Watch() as watch:
        work()
    return watch.most


@pytest.mark.parametrize("name", ["arcface", "curricularface", "sphereface2", "magface", "npcface", "adacos"])
def test_no_tensor_of_samples_times_classes_is_made(name: str) -> None:
    samples, classes, size = 64, 4000, 4
    head = build(name, num_classes=classes, embedding_size=size, implementation="chunked", tiles="recompute")
    head.implementation = Chunked(Tiling(tiles="recompute", classes=100))
    features = torch.randn(samples, size, requires_grad=True)
    labels = torch.randint(classes, (samples,))
    assert largest_tensor(lambda: head(features, labels).backward()) < samples * classes / 8


@pytest.mark.parametrize(
    ("asked", "classes", "expected"),
    [("auto", 10, Dense), ("auto", 5000, Chunked), ("chunked", 10, Chunked), ("dense", 5000, Dense)],
)
def test_auto_takes_tiles_for_many_classes(asked: str, classes: int, expected: type[Implementation]) -> None:
    assert isinstance(
        build("arcface", num_classes=classes, embedding_size=2, implementation=asked).implementation, expected
    )


def test_the_choices_reach_the_tiles() -> None:
    head = build("arcface", num_classes=9, embedding_size=2, multiply="bfloat16", tiles="recompute")
    assert isinstance(head.implementation, Chunked)
    assert head.implementation.tiling == Tiling(multiply="bfloat16", tiles="recompute")


def test_every_class_and_every_sample_is_in_one_tile() -> None:
    labels = torch.tensor([9, 0, 4, 4, 10, 3])
    tiles = tiles_of(labels, 11, 2, 4)
    assert [(tile.start, tile.stop, tile.rows) for tile in tiles] == [
        (0, 4, slice(0, 8)),
        (4, 8, slice(8, 16)),
        (8, 11, slice(16, 22)),
    ]
    for tile in tiles:
        assert torch.equal(labels[tile.samples], tile.places + tile.start)
    assert sorted(torch.cat([tile.samples for tile in tiles]).tolist()) == list(range(6))


def test_no_other_class_is_minus_infinity_without_a_gradient() -> None:
    for made_by in (Dense(), Chunked(Tiling())):
        directions = torch.ones(2, 3, requires_grad=True)
        centers = torch.ones(1, 3, requires_grad=True)
        comparison = made_by.compare(directions, centers, torch.zeros(2, dtype=torch.int64))
        found, _ = comparison.log_sum_exp(Logits(torch.ones(())))
        assert found.tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize(("scale", "length"), [(83.0, 0.01), (76.0, 1e-4), (78.0, 1e-6), (64.0, 1e-13)])
@pytest.mark.parametrize("tiles", ["store", "recompute"])
def test_short_centers_overflow_nothing(scale: float, length: float, tiles: str) -> None:
    torch.manual_seed(0)
    centers = torch.nn.functional.normalize(torch.randn(10, 16)) * length
    labels = torch.arange(4)
    dense, tiled = two_heads("normface", centers, Tiling(tiles=tiles, classes=3), scale=scale)
    features = centers[labels + 5] / length  # each on another class's center
    ours, theirs = (value_and_gradients(head, features, labels) for head in (tiled, dense))
    assert all(value.isfinite().all() for value in ours)
    assert_near(ours[:2], theirs[:2], 1e-4)
    if length > 1e-12:
        assert_near(ours[2:], theirs[2:], 1e-3)


@pytest.mark.parametrize("name", ["arcface", "curricularface", "subcenter_arcface", "softmax"])
def test_without_gradient_nothing_is_kept(name: str) -> None:
    head = build(name, num_classes=4000, embedding_size=4, implementation="chunked").eval()
    head.implementation = Chunked(Tiling(classes=100))
    features, labels = torch.randn(64, 4), torch.randint(4000, (64,))
    expected = head(features, labels).detach()

    def work() -> None:
        with torch.no_grad():
            torch.testing.assert_close(head(features, labels), expected)

    assert largest_tensor(work, [head.centers]) < 64 * 4000 / 8
    with torch.inference_mode():
        torch.testing.assert_close(head(features, labels), expected)


def test_no_gradient_is_made_of_centers_that_do_not_learn() -> None:
    head = build("arcface", num_classes=4000, embedding_size=16, implementation="chunked").requires_grad_(False)
    head.implementation = Chunked(Tiling(tiles="recompute", classes=100))
    features, labels = torch.randn(8, 16, requires_grad=True), torch.arange(8)
    assert largest_tensor(lambda: head(features, labels).backward(), [head.centers]) <= 4000
