"""Does a head take the memory that ``marginface plan`` says? Two training steps of each way, in a process of its own.

    OMP_NUM_THREADS=1 python benchmarks/plan.py --classes 60000,150000 --dim 512 --batch 64 --out FILE.json

Measured is the peak of the process, less what it had before the head was made; a step of a small head comes first, so
that libraries and their work space are there. The steps are the trainer's: its optimizer, and its optimizer in the
backward pass. The allocator is glibc's in one of three states:

returns   blocks of 1 MB and more go back to the system when they are freed (MALLOC_MMAP_THRESHOLD_=1000000)
default   as glibc starts: that threshold grows up to 32 MB
trainer   as in ``marginface train``: what is freed stays (training.allocator)

The plan counts what lives. Only the first of the three has nothing besides. For each of them a process imports torch
once and does nothing; every head gets a fork of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from types import TracebackType

import torch
from torch import distributed, nn

from marginface.environment import describe_environment
from marginface.losses import build
from marginface.training import recipe_from
from marginface.training.allocator import keep_freed_memory
from marginface.training.learning.centers_update import update_in_backward
from marginface.training.learning.optim import build_optimizer
from marginface.training.plan import Way, head_of
from marginface.training.plan.memory import peak_of

WAYS = {
    "dense": Way("dense", "dense"),
    "store": Way("store", "chunked"),
    "recompute": Way("recompute", "chunked", "recompute"),
    "sample": Way("sample", "chunked", "recompute", sample_rate=0.1),
    "backward": Way("backward", "chunked", "recompute", head_in_backward=True),
    "backward-store": Way("backward-store", "chunked", head_in_backward=True),
    "backward-sample": Way("backward-sample", "chunked", "recompute", head_in_backward=True, sample_rate=0.1),
}
ALLOCATORS = {"returns": {"MALLOC_MMAP_THRESHOLD_": "1000000"}, "default": {}, "trainer": {}}
SMALL = 2000  # classes of the head that comes first


@dataclass(frozen=True)
class Case:
    """A head, the way it is computed, and how it is trained."""

    way: str
    classes: int
    dim: int = 512
    batch: int = 64
    loss: str = "arcface"
    multiply: str = "float32"
    ranks: int = 1
    optimizer: str = "sgd"

    def planned(self) -> int:
        """Return the bytes that the plan says."""
        recipe = recipe_from({"loss": {"name": self.loss}})
        head = head_of(recipe, self.classes, dim=self.dim, batch=self.batch, kind=self.optimizer)
        return peak_of(head, self.chosen()).bytes

    def chosen(self) -> Way:
        """Return the way, over as many processes as share the classes."""
        return WAYS[self.way] if self.ranks == 1 else WAYS[self.way].over(self.ranks)


def train(case: Case, classes: int) -> None:
    """Do two steps."""
    torch.manual_seed(0)
    way = case.chosen()
    tiles = {} if way.implementation == "dense" else {"tiles": way.tiles, "multiply": case.multiply}
    head = build(
        case.loss,
        num_classes=classes,
        embedding_size=case.dim,
        implementation=way.implementation,  # type: ignore[arg-type]
        sample_rate=way.sample_rate,
        **tiles,  # type: ignore[arg-type]
    )
    backbone = nn.Linear(case.dim, case.dim)
    optimizer = build_optimizer(backbone, head, recipe_from({"optim": {"kind": case.optimizer}}).optim)
    if way.head_in_backward:
        update_in_backward(head, optimizer, "lazy" if case.optimizer == "sgd" else "frozen")
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        head(backbone(torch.randn(case.batch, case.dim)), torch.randint(classes, (case.batch,))).backward()
        optimizer.step()


def status(key: str) -> int:
    """Return bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def peak(case: Case, allocator: str, meet: str, rank: int) -> int:
    """Return the bytes of this process's peak above what it has before the head is made."""
    torch.set_num_threads(1)
    if allocator == "trainer":
        keep_freed_memory()
    if case.ranks > 1:
        distributed.init_process_group("gloo", meet, rank=rank, world_size=case.ranks)
    train(case, SMALL)
    before = status("VmRSS")
    train(case, case.classes)
    return status("VmHWM") - before


def highest_peak(case: Case, allocator: str) -> int:
    """Return the peak of a fork of this process that trains the case; of several that share the classes, the highest.

    Linux counts the peak of a fork from its start.
    """
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for rank in range(case.ranks):
            child = os.fork()
            if not child:
                _train_and_end(case, allocator, Path(folder), rank)
            children.append(child)
        ended = [os.waitpid(child, 0)[1] for child in children]
        if any(ended):
            raise SystemExit(f"{case}: a process ended with status {ended}")
        return max(int(place.read_text()) for place in Path(folder).glob("peak-*"))


def _train_and_end(case: Case, allocator: str, folder: Path, rank: int) -> None:
    try:
        (folder / f"peak-{rank}").write_text(str(peak(case, allocator, f"file://{folder}/meet", rank)))
        os._exit(0)
    finally:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        os._exit(1)


def answer(allocator: str) -> None:
    """Read a case a line, and print its peak."""
    for line in sys.stdin:
        print(highest_peak(Case(**json.loads(line)), allocator), flush=True)


class Measuring:
    """A process with one state of the allocator, which forks itself for each case."""

    def __init__(self, allocator: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--answer", allocator],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, **ALLOCATORS[allocator], "OMP_NUM_THREADS": "1"},
        )

    def peak(self, case: Case) -> int:
        """Return the bytes that the case takes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(case)) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline() or "-1")

    def __enter__(self) -> Measuring:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default="60000")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--loss", default="arcface")
    parser.add_argument("--multiply", default="float32")
    parser.add_argument("--optimizer", default="sgd", help="sgd, adamw, or both with a comma")
    parser.add_argument("--ranks", type=int, default=1, help="processes that share the classes")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--allocator", default="returns", help=f"of {', '.join(ALLOCATORS)}; several with commas")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--answer", default="", choices=("", *ALLOCATORS), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.answer:
        answer(asked.answer)
        return
    results = []
    with ExitStack() as stack:
        measuring = {name: stack.enter_context(Measuring(name)) for name in asked.allocator.split(",")}
        for classes, kind, way in product(asked.classes.split(","), asked.optimizer.split(","), asked.ways.split(",")):
            case = Case(way, int(classes), asked.dim, asked.batch, asked.loss, asked.multiply, asked.ranks, kind)
            plan = case.planned()
            line = {**asdict(case), "plan_MB": round(plan / 1e6, 1)}
            for name, process in measuring.items():
                found = process.peak(case)
                line |= {f"{name}_MB": round(found / 1e6, 1), f"{name}_%": round(100 * (found / plan - 1), 1)}
            results.append(line)
            print(json.dumps(line), flush=True)
    if asked.out is not None:
        report = {"results": results, "allocators": ALLOCATORS, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
