"""What is it worth to write PReLU in parts in an exported network (weights/folding.py), and are features the same?

    OMP_NUM_THREADS=1 python benchmarks/prelu.py --out benchmarks/results/prelu.json

Fresh backbones with drawn slopes, exported twice: as marginface does, and with PReLU as torch writes it. Both run on
one drawn image in turns, by each engine that is installed. Milliseconds are of the processor, medians over rounds;
ratios are taken within a round (median, least and most). ``difference`` is 1 − cosine of the two features.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from marginface import backbones, export
from marginface.environment import describe_environment
from marginface.errors import InputError, MissingExtra
from marginface.values import FloatArray
from marginface.weights.session import ENGINES, Session, open_session

SIDE, NUMBERS = 112, 512
WAYS = ("whole", "parts")


def write(name: str, folder: Path) -> dict[str, Path]:
    """Write a backbone in both ways, with slopes as trained networks have them: some below 0, some above 1."""
    torch.manual_seed(0)
    network = backbones.build(name, embedding_size=NUMBERS, input_size=SIDE)
    network.train()(torch.randn(4, 3, SIDE, SIDE))
    for number, slopes in enumerate(module for module in network.modules() if isinstance(module, torch.nn.PReLU)):
        torch.nn.init.uniform_(slopes.weight, -0.2, 1.2 if number % 4 == 0 else 0.8)
    paths = {way: folder / f"{name}-{way}.onnx" for way in WAYS}
    export.write_onnx(network, SIDE, paths["parts"])
    split, export.split_prelu = export.split_prelu, lambda model: model
    try:
        export.write_onnx(network, SIDE, paths["whole"])
    finally:
        export.split_prelu = split
    return paths


def sessions(paths: dict[str, Path], engine: str) -> dict[str, Session] | None:
    """Return both networks ready to run; None where the engine is not there."""
    try:
        return {way: open_session(path, engine=engine) for way, path in paths.items()}
    except (MissingExtra, InputError):
        return None


def compared(both: dict[str, Session], image: FloatArray, rounds: int) -> dict[str, Any]:
    """Run both in turns."""
    features = {way: session.run(None, {"images": image})[0].ravel().astype(float) for way, session in both.items()}
    spent: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            began = time.process_time()
            both[way].run(None, {"images": image})
            spent[way].append(1000 * (time.process_time() - began))
    ratios = [whole / parts for whole, parts in zip(spent["whole"], spent["parts"], strict=True)]
    lengths = [float(np.linalg.norm(one)) for one in features.values()]
    return {
        "milliseconds": {way: round(statistics.median(times), 2) for way, times in spent.items()},
        "times as fast in parts": [round(one, 2) for one in (statistics.median(ratios), min(ratios), max(ratios))],
        "difference": float(1 - features["whole"] @ features["parts"] / np.prod(lengths)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", default="mobilefacenet,ghostfacenet,iresnet18,iresnet50")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    image = np.random.default_rng(0).normal(size=(1, 3, SIDE, SIDE)).astype(np.float32)
    result: dict[str, Any] = {}
    for name in asked.backbones.split(","):
        with tempfile.TemporaryDirectory() as folder:
            paths = write(name, Path(folder))
            for engine in ENGINES:
                both = sessions(paths, engine)
                if both is not None:
                    result.setdefault(name, {})[engine] = compared(both, image, asked.rounds)
                    print(name, engine, json.dumps(result[name][engine]), flush=True)
    if asked.out is not None:
        text = json.dumps({"backbones": result, "environment": describe_environment()}, indent=2)
        asked.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
