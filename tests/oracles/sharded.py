"""What one of several processes does with a sharded head, and what a process alone does with all of it.

    python -m oracles.sharded FOLDER WORLD_SIZE…

starts so many processes, by forks since an import of torch takes longer than all they do, and writes what each found to
FOLDER, for test_sharded, which compares it with a dense head. It also runs the example
of the documentation, page.py there.
"""

from __future__ import annotations

import copy
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, distributed, nn

from marginface.errors import InputError
from marginface.losses import LOSSES, build, sampled
from marginface.losses.chunked import Chunked
from marginface.losses.chunked.tiles import Tiling
from marginface.losses.cross_entropy import present_mean
from marginface.losses.dense import Dense
from marginface.losses.sharded import Sharded
from marginface.training import update_in_backward
from oracles.patience import PATIENCE

CLASSES, SIZE, SAMPLES = 11, 5, 4  # samples of a process
START_CLASSES = 2500  # in three blocks of first centers
REFUSED = {"dynarcface", "center", "triplet_center"}


@dataclass(frozen=True)
class Case:
    """A head, and how it is used."""

    name: str
    options: dict[str, object] = field(default_factory=dict)
    tiles: int | None = None
    copied: bool = False
    backwards: int = 1


LEARNED = {
    "all classes": Case("arcface", tiles=2),
    "a part": Case("curricularface", {"sample_rate": 0.5}),
}


def cases() -> dict[str, Case]:
    """Every loss with classes that spread, and some in other ways."""
    found = {name: Case(name) for name in LOSSES if name not in REFUSED and not is_pair(name)}
    for name in ("arcface", "softmax", "curricularface", "npcface", "subcenter_arcface", "sphereface2", "circle"):
        found[f"{name} by tiles"] = Case(name, tiles=2)
    for name in ("arcface", "magface", "mv_softmax", "sphereface2"):
        found[f"{name} straight through"] = Case(name, {"gradient": "straight_through"})
    for name in ("arcface", "sphereface2"):
        found[f"{name} filtered"] = Case(name, {"interclass_filter": 0.2})
    for name in ("arcface", "softmax", "npcface", "uniface", "subcenter_arcface"):
        found[f"{name} of a part"] = Case(name, {"sample_rate": 0.5})
    for name in ("normface_learned", "uniface"):
        found[f"{name} copied"] = Case(name, copied=True)
        found[f"{name} backward twice"] = Case(name, backwards=2)
    return found


def is_pair(name: str) -> bool:
    return LOSSES[name].__class__.__name__ == "PairLoss"


