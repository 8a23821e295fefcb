"""How fast and how lean is the head? One forward and backward pass, against others that compute the same.

    OMP_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=34359738368 MALLOC_TRIM_THRESHOLD_=34359738368 \\
        python benchmarks/head.py --classes 93431 --batches 64,128,512 --arcface-torch PATH --out FILE.json

Time: the processor's time of one thread, so that a busy machine disturbs less; every round runs all methods, one after
the other in turning order; a figure is the median of the rounds. The bound is the three bare products
W·xᵀ, pᵀ·W and p·x in the same precision. Memory: the peak of a process that runs one method, less what it had before
the head was made. The two settings above keep glibc from giving memory back between steps, for every method alike.

PATH is a checkout of insightface's recognition/arcface_torch; without it that method is left out. With
pytorch-metric-learning installed (``pip install 'marginface[dev]'``) it is measured too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from marginface.environment import describe_environment
from marginface.losses import build
from marginface.training.learning.centers_update import update_in_backward

SIZE = 512
Make = Callable[[int, Tensor, Tensor], Callable[[], None]]


@dataclass(frozen=True)
class Step:
    """A forward and a backward pass, and the step of an optimizer if there is one."""

    loss: Callable[[], Tensor]
    features: Tensor
    centers: Tensor
    optimizer: SGD | None = None

    def __call__(self) -> None:
        self.features.grad = self.centers.grad = None
        self.loss().backward()  # type: ignore[no-untyped-call]
        if self.optimizer is not None:
            self.optimizer.step()

    def then_sgd(self) -> Step:
        return replace(self, optimizer=sgd(self.centers))


def ours(loss: str, **options: str) -> Callable[[int, Tensor, Tensor], Step]:
    """Return what makes a step of a head of ours."""

    def make(classes: int, features: Tensor, labels: Tensor) -> Step:
        head = build(loss, num_classes=classes, embedding_size=SIZE, **options)  # type: ignore[arg-type]
        return Step(lambda: head(features, labels), features, head.centers)  # type: ignore[arg-type]

    return make


def ours_with_sgd(loss: str, **options: str | float) -> Callable[[int, Tensor, Tensor], Step]:
    """Return what makes a step of a head of ours that ends with new centers, learned within the backward pass."""

    def make(classes: int, features: Tensor, labels: Tensor) -> Step:
        head = build(loss, num_classes=classes, embedding_size=SIZE, **options)  # type: ignore[arg-type]
        optimizer = sgd(head.centers)  # type: ignore[arg-type]
        update_in_backward(head, optimizer)
        return Step(lambda: head(features, labels), features, head.centers, optimizer)  # type: ignore[arg-type]

    return make


def with_sgd(make: Callable[[int, Tensor, Tensor], Step]) -> Callable[[int, Tensor, Tensor], Step]:
    """Return the same with a step of torch's SGD after it."""

    def made(classes: int, features: Tensor, labels: Tensor) -> Step:
        return make(classes, features, labels).then_sgd()

    return made


def sgd(centers: Tensor) -> SGD:
    return SGD([centers], lr=0.1, momentum=0.9, weight_decay=5e-4, foreach=True)


def plain(classes: int, features: Tensor, labels: Tensor) -> Step:
    """Normalized linear layer and torch's cross entropy: no margin at all."""
    centers = nn.Parameter(torch.randn(classes, SIZE) * 0.01)

    def loss() -> Tensor:
        logits = 64 * functional.normalize(features) @ functional.normalize(centers).T
        return functional.cross_entropy(logits, labels)

    return Step(loss, features, centers)


def metric_learning(classes: int, features: Tensor, labels: Tensor) -> Step:
    from pytorch_metric_learning.losses import ArcFaceLoss

    head = ArcFaceLoss(classes, SIZE, margin=28.6, scale=64)
    return Step(lambda: head(features, labels), features, head.W)


def insightface(folder: str, *, half: bool) -> Callable[[int, Tensor, Tensor], Step]:
    """Normalize, linear, clamp, CombinedMarginLoss of the checkout, torch's cross entropy, as its partial_fc does."""

    def make(classes: int, features: Tensor, labels: Tensor) -> Step:
        sys.path.insert(0, folder)
        from losses import CombinedMarginLoss  # type: ignore[import-not-found]

        margin = CombinedMarginLoss(64, 1.0, 0.5, 0.0)
        centers = nn.Parameter(torch.randn(classes, SIZE) * 0.01)

        def loss() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                logits = functional.linear(functional.normalize(features), functional.normalize(centers))
            logits = margin(logits.float().clamp(-1, 1), labels)
            return functional.cross_entropy(logits, labels)

        return Step(loss, features, centers)

    return make


