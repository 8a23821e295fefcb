"""Heads whose classes are spread over processes against one process with all of them: real processes, by gloo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from marginface.errors import InputError
from marginface.losses import LOSSES, build, spreads
from marginface.losses.centers import drawn_for
from marginface.losses.chunked import Chunked
from marginface.losses.dense import Dense
from marginface.losses.head import MarginHead
from marginface.losses.sharded import Shard, Sharded, shard_here, shard_of
from oracles import sharded
from oracles.sharded import CLASSES, REFUSED, SAMPLES, SIZE, START_CLASSES, Case, cases, is_pair

WORLDS = [2, 3, 4]
Found = dict[int, list[dict]]
TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs/explanation/head.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start processes, and return where they wrote what they found."""
    folder = tmp_path_factory.mktemp("processes")
    (page,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "page.py").write_text(page, encoding="utf-8")
    settings = {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-m", "oracles.sharded", str(folder), *map(str, WORLDS)],
        env={**os.environ, **settings, "GLOO_SOCKET_IFNAME": "lo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Found:
    """Return what each of several processes found."""
    return {size: [torch.load(folder / f"{rank} of {size}.pt") for rank in range(size)] for size in WORLDS}


def assert_near(ours: Tensor, theirs: Tensor, relative: float = 1e-9) -> None:
    assert ours.shape == theirs.shape
    assert theirs.isfinite().all()
    assert (ours - theirs).norm() <= relative * theirs.norm(), (ours, theirs)


def rows_of(key: str, rank: int, world_size: int) -> slice | None:
    """Where a process has a part of what a process alone has."""
    shard = shard_of(CLASSES, rank, world_size)
    if key in ("losses", "features"):
        return slice(rank * SAMPLES, (rank + 1) * SAMPLES)
    return slice(shard.start, shard.stop) if key in BY_CLASS else None


BY_CLASS = {"gradient of centers", "gradient of bias"}


@pytest.mark.parametrize("world_size", WORLDS)
@pytest.mark.parametrize("key", cases())
def test_losses_gradients_and_statistics_are_those_of_one_process(found: Found, key: str, world_size: int) -> None:
    case = cases()[key]
    everything = slice(0, SAMPLES * world_size)
    expected = sharded.training(sharded.whole_head(case), case, world_size, everything)
    for rank, process in enumerate(found[world_size]):
        for ours, theirs in zip(process["trained"][key], expected, strict=True):
            assert ours.keys() == theirs.keys()
            for what, value in theirs.items():
                rows = rows_of(what, rank, world_size)
                mine = ours[what] / world_size if what == "features" else ours[what]
                assert_near(mine.double(), (value if rows is None else value[rows]).double())


def test_there_are_statistics_and_learned_numbers_to_compare() -> None:
    heads = {key: sharded.whole_head(case) for key, case in cases().items()}
    assert sum(bool(list(head.buffers())) for head in heads.values()) >= 4
    learned = {key for key, head in heads.items() if head.learned_by_parts}
    assert learned >= {"normface_learned", "sphereface2", "uniface", "normface_learned copied"}


@pytest.mark.parametrize("world_size", WORLDS)
def test_every_loss_spreads_or_is_refused_by_name(found: Found, world_size: int) -> None:
    assert {case.name for case in cases().values()} | REFUSED | {name for name in LOSSES if is_pair(name)} == set(
        LOSSES
    )
    for process in found[world_size]:
        for name in (*REFUSED, *(name for name in LOSSES if is_pair(name))):
            assert process["messages"][name] != "", name
        said = process["messages"]
        assert said["dynarcface"].startswith("dynarcface compares the centers of a batch's classes with all others, so")
        assert "the terms of center (center) have centers of their own" in said["center"]
        assert "the terms of arcface (center) have centers of their own" in said["term"]
        assert "a pair loss has no classes to take in tiles, to spread" in said["triplet"]


@pytest.mark.parametrize("world_size", WORLDS)
def test_what_cannot_be_is_said_in_every_process(found: Found, world_size: int) -> None:
    counts = ", ".join(["3", *["2"] * (world_size - 1)])
    for process in found[world_size]:
        said = process["messages"]
        assert f"each process brings the same number of samples to a sharded head; got {counts}. " in said["samples"]
        assert f"labels are in 0 … {CLASSES - 1}, or −1 where the center is not here; got {CLASSES}" in said["labels"]
        assert "share its classes, one after the other; got classes 0 … -1 of 0, " in said["shards"]
        assert (
            f"each of {world_size} processes has at least one class; got num_classes {world_size - 1}"
            in (said["few classes"])
        )


@pytest.mark.parametrize("world_size", WORLDS)
def test_the_first_centers_are_the_same_for_any_number_of_processes(found: Found, world_size: int) -> None:
    torch.manual_seed(5)
    alone = build("arcface", num_classes=START_CLASSES, embedding_size=2, implementation="sharded").centers.detach()
    assert torch.equal(torch.cat([process["start"] for process in found[world_size]]), alone)
    assert len(torch.unique(alone, dim=0)) == START_CLASSES
    assert alone.std().item() == pytest.approx(0.01, rel=0.05)
    torch.manual_seed(5)
    assert torch.equal(build("arcface", num_classes=START_CLASSES, embedding_size=2).centers.detach(), alone)
    again = build("arcface", num_classes=START_CLASSES, embedding_size=2, implementation="sharded").centers
    assert not torch.equal(again[0], alone[0])


@pytest.mark.parametrize("world_size", WORLDS)
def test_a_backbone_in_distributed_data_parallel_gets_the_gradient_of_the_mean(found: Found, world_size: int) -> None:
    features, labels = next(sharded.batches(world_size))
    backbone = sharded.first_backbone()
    sharded.whole_head(Case("curricularface"))(backbone(features), labels).backward()
    for process in found[world_size]:
        assert_near(process["backbone"], backbone.weight.grad)


@pytest.mark.parametrize("world_size", WORLDS)
def test_losses_without_gradient(found: Found, world_size: int) -> None:
    features, labels = next(sharded.batches(world_size))
    expected = sharded.whole_head(Case("uniface")).eval().losses(features, labels)
    assert_near(torch.cat([process["evaluated"] for process in found[world_size]]), expected.detach())


def test_the_example_of_the_documentation_runs(folder: Path) -> None:
    assert [len(torch.load(folder / f"page {rank}.pt")) for rank in (0, 1)] == [500, 501]
    assert torch.equal(*(torch.load(folder / f"page backbone {rank}.pt") for rank in (0, 1)))


@pytest.mark.parametrize("world_size", WORLDS)
def test_an_update_gets_the_gradient_of_the_centers_of_its_process(found: Found, world_size: int) -> None:
    features, labels = next(sharded.batches(world_size))
    whole = sharded.whole_head(Case("arcface"))
    whole(features, labels).backward()
    given = torch.cat([process["handed over"] for process in found[world_size]])
    assert_near(given, whole.centers.grad)


@pytest.mark.parametrize("key", sharded.LEARNED)
@pytest.mark.parametrize("world_size", WORLDS)
def test_centers_learn_within_the_backward_pass_of_their_process(found: Found, world_size: int, key: str) -> None:
    whole = sharded.whole_head(sharded.LEARNED[key])
    expected = sharded.learned(whole, world_size, slice(None), in_backward=False)
    assert_near(torch.cat([process["learned"][key] for process in found[world_size]]), expected)


@pytest.mark.parametrize("key", cases())
def test_a_process_alone_needs_no_group(key: str) -> None:
    case = cases()[key]
    everything = slice(0, SAMPLES)
    ours = sharded.training(sharded.sharded_head(case), case, 1, everything)
    theirs = sharded.training(sharded.whole_head(case), case, 1, everything)
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.keys() == expected.keys()
        for what, value in expected.items():
            assert_near(mine[what].double(), value.double())


def test_a_group_of_one_process(tmp_path: Path) -> None:
    from torch import distributed

    store = distributed.FileStore(str(tmp_path / "meeting"), 1)
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        assert shard_here(7) == Shard(0, 7, 7)
        test_a_process_alone_needs_no_group("uniface")
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_loss_that_is_not_refused_says_that_it_spreads(name: str) -> None:
    assert spreads(build(name, num_classes=5, embedding_size=3)) == (name not in REFUSED and not is_pair(name))


@pytest.mark.parametrize("classes", [1, 3, 1023, 1025, 2050])
@pytest.mark.parametrize("of_class", [(1,), (3,), (2, 5)])
def test_the_rows_of_a_draw_are_those_of_the_whole_draw(classes: int, of_class: tuple[int, ...]) -> None:
    torch.manual_seed(7)
    whole, after = torch.randn(classes, *of_class), torch.rand(3)
    for world_size in {1, min(classes, 3)}:
        parts = []
        for rank in range(world_size):
            torch.manual_seed(7)
            parts.append(drawn_for(shard_of(classes, rank, world_size), of_class))
            assert torch.equal(torch.rand(3), after)
        assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_with_one_process_nothing_is_refused(name: str) -> None:
    head = build(name, num_classes=5, embedding_size=3, implementation="sharded")
    assert head(torch.randn(2, 3), torch.tensor([4, 0])).isfinite()


@pytest.mark.parametrize("classes", [10, 5000])
def test_the_classes_of_a_process_are_taken_by_tiles(classes: int) -> None:
    head = build("arcface", num_classes=classes, embedding_size=2, implementation="sharded")
    assert isinstance(head.implementation, Sharded)
    assert isinstance(head.implementation.inner, Chunked)
    tiled = build("arcface", num_classes=9, embedding_size=2, implementation="sharded", tiles="recompute")
    assert isinstance(tiled.implementation.inner, Chunked)


@pytest.mark.parametrize(("classes", "world_size"), [(1, 1), (10, 3), (7, 7), (100_000_007, 64)])
def test_shards_hold_every_class_once(classes: int, world_size: int) -> None:
    shards = [shard_of(classes, rank, world_size) for rank in range(world_size)]
    assert [shard.start for shard in shards] == [0, *(shard.stop for shard in shards[:-1])]
    assert shards[-1].stop == classes
    assert max(shard.size for shard in shards) - min(shard.size for shard in shards) <= 1
    assert all(shard.has_others == (world_size > 1) for shard in shards)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: shard_of(10, 3, 3), "rank is that of one of 3 processes, from 0; got 3"),
        (lambda: shard_of(2, 0, 3), "each of 3 processes has at least one class; got num_classes 2"),
        (lambda: Shard(3, 3, 5), "at least one; got 3 … 2 of 5"),
        (lambda: Shard(3, 6, 5), "at least one; got 3 … 5 of 5"),
        (lambda: headed(Shard(0, 2, 5)), "the shard of a head with 4 classes is one of so many; got Shard"),
        (
            lambda: Sharded(Dense(), Shard(0, 2, 4)).compare(*[torch.zeros(3, 2)] * 2, torch.zeros(3)),
            "2 centers; got 3",
        ),
    ],
)
def test_wrong_shards_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)


def headed(shard: Shard) -> MarginHead:
    return build("arcface", num_classes=4, embedding_size=2).__class__(4, 2, margin=lambda c, _: c, shard=shard)


def test_a_head_holds_its_own_classes_only() -> None:
    from marginface.losses.subcenter import subcenter_arcface

    head = subcenter_arcface(10, SIZE, shard=shard_of(10, 2, 3))
    assert head.centers.shape == (4, 3, SIZE)
    assert head.state_dict()["centers"].shape == (4, 3, SIZE)
    assert head.cosine(torch.randn(2, SIZE)).shape == (2, 4)
    assert head.num_classes == 10
