"""Do the two parts of TransFace help a small vision transformer on real faces? Four runs that differ in them alone.

    python benchmarks/transface.py CROPS [CROPS …] --exclude cfp_names.txt --steps 1500 --out runs/transface

CROPS are folders of crops by identity. The same network (token gate included), first weights, batches, augmentation and
seeds; DPAP (perturb 0.2) and EHSM (entropy_weight 1) off and on. Measured on pairs of identities that are held out of
CROPS; intervals are Wilson's over pairs, and the difference to neither is one test over people and seeds. What is
finished is not done again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from marginface.metrics.comparison import paired_difference
from marginface.training import train
from marginface.training.feed.sources import open_data
from marginface.training.recipe import Recipe
from marginface.training.recipe.file import recipe_from

PARTS = {"neither": (0.0, 0.0), "DPAP": (0.2, 0.0), "EHSM": (0.0, 1.0), "both": (0.2, 1.0)}


def recipe(options: argparse.Namespace, part: str, seed: int) -> Recipe:
    perturb, weight = PARTS[part]
    backbone = {"patch": options.patch, "drop_path": 0.05, "dominant": 4, "perturb": perturb, "entropy_weight": weight}
    folders = [str(folder.resolve()) for folder in options.crops]
    return recipe_from(
        {
            "name": f"transface-{part}",
            "data": {"source": "folders", "folders": folders, "exclude": str(options.exclude), "hold_out": 200},
            "augment": {"flip": 0.5, "shift": 0.06, "brightness": 0.25, "contrast": 0.3},
            "backbone": {"name": "transface_t", "input_size": options.input_size, "embedding_size": 256}
            | {"options": backbone},
            "loss": {"name": "cosface", "scale": 20.0, "margin": 0.15, "margin_from": 0.2, "margin_full": 0.6},
            "optim": {"kind": "adamw", "learning_rate": 1e-3, "weight_decay": 0.1},
            "schedule": {"kind": "cosine", "warmup": 0.1},
            "train": {"steps": options.steps, "batch_size": 32, "threads": 1, "seed": seed, "checkpoint_every": 500},
            "evaluation": {"pairs": 2000, "folds": 10},
        }
    )


def one_run(options: argparse.Namespace, part: str, seed: int) -> dict[str, object]:
    """Train if it is not done yet; return what came out and which pairs were right."""
    out = options.out / f"{part}-{seed}"
    answer = out / "pairs.json"
    if not answer.is_file():
        result = train(recipe(options, part, seed), out, resume=(out / "recipe.toml").is_file())
        assert result.held_out is not None
        scores = result.held_out.scores
        right = (scores.accuracy.accepted == scores.genuine).tolist()
        numbers = {"accuracy": scores.accuracy.mean, "interval": scores.accuracy_interval.to_list(), "auc": scores.auc}
        answer.write_text(json.dumps({**numbers, "right": right}), encoding="utf-8")
    return dict(json.loads(answer.read_text(encoding="utf-8")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path, nargs="+")
    parser.add_argument("--exclude", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--input-size", type=int, default=48)
    parser.add_argument("--patch", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("runs/transface"))
    options = parser.parse_args()
    found = {part: [one_run(options, part, seed) for seed in range(options.seeds)] for part in PARTS}
    data = open_data(recipe(options, "neither", 0))
    assert data.pairs is not None
    assert data.held_out is not None
    people = [data.held_out.labels[side] for side in (data.pairs.first, data.pairs.second)]
    right = {part: np.array([run["right"] for run in runs]) for part, runs in found.items()}
    for part, runs in found.items():
        difference = paired_difference(right["neither"], right[part], *people)
        low, high = difference.interval().to_list()
        print(
            f"{part:8s} accuracy {[round(float(run['accuracy']), 4) for run in runs]} intervals "
            f"{[run['interval'] for run in runs]} AUC {[round(float(run['auc']), 4) for run in runs]} "
            f"difference {100 * difference.mean:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] p {difference.p_value:.3f}"
        )


if __name__ == "__main__":
    main()