def products(*, half: bool) -> Make:
    """The bound: the three products alone."""

    def make(classes: int, features: Tensor, labels: Tensor) -> Callable[[], None]:  # noqa: ARG001
        x = features.detach()
        centers, by_centers = torch.randn(classes, SIZE), torch.empty(classes, SIZE)
        logits, by_x = torch.empty(classes, len(x)), torch.empty(len(x), SIZE)
        switch = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]

        def step() -> None:
            before, switch.fp32_precision = switch.fp32_precision, "bf16" if half else "ieee"
            torch.mm(centers, x.T, out=logits)
            torch.mm(logits.T, centers, out=by_x)
            torch.mm(logits, x, out=by_centers)
            switch.fp32_precision = before

        return step

    return make


def methods(arcface_torch: str | None) -> dict[str, Make]:
    found: dict[str, Make] = {
        "products float32": products(half=False),
        "products bfloat16": products(half=True),
        "arcface dense": ours("arcface", implementation="dense"),
    }
    for multiply in ("float32", "bfloat16"):
        for tiles in ("store", "recompute"):
            options = {"implementation": "chunked", "multiply": multiply, "tiles": tiles}
            found[f"arcface {tiles} {multiply}"] = ours("arcface", **options)
    for multiply in ("float32", "bfloat16"):
        for tiles in ("store", "recompute"):
            options = {"implementation": "chunked", "multiply": multiply, "tiles": tiles}
            found[f"arcface {tiles} {multiply}, sgd in backward"] = ours_with_sgd("arcface", **options)
    found["arcface bfloat16, a tenth of the classes, sgd"] = ours_with_sgd(
        "arcface", implementation="chunked", multiply="bfloat16", sample_rate=0.1
    )
    for loss in ("x2softmax", "curricularface"):
        for multiply in ("float32", "bfloat16"):
            found[f"{loss} {multiply}"] = ours(loss, implementation="chunked", multiply=multiply)
    found["linear and cross entropy"] = plain
    try:
        import pytorch_metric_learning  # noqa: F401

        found["pytorch-metric-learning"] = metric_learning
    except ImportError:
        print("pytorch-metric-learning is not installed: left out", file=sys.stderr)
    if arcface_torch is None:
        print("no --arcface-torch: insightface is left out", file=sys.stderr)
    else:
        found["insightface float32"] = insightface(arcface_torch, half=False)
        found["insightface bfloat16"] = insightface(arcface_torch, half=True)
        found["insightface float32, sgd"] = with_sgd(insightface(arcface_torch, half=False))
    return found


def batch(classes: int, samples: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(samples, SIZE, requires_grad=True), torch.randint(classes, (samples,))


def milliseconds(
    classes: int, samples: int, names: list[str], arcface_torch: str | None, rounds: int
) -> dict[str, float]:
    """Return the median time of each method."""
    known = methods(arcface_torch)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else names[::-1]:
            step = known[name](classes, *batch(classes, samples))
            step()
            begun = time.process_time()
            step()
            taken[name].append(time.process_time() - begun)
            del step
    return {name: round(1000 * median(values), 1) for name, values in taken.items()}


def status(key: str) -> float:
    """Return a figure of this process in MiB: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def peak_of(name: str, classes: int, samples: int, arcface_torch: str | None) -> float:
    """Return the most memory of one method in MiB, in a process of its own, that of the interpreter left out."""
    command = [sys.executable, __file__, "--peak-of", name, "--classes", str(classes), "--batches", str(samples)]
    command += ["--arcface-torch", arcface_torch] if arcface_torch else []
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(out.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default="93431", help="numbers of identities, with commas")
    parser.add_argument("--batches", default="128")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="methods whose names hold one of these words, with commas")
    parser.add_argument("--memory", action="store_true", help="measure peaks, not times")
    parser.add_argument("--arcface-torch", default=None)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--peak-of", default="")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    sizes = [int(text) for text in asked.batches.split(",")]
    known = methods(asked.arcface_torch)
    if asked.peak_of:
        classes = int(asked.classes)
        x, labels = batch(classes, sizes[0])
        before = status("VmRSS")
        step = known[asked.peak_of](classes, x, labels)
        step(), step()
        print(status("VmHWM") - before)
        return
    names = [name for name in known if any(word in name for word in asked.only.split(","))]
    results = []
    for classes, samples in product(map(int, asked.classes.split(",")), sizes):
        if asked.memory:
            figures = {name: round(peak_of(name, classes, samples, asked.arcface_torch)) for name in names}
        else:
            figures = milliseconds(classes, samples, names, asked.arcface_torch, asked.rounds)
        results.append({"classes": classes, "batch": samples, "MiB" if asked.memory else "ms": figures})
        print(json.dumps(results[-1]), flush=True)
    if asked.out is not None:
        allocator = {key: os.environ.get(key, "") for key in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")}
        report = {"results": results, "allocator": allocator, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
