"""Does a head take the memory that ``marginface plan`` says? Two training steps of each way, in a process of its own.

    OMP_NUM_THREADS=1 python benchmarks/plan.py --classes 60000,150000 --dim 512 --batch 64 --out FILE.json

Measured is the peak of the process, less what it had before the head was made; a step of a small head comes first, so
that libraries and their work space are there. The steps are the trainer's: its optimizer, and its optimizer in the
backward pass. The allocator is glibc's in one of three states:

returns   blocks of 1 MB and more go back to the system when they are freed (MALLOC_MMAP_THRESHOLD_=1000000)
default   as glibc starts: that threshold grows up to 32 MB
trainer   as in ``marginface train``: what is freed stays (training.allocator)

The plan counts what lives. Only the first of the three has nothing besides.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import distributed, nn

from marginface.evaluation.environment import describe_environment
from marginface.losses import build
from marginface.training import recipe_from
from marginface.training.allocator import keep_freed_memory
from marginface.training.centers_update import update_in_backward
from marginface.training.optim import build_optimizer
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


def train(way: Way, asked: argparse.Namespace, classes: int) -> None:
    """Do two steps."""
    torch.manual_seed(0)
    tiles = {} if way.implementation == "dense" else {"tiles": way.tiles, "multiply": asked.multiply}
    kind, dim, batch = asked.optimizer, asked.dim, asked.batch
    head = build(
        asked.loss,
        num_classes=classes,
        embedding_size=dim,
        implementation=way.implementation,  # type: ignore[arg-type]
        sample_rate=way.sample_rate,
        **tiles,  # type: ignore[arg-type]
    )
    backbone = nn.Linear(dim, dim)
    optimizer = build_optimizer(backbone, head, recipe_from({"optim": {"kind": kind}}).optim)
    if way.head_in_backward:
        update_in_backward(head, optimizer, "lazy" if kind == "sgd" else "frozen")
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        head(backbone(torch.randn(batch, dim)), torch.randint(classes, (batch,))).backward()
        optimizer.step()


def status(key: str) -> int:
    """Return bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def peak(asked: argparse.Namespace) -> int:
    """Return the bytes of this process's peak above what it has before the head is made."""
    torch.set_num_threads(1)
    if asked.allocator == "trainer":
        keep_freed_memory()
    way = WAYS[asked.peak_of]
    if asked.rank >= 0:
        way = way.over(asked.ranks)
        distributed.init_process_group("gloo", asked.meet, rank=asked.rank, world_size=asked.ranks)
    train(way, asked, SMALL)
    before = status("VmRSS")
    train(way, asked, int(asked.classes))
    return status("VmHWM") - before


def measured(way: str, asked: argparse.Namespace, classes: int, kind: str, allocator: str) -> int:
    """Return the peak of a process that trains in this way; of several that share the classes, the highest."""
    command = [sys.executable, __file__, "--peak-of", way, "--classes", str(classes), "--dim", str(asked.dim)]
    command += ["--batch", str(asked.batch), "--optimizer", kind, "--loss", asked.loss, "--allocator", allocator]
    command += ["--multiply", asked.multiply]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    environment |= ALLOCATORS[allocator]
    if asked.ranks == 1:
        return int(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    with tempfile.TemporaryDirectory() as folder:
        command += ["--meet", f"file://{folder}/meet", "--ranks", str(asked.ranks), "--rank"]
        ranks = [[*command, str(rank)] for rank in range(asked.ranks)]
        running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True, env=environment) for one in ranks]
        return max(int(process.communicate()[0]) for process in running)


def planned(way: str, asked: argparse.Namespace, classes: int, kind: str) -> int:
    """Return what the plan says."""
    recipe = recipe_from({"loss": {"name": asked.loss}})
    chosen = WAYS[way] if asked.ranks == 1 else WAYS[way].over(asked.ranks)
    return peak_of(head_of(recipe, classes, dim=asked.dim, batch=asked.batch, kind=kind), chosen).bytes


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
    parser.add_argument("--peak-of", default="", choices=("", *WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--rank", type=int, default=-1, help=argparse.SUPPRESS)
    parser.add_argument("--meet", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.peak_of:
        print(peak(asked))
        return
    results = []
    for classes in (int(text) for text in asked.classes.split(",")):
        for kind in asked.optimizer.split(","):
            for way in asked.ways.split(","):
                plan = planned(way, asked, classes, kind)
                line = {"classes": classes, "dim": asked.dim, "batch": asked.batch, "loss": asked.loss}
                line |= {"multiply": asked.multiply, "ranks": asked.ranks}
                line |= {"optimizer": kind, "way": way, "plan_MB": round(plan / 1e6, 1)}
                for allocator in asked.allocator.split(","):
                    found = measured(way, asked, classes, kind, allocator)
                    line |= {
                        f"{allocator}_MB": round(found / 1e6, 1),
                        f"{allocator}_%": round(100 * (found / plan - 1), 1),
                    }
                results.append(line)
                print(json.dumps(line), flush=True)
    if asked.out is not None:
        report = {"results": results, "allocators": ALLOCATORS, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