def batches(world_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Samples near, across from and far from their centers; then one of each process without; then all of a class."""
    generator = torch.Generator().manual_seed(3)
    samples = SAMPLES * world_size
    centers = first_centers()
    absent = torch.arange(samples) % SAMPLES == 1
    labels = torch.randint(CLASSES, (samples,), generator=generator)
    for those in (labels, labels.flip(0).masked_fill(absent, -1), torch.zeros_like(labels)):
        noise = torch.randn(samples, SIZE, generator=generator, dtype=torch.float64)
        pull = torch.linspace(-20, 20, samples, dtype=torch.float64)[:, None]
        yield noise + pull * centers[those], those


def first_centers() -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(CLASSES, SIZE, generator=generator, dtype=torch.float64) * 0.3


def whole_head(case: Case) -> nn.Module:
    """The head of one process, dense."""
    torch.manual_seed(1)
    options = {"num_classes": CLASSES, "embedding_size": SIZE, "implementation": "dense", **case.options}
    head = build(case.name, **options).double()  # type: ignore[arg-type]
    with torch.no_grad():
        centers = first_centers()
        shape = head.centers.shape
        offsets = torch.arange(shape[1]).double()[:, None] * 0.05 if len(shape) == 3 else torch.zeros(1)
        head.centers.copy_((centers[:, None] if len(shape) == 3 else centers) + offsets)
        if case.name == "softmax":
            head.bias.copy_(torch.linspace(-1, 1, CLASSES))
    return head


def sharded_head(case: Case) -> nn.Module:
    """The same head, with the classes of this process."""
    options = {"num_classes": CLASSES, "embedding_size": SIZE, "implementation": "sharded", **case.options}
    head = build(case.name, **options).double()  # type: ignore[arg-type]
    mine = slice(head.shard.start, head.shard.stop)
    by_class = dict(head.named_parameters(recurse=False))
    state = whole_head(case).state_dict()
    head.load_state_dict({key: value[mine] if key in by_class else value for key, value in state.items()})
    if case.tiles is not None:
        head.implementation = Sharded(Chunked(Tiling(classes=case.tiles)), head.shard)
    return head


def training(head: nn.Module, case: Case, world_size: int, mine: slice) -> list[dict[str, Tensor]]:
    """Train for some batches; return what came of each."""
    with mock.patch.object(sampled, "sample_classes", every_other(0 if head.shard is None else head.shard.start)):
        return [_step(head, case, features[mine], labels[mine]) for features, labels in batches(world_size)]


def every_other(start: int) -> Callable[[Tensor, int, float], Tensor]:
    """Return what draws every other class instead of random ones, the same in one process and in several."""

    def sample(labels: Tensor, num_classes: int, _rate: float) -> Tensor:
        return torch.cat((torch.arange(start % 2, num_classes, 2), labels[labels >= 0])).unique()

    return sample


def _step(head: nn.Module, case: Case, features: Tensor, labels: Tensor) -> dict[str, Tensor]:
    before = features.clone()
    leaf = features.requires_grad_()
    torch.manual_seed(2)
    losses = head.losses(leaf, labels, 7)
    head.zero_grad()
    for time in range(case.backwards):
        present_mean(losses, labels).backward(retain_graph=time + 1 < case.backwards)
    assert torch.equal(before, features.detach())
    found = {"losses": torch.where(labels >= 0, losses, 0.0).detach(), "features": leaf.grad}
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            found[f"gradient of {name}"] = parameter.grad.clone()
            parameter -= 1e-3 * parameter.grad
    return {**found, **{name: buffer.clone() for name, buffer in head.named_buffers()}}


def messages(rank: int, world_size: int) -> dict[str, str]:
    """What a process is told that asks for what cannot be."""
    features, labels = torch.randn(2, SIZE), torch.zeros(2, dtype=torch.int64)
    head = build("arcface", num_classes=CLASSES, embedding_size=SIZE, implementation="sharded")
    alone = build("arcface", num_classes=CLASSES, embedding_size=SIZE)
    alone.implementation = Sharded(Dense())
    other = build("arcface", num_classes=CLASSES, embedding_size=SIZE, implementation="sharded")
    other.implementation = Sharded(Dense(), head.shard)
    more = torch.cat((features, features[:1]))
    sizes = {"num_classes": CLASSES, "embedding_size": SIZE, "implementation": "sharded"}
    center = {"terms": {"center": {"weight": 0.1}}}
    asked: dict[str, Callable[[], object]] = {
        "samples": lambda: head(more, torch.zeros(3).long()) if rank == 0 else head(features, labels),
        "labels": lambda: head(features, labels + CLASSES),
        "shards": lambda: alone(features, labels),
        "few classes": lambda: build("arcface", **{**sizes, "num_classes": world_size - 1}),
        "term": lambda: build("arcface", **sizes, **center),
        **{name: lambda name=name: build(name, **sizes) for name in LOSSES if name in REFUSED or is_pair(name)},
    }
    return {key: _message(ask) for key, ask in asked.items()}


def _message(ask: Callable[[], object]) -> str:
    try:
        ask()
    except InputError as error:
        return str(error)
    return ""


def averaged_backbone(rank: int, world_size: int) -> Tensor:
    """Return the gradient of a backbone, the mean over processes."""
    features, labels = next(iter(batches(world_size)))
    mine = slice(rank * SAMPLES, (rank + 1) * SAMPLES)
    backbone = nn.parallel.DistributedDataParallel(first_backbone())
    sharded_head(Case("curricularface"))(backbone(features[mine]), labels[mine]).backward()
    return backbone.module.weight.grad


def first_backbone() -> nn.Linear:
    backbone = nn.Linear(SIZE, SIZE, bias=False).double()
    with torch.no_grad():
        backbone.weight.copy_(torch.eye(SIZE) + 0.1)
    return backbone


class KeptGradients:
    """An update that changes nothing and keeps what it is given."""

    def __init__(self, like: Tensor) -> None:
        self.kept = torch.zeros_like(like)

    def begin(self) -> None:
        self.kept.zero_()

    def refresh(self, rows: Tensor) -> None: ...

    def step(self, rows: slice | Tensor, gradient: Tensor) -> None:
        self.kept[rows] += gradient


def handed_over(rank: int, world_size: int) -> Tensor:
    """Return the gradient of this process's centers that an update got, none of it in ``grad``."""
    features, labels = next(iter(batches(world_size)))
    mine = slice(rank * SAMPLES, (rank + 1) * SAMPLES)
    head = sharded_head(Case("arcface", tiles=2))
    update = KeptGradients(head.centers)
    head.implementation = head.implementation.learning(update)
    head(features[mine], labels[mine]).backward()
    assert head.centers.grad is None
    return update.kept


def learned(head: nn.Module, world_size: int, mine: slice, *, in_backward: bool) -> Tensor:
    """Return centers that SGD with momentum and decay has taught, within the backward pass or after it."""
    optimizer = torch.optim.SGD(head.parameters(), lr=0.05, momentum=0.9, weight_decay=0.1)
    update = update_in_backward(head, optimizer) if in_backward else None
    with mock.patch.object(sampled, "sample_classes", every_other(0 if head.shard is None else head.shard.start)):
        for features, labels in (*batches(world_size), *batches(world_size)):
            optimizer.zero_grad()
            head(features[mine], labels[mine]).backward()
            optimizer.step()
    assert update is None or head.centers.grad is None
    return head.state_dict()["centers"]


@torch.no_grad()
def evaluated(rank: int, world_size: int) -> Tensor:
    """Return losses of samples that nothing is learned from."""
    features, labels = next(iter(batches(world_size)))
    mine = slice(rank * SAMPLES, (rank + 1) * SAMPLES)
    losses: Tensor = sharded_head(Case("uniface")).eval().losses(features[mine], labels[mine])
    return losses


def trained(case: Case, rank: int, world_size: int) -> list[dict[str, Tensor]]:
    """Train a sharded head for some batches, the losses of other implementations unharmed."""
    head = sharded_head(case)
    if case.copied:
        features, labels = next(iter(batches(world_size)))
        head.eval()(features[:1], labels[:1])
        head = copy.deepcopy(head).train()
    return training(head, case, world_size, slice(rank * SAMPLES, (rank + 1) * SAMPLES))


def work(rank: int, world_size: int) -> dict[str, object]:
    """Do all that is asked of a process."""
    torch.manual_seed(5)
    start = build("arcface", num_classes=START_CLASSES, embedding_size=2, implementation="sharded")
    return {
        "start": start.centers.detach(),
        "trained": {key: trained(case, rank, world_size) for key, case in cases().items()},
        "messages": messages(rank, world_size),
        "backbone": averaged_backbone(rank, world_size),
        "handed over": handed_over(rank, world_size),
        "learned": {
            key: learned(sharded_head(case), world_size, slice(rank * SAMPLES, (rank + 1) * SAMPLES), in_backward=True)
            for key, case in LEARNED.items()
        },
        "evaluated": evaluated(rank, world_size),
    }


def meet(folder: Path, rank: int, world_size: int) -> None:
    """Work with the other processes, which meet in the folder."""
    store = distributed.FileStore(str(folder / f"meeting of {world_size}"), world_size)
    patience = timedelta(seconds=PATIENCE)  # for the others, should one of them fail
    distributed.init_process_group("gloo", timeout=patience, world_size=world_size, rank=rank, store=store)
    torch.save(work(rank, world_size), folder / f"{rank} of {world_size}.pt")
    distributed.destroy_process_group()


def run_page(folder: Path, rank: int, world_size: int) -> None:
    """Run the example of the documentation."""
    start = distributed.init_process_group
    store = distributed.FileStore(str(folder / "meeting of the page"), world_size)
    distributed.init_process_group = lambda backend: start(backend, world_size=world_size, rank=rank, store=store)
    made: dict[str, Any] = {}
    exec((folder / "page.py").read_text(encoding="utf-8"), made)
    assert made["loss"].isfinite()
    torch.save(made["head"].centers.detach(), folder / f"page {rank}.pt")
    torch.save(made["backbone"].module.weight.detach(), folder / f"page backbone {rank}.pt")


def main(folder: Path, world_sizes: list[int]) -> int:
    """Start processes, so many after so many, then two for the documentation; return how many failed."""
    failed = 0
    start = multiprocessing.get_context("fork").Process
    for target, world_size in (*((meet, size) for size in world_sizes), (run_page, 2)):
        processes = [start(target=target, args=(folder, rank, world_size)) for rank in range(world_size)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(2 * PATIENCE)
        failed += sum(process.exitcode != 0 for process in processes)
    return failed


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [int(size) for size in sys.argv[2:]]))
