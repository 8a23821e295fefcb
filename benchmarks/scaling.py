"""What do more processes gain at the head? A step of a head whose classes are spread, by 1, 2, … processes.

    OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=34359738368 MALLOC_TRIM_THRESHOLD_=34359738368 \\
        python benchmarks/scaling.py --classes 360000 --batch 512 --processes 1,2 --out benchmarks/results/scaling.json

The batch is that of all processes together. Each has one thread, its share of the samples and of the classes, and talks
over the loopback interface by gloo. A step is a forward and a backward pass and the optimizer's, SGD with momentum, on
the centers. Time is the wall's, from a step that all begin to the end of the slowest: the machine must be quiet,
with a core for each process. Numbers of processes take turns, ``--rounds`` times; a figure is the median of all steps,
with the fastest and the slowest. ``told_ms`` is about the part of a step in which processes exchange numbers: a step
with 2 classes in each.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch.optim import SGD

from marginface.environment import describe_environment
from marginface.losses import build
from marginface.training.distributed import Ranks, joined, launch

SIZE = 512
WARM_UP = 2


def seconds(classes: int, batch: int, loss: str, multiply: str, steps: int, ranks: Ranks) -> list[float]:
    """Return how long each step took the slowest process."""
    torch.manual_seed(0)
    head = build(loss, num_classes=classes, embedding_size=SIZE, implementation="sharded", multiply=multiply)  # type: ignore[arg-type]
    optimizer = SGD(head.parameters(), lr=0.1, momentum=0.9, foreach=True)
    mine = ranks.part_of(batch)
    features = torch.randn(batch, SIZE)[mine].requires_grad_()
    labels = torch.randint(classes, (batch,))[mine]
    found = []
    for _ in range(WARM_UP + steps):
        ranks.meet()
        begin = time.perf_counter()
        optimizer.zero_grad()
        features.grad = None
        head(features, labels).backward()
        optimizer.step()
        ranks.meet()
        found.append(time.perf_counter() - begin)
    return found[WARM_UP:]


def work(asked: argparse.Namespace) -> None:
    """Measure in one of several processes; the first one writes."""
    torch.set_num_threads(1)
    with joined("cpu") as ranks:
        step = seconds(asked.classes, asked.batch, asked.loss, asked.multiply, asked.steps, ranks)
        told = seconds(2 * ranks.size, asked.batch, asked.loss, asked.multiply, asked.steps, ranks)
        if ranks.is_first:
            asked.worker.write_text(json.dumps({"step": step, "told": told}), encoding="utf-8")


def measured(asked: argparse.Namespace, counts: list[int]) -> dict[int, dict[str, list[float]]]:
    """Start processes, so many after so many, for each round."""
    found: dict[int, dict[str, list[float]]] = {count: {"step": [], "told": []} for count in counts}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(asked.rounds):
            for count in counts if round_ % 2 == 0 else counts[::-1]:
                written = Path(folder) / "found.json"
                if launch([sys.executable, *sys.argv, "--worker", str(written)], count):
                    sys.exit("a process failed; its message is above")
                for name, values in json.loads(written.read_text(encoding="utf-8")).items():
                    found[count][name] += values
    return found


def figures(found: dict[str, list[float]], alone: float) -> dict[str, float]:
    step = median(found["step"])
    return {
        "step_ms": round(1e3 * step, 1),
        "fastest_ms": round(1e3 * min(found["step"]), 1),
        "slowest_ms": round(1e3 * max(found["step"]), 1),
        "told_ms": round(1e3 * median(found["told"]), 1),
        "times_as_fast": round(alone / step, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=360_000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument(
        "--processes", default="1,2", help="numbers of processes, with commas; the first is compared with"
    )
    parser.add_argument("--loss", default="arcface")
    parser.add_argument("--multiply", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--worker", type=Path, default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker is not None:
        return work(asked)
    counts = [int(text) for text in asked.processes.split(",")]
    found = measured(asked, counts)
    alone = median(found[counts[0]]["step"])
    results = {str(count): figures(found[count], alone) for count in counts}
    print(json.dumps(results, indent=2))
    if asked.out is not None:
        setting = {name: getattr(asked, name) for name in ("classes", "batch", "loss", "multiply", "steps", "rounds")}
        allocator = {key: os.environ.get(key, "") for key in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")}
        report = {"setting": setting, "results": results, "allocator": allocator, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
