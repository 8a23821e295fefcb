"""How well does a small training on real faces tell people apart? Every recipe × seed, measured on CFP-FF and CFP-FP.

    python benchmarks/real_faces.py CROPS_RUN_FOLDER CFP --losses softmax,arcface,x2softmax --seeds 0,1,2

CROPS_RUN_FOLDER holds crops/lfw, crops/pubfig83 and cfp_names.txt, as the recipes say. Two trainings run side by side,
one thread each. What is finished is not done again; an interrupted run is resumed. Prints mean ± standard deviation
over seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, stdev

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "marginface"]


def one_run(folder: Path, cfp: Path, loss: str, seed: int) -> dict[str, float]:
    """Train if it is not done yet, evaluate if it is not done yet; return accuracy by split."""
    out = folder / "real" / f"{loss}-{seed}"
    if not (out / "report.html").is_file():
        resume = ["--resume"] if (out / "recipe.toml").is_file() else []
        options = ["--set", f"train.seed={seed}", "--set", "train.threads=1"]
        recipe = ROOT / "recipes" / f"real_faces_{loss}.toml"
        log = folder / "real" / f"{loss}-{seed}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as stream:
            command = [*COMMAND, "train", str(recipe), "--out", str(out.resolve()), *resume, *options]
            subprocess.run(command, cwd=folder, check=True, stdout=stream, stderr=stream)
    return {split: accuracy(out, cfp, split) for split in ("FF", "FP")}


def accuracy(out: Path, cfp: Path, split: str) -> float:
    answer = out / f"cfp-{split}.json"
    if not answer.is_file():
        command = [*COMMAND, "evaluate", "pairs", str(out), str(cfp), "--split", split, "--out", str(answer)]
        subprocess.run(command, check=True, capture_output=True)
    return float(json.loads(answer.read_text(encoding="utf-8"))["accuracy_mean"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cfp", type=Path)
    parser.add_argument("--losses", default="softmax,arcface,x2softmax")
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    losses, seeds = options.losses.split(","), [int(seed) for seed in options.seeds.split(",")]
    jobs = [(loss, seed) for seed in seeds for loss in losses]
    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(jobs, pool.map(lambda job: one_run(options.folder, options.cfp, *job), jobs), strict=True))
    for loss in losses:
        for split in ("FF", "FP"):
            values = [100 * results[loss, seed][split] for seed in seeds]
            spread = stdev(values) if len(values) > 1 else float("nan")
            print(f"{loss:10s} CFP-{split} {mean(values):.2f} ± {spread:.2f} % over seeds {seeds}")


if __name__ == "__main__":
    main()
