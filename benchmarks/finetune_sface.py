"""Does SFace get better on frontal against profile by fine-tuning on LFW? CFP before and after, the same crops for all.

    python benchmarks/finetune_sface.py CROPS_RUN_FOLDER CFP --losses arcface,x2softmax

CROPS_RUN_FOLDER holds crops/lfw and cfp_names.txt, as the recipes recipes/finetune_sface_LOSS.toml say. Each is trained
there, exported to ONNX, and measured through the use road beside the published file: CFP-FF and CFP-FP, and the pairs
of the people held out of LFW. Differences are paired: the same pairs, decided by the model before and after, with a
95 % interval over people (metrics.comparison). What is finished is not done again. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from marginface.adopt import adopt_published
from marginface.contract import Contract, ModelCard
from marginface.data.cfp import cfp_pairs
from marginface.embedding import Embedder, TorchEmbedder, load_embedder
from marginface.evaluation.environment import describe_environment
from marginface.evaluation.pairs import evaluate_pairs, identities_by_folder, protocol_cropper
from marginface.evaluation.scores import PairScores
from marginface.export import export
from marginface.metrics.comparison import paired_difference
from marginface.training import read_recipe
from marginface.training.decisions import KeptCrops
from marginface.training.held_out import HeldOut
from marginface.training.sources import open_data
from marginface.values import FloatArray, ImageArray, IntArray

ROOT = Path(__file__).resolve().parents[1]
Splits = tuple[Literal["FF", "FP"], ...]
SPLITS: Splits = ("FF", "FP")
BEFORE = "sface"
Scored = tuple[PairScores, IntArray, IntArray]  # and who is on the two images of each pair


@dataclass
class Remembered:
    """An Embedder that embeds each crop once: the two protocols share most of theirs."""

    inner: Embedder
    known: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def card(self) -> ModelCard:
        return self.inner.card

    @property
    def contract(self) -> Contract:
        return self.inner.contract

    def embed(self, crops: ImageArray) -> FloatArray:
        keys = [hashlib.sha256(crop.tobytes()).hexdigest() for crop in crops]
        for key, crop in zip(keys, crops, strict=True):
            if key not in self.known:
                self.known[key] = self.inner.embed(crop[None])[0]
        return np.stack([self.known[key] for key in keys])


def trained(folder: Path, loss: str) -> Path:
    """Return the run of a recipe, finished."""
    out = folder / "finetune" / loss
    if not (out / "manifest.json").is_file():
        recipe = ROOT / "recipes" / f"finetune_sface_{loss}.toml"
        resume = ["--resume"] if (out / "recipe.toml").is_file() else []
        command = [sys.executable, "-m", "marginface", "train", str(recipe), "--out", str(out.resolve()), *resume]
        subprocess.run(command, cwd=folder, check=True)
    return out


def exported(run: Path) -> Path:
    """Return the ONNX file of a run."""
    model = run.with_suffix(".onnx")
    return model if model.is_file() else export(run, model).model


def on_cfp(model: Path | str, cfp: Path, crops: Path, mirror: bool) -> dict[str, Scored]:
    embedder, found = Remembered(load_embedder(str(model), mirror=mirror)), {}
    for split in SPLITS:
        pairs = cfp_pairs(cfp, split)
        result = evaluate_pairs(embedder, pairs, cropper=KeptCrops(crops, protocol_cropper()))
        people = identities_by_folder(pairs)
        assert people is not None, "CFP has a folder for each person"
        found[f"CFP-{split}"] = (result.scores, people[pairs.first], people[pairs.second])
    return found


def on_held_out(run: Path, backbone: torch.nn.Module) -> Scored:
    recipe = read_recipe(run / "recipe.toml")
    data = open_data(recipe)
    assert data.held_out is not None
    assert data.pairs is not None
    held_out = HeldOut(data.held_out, data.pairs, recipe.backbone.input_size, torch.device("cpu"))
    labels = data.held_out.labels
    return held_out.evaluate(backbone).scores, labels[data.pairs.first], labels[data.pairs.second]


def figures(scored: Scored) -> dict[str, Any]:
    scores = scored[0]
    return {
        "accuracy": scores.accuracy.mean,
        "interval": scores.accuracy_interval.to_list(),
        "tar_at_far": {f"{point.far:g}": point.tar for point in scores.tar_at_far},
        "eer": scores.eer,
    }


def difference(before: Scored, after: Scored) -> dict[str, Any]:
    """Return how much more is decided right after than before, a share of the pairs, with its interval over people."""
    decided = [(scores.accuracy.accepted == scores.genuine)[None] for scores, _, _ in (before, after)]
    found = paired_difference(decided[0], decided[1], before[1], before[2])
    return {"mean": found.mean, "interval": found.interval().to_list(), "p_value": found.p_value}


def backbone_of(run: Path) -> torch.nn.Module:
    embedder = load_embedder(run)
    assert isinstance(embedder, TorchEmbedder)
    return embedder.backbone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cfp", type=Path)
    parser.add_argument("--losses", default="arcface,x2softmax")
    parser.add_argument("--crops", type=Path, help="where the crops of CFP are kept; default: FOLDER/cfp-crops")
    parser.add_argument("--mirror", action="store_true", help="sum crop and mirrored crop: twice the time")
    options = parser.parse_args()
    losses, folder = options.losses.split(","), options.folder
    crops = options.crops or folder / "cfp-crops"
    runs = {loss: trained(folder, loss) for loss in losses}
    models: dict[str, Path | str] = {BEFORE: BEFORE, **{loss: exported(run) for loss, run in runs.items()}}
    scored = {name: on_cfp(model, options.cfp, crops, options.mirror) for name, model in models.items()}
    published = adopt_published(BEFORE).backbone
    for loss, run in runs.items():
        scored[BEFORE]["held out of LFW"] = on_held_out(run, published)
        scored[loss]["held out of LFW"] = on_held_out(run, backbone_of(run))
    protocols = list(scored[BEFORE])
    answer = {
        name: {
            protocol: figures(of[protocol])
            | ({} if name == BEFORE else {"after − before": difference(scored[BEFORE][protocol], of[protocol])})
            for protocol in protocols
        }
        for name, of in scored.items()
    }
    print(json.dumps({"results": answer, "mirror": options.mirror, "environment": describe_environment()}, indent=2))


if __name__ == "__main__":
    main()
