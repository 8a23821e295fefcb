"""How long do all pairs of 100,000 photos take, and a million distractors, and how much memory beside the embeddings?

    python benchmarks/crowds.py --out benchmarks/results/crowds.json

All pairs: embeddings of 512 drawn numbers, five photos a person, TAR at FAR 1e-6 and 1e-4 with intervals over people.
Distractors: 3,520 probe photos of 80 people, as MegaFace has about, ranks among 10 to 1,000,000 and TAR at FAR 1e-6,
from a file of embeddings that stays on the disk. --scale divides the numbers of photos. Each task is a process of its
own; memory is the peak of the process less what it held before the work.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from marginface.contract import Contract, ModelCard
from marginface.data.embedding_files import read_embeddings
from marginface.evaluation.protocols.all_pairs import score_all_pairs
from marginface.evaluation.protocols.distractors import evaluate_distractors
from marginface.evaluation.reading import Faces

SIZE = 512
PHOTOS, DISTRACTORS, PROBES, PROBE_PEOPLE = 100_000, 1_000_000, 3_520, 80
CARD = ModelCard(name="drawn", file="-", sha256="0" * 64, license="-", embedding_size=SIZE)


@dataclass
class Drawn:
    """Stands in for the embedder whose embeddings these are."""

    card: ModelCard = CARD
    contract: Contract = field(default_factory=lambda: CARD.contract(mirror=True))


def drawn(people: np.ndarray, seed: int) -> Faces:
    """Photos of people: similar to each other as SFace's are, about 0.6 and 0."""
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.standard_normal((int(people.max()) + 1, SIZE), np.float32), np.bincount(people), axis=0)
    vectors += 0.8 * rng.standard_normal(vectors.shape, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Faces("drawn", (), people, vectors, np.ones(len(people), dtype=bool))


def all_pairs(scale: int, _: Path) -> dict[str, Any]:
    faces = drawn(np.arange(PHOTOS // scale) // 5, 0)
    before, begun = peak_mib("VmRSS"), time.perf_counter()
    scores = score_all_pairs(faces, fars=[1e-4, 1e-6])
    return {
        "photos": len(faces),
        "impostor pairs": scores.impostor_pairs,
        "seconds": time.perf_counter() - begun,
        "MiB": peak_mib("VmHWM") - before,
        "TAR": [point.tar for point in scores.tar_at_far],
    }


def distractors(scale: int, folder: Path) -> dict[str, Any]:
    count, rng = DISTRACTORS // scale, np.random.default_rng(1)
    path = folder / "distractors.npy"
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, SIZE))
    for start in range(0, count, 65_536):
        part = rng.standard_normal((min(65_536, count - start), SIZE), np.float32)
        array[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    array.flush()
    del array
    probes = drawn(np.arange(PROBES) // (PROBES // PROBE_PEOPLE), 2)
    before, begun = peak_mib("VmRSS"), time.perf_counter()
    vectors = read_embeddings(path).vectors
    others = Faces("drawn", (), np.arange(count), vectors, np.ones(count, dtype=bool))
    result = evaluate_distractors(Drawn(), probes, others, fars=[1e-6])
    return {
        "probes": len(probes),
        "distractors": count,
        "searches": result.searches,
        "seconds": time.perf_counter() - begun,
        "MiB": peak_mib("VmHWM") - before,
        "rank 1": [one.rate for one in result.rates if one.rank == 1],
        "TAR": [point.tar for point in result.tar_at_far],
    }


TASKS = {"all pairs": all_pairs, "distractors": distractors}


def peak_mib(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def in_a_process(task: str, scale: int) -> dict[str, Any]:
    out = subprocess.run(
        [sys.executable, __file__, "--task", task, "--scale", str(scale)], capture_output=True, text=True, check=False
    )
    if out.returncode:
        sys.exit(f"{task}: {out.stderr.strip()}")
    return {"task": task, **json.loads(out.stdout)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=int, default=1, help="divides the numbers of photos")
    parser.add_argument("--task", default="", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    if asked.task:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(TASKS[asked.task](asked.scale, Path(folder))))
        return
    results = [in_a_process(task, asked.scale) for task in TASKS]
    print(json.dumps(results, indent=2))
    if asked.out is not None:
        from marginface.environment import describe_environment

        report = {"results": results, "scale": asked.scale, "environment": describe_environment()}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
