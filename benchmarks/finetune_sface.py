"""Does SFace get better on frontal against profile by fine-tuning on LFW? CFP before and after, the same crops for all.

    python benchmarks/finetune_sface.py CROPS_RUN_FOLDER CFP --losses arcface,x2softmax

CROPS_RUN_FOLDER holds crops/lfw and cfp_names.txt, as the recipes recipes/finetune_sface_LOSS.toml say. Each is trained
there, exported to ONNX, and measured through the use road beside the published file: CFP-FF and CFP-FP, and the pairs
of the people held out of LFW. Differences are paired: the same pairs, decided by the model before and after, with a
95 % interval over people. What is finished is not done again. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import torch

from marginface.adopt import adopt_published
from marginface.data.pairs.cfp import cfp_pairs
from marginface.embedding import TorchEmbedder, load_embedder
from marginface.environment import describe_environment
from marginface.evaluation.comparison.two_models import compare_tables
from marginface.evaluation.protocols.pairs import evaluate_pairs
from marginface.evaluation.protocols.score_file import read_scores, write_scores
from marginface.evaluation.reading import Reader, protocol_cropper
from marginface.evaluation.scoring.scores import PairScores, score_similarities
from marginface.evaluation.scoring.variants import VARIANTS
from marginface.export import export
from marginface.metrics import ten_fold_accuracy
from marginface.metrics.comparison import paired_difference
from marginface.training import read_recipe
from marginface.training.comparing.decisions import KeptCrops
from marginface.training.feed.sources import open_data
from marginface.training.measuring.held_out import HeldOut
from marginface.values import IntArray

ROOT = Path(__file__).resolve().parents[1]
Split = Literal["FF", "FP"]
SPLITS: tuple[Split, ...] = ("FP", "FF")
BEFORE = "sface"


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


def scores_on_cfp(name: str, model: Path | str, split: Split, options: argparse.Namespace) -> Path:
    """Return the file of a model's similarities on the pairs of CFP, made now if it is not there."""
    path: Path = options.folder / "finetune" / f"{name}-{split}{'-mirror' if options.mirror else ''}.csv"
    if not path.is_file():
        embedder = load_embedder(str(model), mirror=options.mirror)
        reader = Reader(cropper=KeptCrops(options.crops, protocol_cropper()))
        variant = VARIANTS["insightface" if options.mirror else "noflip"]
        write_scores(evaluate_pairs(embedder, cfp_pairs(options.cfp, split), reader, variant=variant), path)
    return path


def on_held_out(run: Path, backbone: torch.nn.Module) -> tuple[PairScores, IntArray, IntArray]:
    """Return the scores of a network on the pairs held out of LFW, and who is on them."""
    recipe = read_recipe(run / "recipe.toml")
    data = open_data(recipe)
    assert data.held_out is not None
    assert data.pairs is not None
    held_out = HeldOut(data.held_out, data.pairs, recipe.backbone.input_size, torch.device("cpu"))
    labels = data.held_out.labels
    return held_out.evaluate(backbone).scores, labels[data.pairs.first], labels[data.pairs.second]


def figures(scores: PairScores) -> dict[str, Any]:
    return {
        "accuracy": scores.accuracy.mean,
        "interval": scores.accuracy_interval.to_list(),
        "tar_at_far": {f"{point.far:g}": point.tar for point in scores.tar_at_far},
        "eer": scores.eer,
    }


def of_file(path: Path) -> dict[str, Any]:
    table = read_scores(path)
    assert table.fold is not None, "write_scores writes folds"
    return figures(
        score_similarities(table.scores, table.genuine, ten_fold_accuracy(table.scores, table.genuine, table.fold))
    )


def held_out_difference(run: Path) -> dict[str, Any]:
    """Return both models on the held-out pairs of a run, and the difference of their decisions."""
    before, first, second = on_held_out(run, adopt_published(BEFORE).backbone)
    after = on_held_out(run, backbone_of(run))[0]
    decided = [(scores.accuracy.accepted == scores.genuine)[None] for scores in (before, after)]
    found = paired_difference(decided[0], decided[1], first, second)
    difference = {"mean": found.mean, "interval": found.interval().to_list(), "p_value": found.p_value}
    return {"before": figures(before), "after": figures(after), "difference": difference}


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
    options.crops = options.crops or options.folder / "cfp-crops"
    runs = {loss: trained(options.folder, loss) for loss in options.losses.split(",")}
    models: dict[str, Path | str] = {BEFORE: BEFORE, **{loss: exported(run) for loss, run in runs.items()}}
    answer: dict[str, Any] = {name: {} for name in models}
    for split in SPLITS:
        before = scores_on_cfp(BEFORE, BEFORE, split, options)
        for name, model in models.items():
            path = scores_on_cfp(name, model, split, options)
            answer[name][f"CFP-{split}"] = of_file(path)
            if name != BEFORE:
                found = compare_tables((BEFORE, name), read_scores(before), read_scores(path))
                answer[name][f"CFP-{split}"]["against before"] = found.to_dict()
    for loss, run in runs.items():
        answer[loss]["held out of LFW"] = held_out_difference(run)
    print(json.dumps({"results": answer, "mirror": options.mirror, "environment": describe_environment()}, indent=2))


if __name__ == "__main__":
    main()
