"""How fast does the trainer train? ``marginface train`` against a plain loop over the same backbone and the same crops.

    python benchmarks/training.py CROPS --out benchmarks/results/training.json

CROPS is a folder of aligned 112×112 crops, a folder per identity. The plain loop is what a paper's script does: a
torch DataLoader that opens each file with PIL, float32 in NCHW, insightface's head (normalize, linear, clamp, the
margin on the target, cross entropy), SGD, gradients clipped to 5. Ours is a recipe with defaults: precision, layout,
head and loader as the trainer chooses them, the journal written; crops are decoded for every batch (memory_gb = 0), not
kept. Both count whole steps, the wait for a batch included, after a warm-up of four.

Every method is a process of its own that trains for some seconds; a round runs all of them, in turning order; a figure
is the median of the rounds and a ratio the median of the rounds' ratios, with the smallest and the largest beside it.
The plain loop runs twice: with glibc's default allocator, as scripts do, and with the settings that our command line
makes (MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_), so that the allocator's part can be told from ours.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from marginface import backbones
from marginface.environment import describe_environment
from marginface.training import Progress, TrainingInterrupted, recipe_from, train
from marginface.training.allocator import keep_freed_memory

SCALE, MARGIN = 64.0, 0.5
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**35), "MALLOC_TRIM_THRESHOLD_": str(2**35)}
CELLS = {  # name: backbone, input side, batch, options
    "IResNet-50 at 112 px, batch 32": ("iresnet50", 112, 32),
    "IResNet-18 at 64 px, batch 64": ("iresnet18", 64, 64),
    "MobileFaceNet at 112 px, batch 64": ("mobilefacenet", 112, 64),
}


class Crops(Dataset[tuple[Tensor, int]]):
    """Crops as a script reads them: PIL, mirrored by chance, (x − 127.5) / 127.5."""

    def __init__(self, root: Path, side: int) -> None:
        self.side = side
        folders = sorted(folder for folder in root.iterdir() if len(list(folder.glob("*.*"))) > 1)
        self.files = [(path, label) for label, folder in enumerate(folders) for path in sorted(folder.glob("*.*"))]
        self.identities = len(folders)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.files[index]
        image = Image.open(path).convert("RGB")
        if image.width != self.side:
            image = image.resize((self.side, self.side), Image.Resampling.BOX)
        pixels = np.asarray(image, dtype=np.float32)
        if torch.rand(()) < 0.5:
            pixels = pixels[:, ::-1]
        return torch.from_numpy(((pixels - 127.5) / 127.5).transpose(2, 0, 1).copy()), label


class PlainHead(nn.Module):
    """ArcFace as insightface's partial_fc and CombinedMarginLoss compute it, all classes in one process."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, 512) * 0.01)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        logits = functional.linear(functional.normalize(features), functional.normalize(self.weight)).clamp(-1, 1)
        rows = torch.arange(len(labels))
        target = logits[rows, labels]
        sine = torch.sqrt(1.0 - target * target)
        moved = target * math.cos(MARGIN) - sine * math.sin(MARGIN)
        kept = torch.where(target > math.cos(math.pi - MARGIN), moved, target - math.sin(math.pi - MARGIN) * MARGIN)
        logits = logits.index_put((rows, labels), kept)
        return functional.cross_entropy(logits * SCALE, labels)


def endless(loader: DataLoader[Any]) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader


def plain(crops: Path, backbone: str, side: int, batch: int, clock: Callable[[int], bool], *, workers: int) -> None:
    data = Crops(crops, side)
    torch.manual_seed(0)
    network = backbones.build(backbone, embedding_size=512, input_size=side).train()
    head = PlainHead(data.identities)
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.02, momentum=0.9, weight_decay=5e-4)
    loader = DataLoader(data, batch, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=workers > 0)
    for images, labels in endless(loader):
        loss = head(network(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        if clock(batch):
            return


class Enough(KeyboardInterrupt):
    """What ends a training of ours: the trainer takes it as Ctrl-C."""


def ours(crops: Path, backbone: str, side: int, batch: int, clock: Callable[[int], bool]) -> None:
    keep_freed_memory()
    data = {"source": "folders", "folders": [str(crops)], "min_images": 2, "memory_gb": 0}
    recipe = recipe_from(
        {
            "data": data,
            "backbone": {"name": backbone, "input_size": side},
            "loss": {"name": "arcface"},
            "optim": {"learning_rate": 0.02},
            "train": {"batch_size": batch, "epochs": 100, "checkpoint_every": 0},
        }
    )

    def progress(state: Progress) -> None:
        if state.record and clock(batch):
            raise Enough

    with tempfile.TemporaryDirectory() as folder:
        try:
            train(recipe, Path(folder) / "run", progress=progress)
        except TrainingInterrupted:
            return


def stopwatch(warm_up: int, seconds: float) -> tuple[Callable[[int], bool], dict[str, float]]:
    """Return what counts images from the end of the warm-up on and says when to stop, and where it puts the speed."""
    found: dict[str, float] = {}
    state = {"steps": 0.0, "images": 0.0, "start": 0.0}

    def clock(images: int) -> bool:
        now = time.perf_counter()
        state["steps"] += 1
        if state["steps"] == warm_up:
            state["start"] = now
        if state["steps"] <= warm_up:
            return False
        state["images"] += images
        found["images/s"] = state["images"] / (now - state["start"])
        return now - state["start"] > seconds

    return clock, found


def measure(method: str, cell: str, crops: Path, seconds: float, workers: int) -> float:
    """Return the images/s of one method in this process."""
    backbone, side, batch = CELLS[cell]
    clock, found = stopwatch(4, seconds)
    if method == "ours":
        ours(crops, backbone, side, batch, clock)
    else:
        plain(crops, backbone, side, batch, clock, workers=workers)
    return found["images/s"]


def in_a_process(method: str, cell: str, asked: argparse.Namespace) -> float:
    command = [sys.executable, __file__, str(asked.crops), "--measure", method, "--cell", cell]
    command += ["--seconds", str(asked.seconds), "--workers", str(asked.workers)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    environment |= KEPT if method == "plain, allocator as ours" else {}
    out = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if out.returncode:
        sys.exit(f"{method}, {cell}: {out.stderr.strip()}")
    return float(out.stdout.strip().splitlines()[-1])


METHODS = ("plain", "plain, allocator as ours", "ours")


def compare(cell: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a cell: images/s of each method, and how many times each plain loop's speed ours is."""
    rounds = []
    for turn in range(asked.rounds):
        names = METHODS if turn % 2 == 0 else METHODS[::-1]
        rounds.append({name: in_a_process(name, cell, asked) for name in names})
        print(
            f"{cell}, round {turn + 1}: " + json.dumps({k: round(v, 1) for k, v in rounds[-1].items()}), file=sys.stderr
        )
    ratios = {name: sorted(one["ours"] / one[name] for one in rounds) for name in METHODS[:2]}
    return {
        "cell": cell,
        "images/s": {name: round(median(one[name] for one in rounds), 1) for name in METHODS},
        "ours over": {
            name: {"median": round(median(many), 2), "least": round(many[0], 2), "most": round(many[-1], 2)}
            for name, many in ratios.items()
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path)
    parser.add_argument("--cell", default="", help="one of: " + "; ".join(CELLS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20, help="of training that are counted, per process")
    parser.add_argument("--workers", type=int, default=2, help="of the plain loop's DataLoader")
    parser.add_argument("--measure", default="", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    if asked.measure:
        print(measure(asked.measure, asked.cell, asked.crops, asked.seconds, asked.workers))
        return
    results = [compare(cell, asked) for cell in ([asked.cell] if asked.cell else CELLS)]
    print(json.dumps(results, indent=2))
    if asked.out is not None:
        report = {
            "results": results,
            "rounds": asked.rounds,
            "workers": asked.workers,
            "environment": describe_environment(),
        }
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
