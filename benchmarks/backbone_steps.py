"""Where does a training step of a backbone spend its time? CPU time by operation, for each precision and layout.

    OMP_NUM_THREADS=1 python benchmarks/backbone_steps.py mobilefacenet --options width=2 --batch 32

Processor time of one thread, not wall time, so that other jobs on the machine disturb it less; forward and backward of
the backbone alone, random images, without data, head and optimizer.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from marginface.backbones import build
from marginface.training.allocator import keep_freed_memory

CONFIGURATIONS = {
    "float32": (False, False),
    "float32, channels last": (False, True),
    "bfloat16": (True, False),
    "bfloat16, channels last": (True, True),
}


class Step:
    """Forward and backward of a backbone in a configuration."""

    def __init__(self, backbone: torch.nn.Module, images: torch.Tensor, *, half: bool, channels_last: bool) -> None:
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.backbone = backbone.to(memory_format=layout).train()
        self.images, self.half = images.contiguous(memory_format=layout), half

    def __call__(self) -> None:
        self.backbone.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            features = self.backbone(self.images)
        features.float().square().sum().backward()


def cpu_seconds(step: Step, steps: int) -> float:
    """Return the least processor time of some steps."""
    times = []
    for _ in range(steps):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return min(times)


def by_operation(step: Step) -> dict[str, float]:
    """Return the share of each operation in the time of a step, the largest first."""
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    spent: Counter[str] = Counter()
    for event in found.key_averages():
        spent[event.key.removeprefix("aten::")] += event.self_cpu_time_total
    total = sum(spent.values())
    return {name: round(value / total, 3) for name, value in spent.most_common(10)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone")
    parser.add_argument("--options", nargs="*", default=[], help="name=value")
    parser.add_argument("--input-size", type=int, default=112)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.manual_seed(0)
    options = {name: float(value) for name, value in (pair.split("=") for pair in arguments.options)}
    backbone = build(arguments.backbone, embedding_size=512, input_size=arguments.input_size, **options)
    images = torch.randn(arguments.batch, 3, arguments.input_size, arguments.input_size)
    results = {}
    for name, (half, channels_last) in CONFIGURATIONS.items():
        step = Step(backbone, images, half=half, channels_last=channels_last)
        step()
        seconds = cpu_seconds(step, arguments.steps)
        results[name] = {"milliseconds_an_image": round(1000 * seconds / arguments.batch, 2), **by_operation(step)}
        print(name, json.dumps(results[name]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
