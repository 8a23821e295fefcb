"""Does the branch of DREAM help frontal-profile pairs? CFP-FP and CFP-FF with and without it, behind one trunk.

    marginface align CFP/Data/Images CFP_CROPS --face center
    python benchmarks/dream.py MODEL CFP CFP_CROPS CROPS [CROPS …] --out dream.json

MODEL is a registered name, an .onnx file, a checkpoint or a run; CROPS are folders of crops by identity, from which the
names of CFP are left out. The branch is trained in two ways:

others   on the turned faces of CROPS
folds    on CFP itself, once for each fold of the protocol: on the people who are in none of its pairs

Accuracies are ten-fold, intervals Wilson's over pairs; the difference to no branch is one test over people. Embeddings
and yaws are kept in --cache, so that a second call takes minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from marginface.data.crops.folder import IdentityFolders
from marginface.data.crops.names import read_names
from marginface.data.pairs.cfp import cfp_pairs
from marginface.detection import YuNet
from marginface.detection.yaw import crop_yaws
from marginface.embedding import load_embedder
from marginface.evaluation.scoring.scores import PairScores, score_similarities
from marginface.images import read_image
from marginface.metrics import ten_fold_accuracy
from marginface.metrics.comparison import paired_difference
from marginface.training.dream import pose_pairs, train_branch
from marginface.training.recipe import DreamSection

LEAST_TURNED = 40.0  # degrees: LFW and PubFig83 have few faces beyond

Seen = dict[str, np.ndarray]  # embeddings (N, D), yaws (N,), labels (N,)


def look(model: str, cache: Path, labels: np.ndarray, read) -> Seen:  # type: ignore[no-untyped-def]
    """Return what there is to know of N crops; read(indices) gives them."""
    if not cache.is_file():
        embedder, detector, rows, yaws = load_embedder(model), YuNet.load(), [], []
        for start in range(0, len(labels), 64):
            crops = read(np.arange(start, min(start + 64, len(labels))))
            rows.append(embedder.embed(crops))
            yaws.append(crop_yaws(detector, crops))
            print(f"{cache.name}: {start + len(crops):,} of {len(labels):,}", flush=True)
        np.savez(cache, embeddings=np.concatenate(rows), yaws=np.concatenate(yaws), labels=labels)
    return dict(np.load(cache))


def of_people(seen: Seen, chosen: np.ndarray) -> Seen:
    return {name: values[chosen] for name, values in seen.items()}


def moved(seen: Seen, trained_on: Seen, dream: DreamSection) -> tuple[np.ndarray, int]:
    """Return unit vectors moved by a branch that is trained on other people, and on how many turned faces."""
    pairs = pose_pairs(trained_on["embeddings"], trained_on["labels"], trained_on["yaws"], dream)
    branch = train_branch(pairs, dream, 0)
    with torch.inference_mode():
        found = branch(torch.from_numpy(seen["embeddings"]), torch.from_numpy(seen["yaws"])).numpy()
    return found / np.linalg.norm(found, axis=1, keepdims=True), len(pairs.yaws)


class Protocol:
    """The pairs of a split as places among the crops; pairs with an image without a face are wrong if genuine."""

    def __init__(self, cfp: Path, split: str, place: dict[Path, int], labels: np.ndarray) -> None:
        pairs = cfp_pairs(cfp, split)  # type: ignore[arg-type]
        at = np.array([place.get(path.relative_to(cfp / "Data" / "Images"), -1) for path in pairs.images])
        self.first, self.second = at[pairs.first], at[pairs.second]
        self.genuine, self.fold, self.split = pairs.genuine, pairs.fold, split
        self.people = labels[self.first], labels[self.second]
        self.missing = (self.first < 0) | (self.second < 0)

    def scores(self, embeddings: list[np.ndarray]) -> PairScores:
        """Return the scores; one set of embeddings for each fold."""
        similarities = np.empty(len(self.fold))
        for fold in range(10):
            here, vectors = self.fold == fold, embeddings[fold]
            similarities[here] = np.einsum("ij,ij->i", vectors[self.first[here]], vectors[self.second[here]])
        similarities[self.missing] = -1
        accuracy = ten_fold_accuracy(similarities, self.genuine, self.fold)
        return score_similarities(similarities, self.genuine, accuracy)

    def outside(self, fold: int, labels: np.ndarray) -> np.ndarray:
        """Return which crops are of people who are in no pair of a fold."""
        here = self.fold == fold
        return ~np.isin(labels, np.concatenate([self.people[0][here], self.people[1][here]]))


def row(protocol: Protocol, way: str, turned: float, trained_on: float, scores: PairScores, plain: PairScores) -> dict:
    right, before = (score.accuracy.accepted == protocol.genuine for score in (scores, plain))
    difference = paired_difference(before[None], right[None], *protocol.people)
    print(protocol.split, way, turned, f"{scores.accuracy.mean:.4f}", f"{difference.mean:+.4f}", flush=True)
    return {
        "split": protocol.split,
        "branch": way,
        "turned_degrees": turned,
        "turned_faces": trained_on,
        "accuracy": scores.accuracy.mean,
        "interval": scores.accuracy_interval.to_list(),
        "tar_at_far_1e-2": [point.tar for point in scores.tar_at_far if point.far == 1e-2],
        "difference": difference.mean,
        "difference_interval": difference.interval().to_list(),
        "p": difference.p_value,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("cfp", type=Path)
    parser.add_argument("cfp_crops", type=Path)
    parser.add_argument("crops", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--cache", type=Path, default=Path("dream-cache"))
    parser.add_argument("--out", type=Path, default=Path("dream.json"))
    options = parser.parse_args()
    options.cache.mkdir(exist_ok=True, parents=True)
    torch.set_num_threads(1)
    cfp, place = look_at_cfp(options)
    others = look_at_others(options)
    rows = []
    for protocol in (Protocol(options.cfp, split, place, cfp["labels"]) for split in ("FP", "FF")):
        plain = protocol.scores([cfp["embeddings"]] * 10)
        rows.append(row(protocol, "none", 0, 0, plain, plain))
        for turned in (LEAST_TURNED, 50.0):
            dream = DreamSection(steps=options.steps, turned_degrees=turned)
            embeddings, count = moved(cfp, others, dream)
            rows.append(row(protocol, "others", turned, count, protocol.scores([embeddings] * 10), plain))
        dream = DreamSection(steps=options.steps)
        outside = [protocol.outside(fold, cfp["labels"]) for fold in range(10)]
        branches = [moved(cfp, of_people(cfp, chosen), dream) for chosen in outside]
        scores = protocol.scores([embeddings for embeddings, _ in branches])
        rows.append(row(protocol, "folds", 50.0, float(np.mean([count for _, count in branches])), scores, plain))
        options.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def look_at_cfp(options: argparse.Namespace) -> tuple[Seen, dict[Path, int]]:
    """Return the crops of CFP, and the place of each photo among them."""
    files = sorted(options.cfp_crops.glob("*/*/*.png"))
    people = np.array([int(path.parts[-3]) for path in files])
    seen = look(
        options.model,
        options.cache / "cfp.npz",
        people,
        lambda chosen: np.stack([read_image(files[index]) for index in chosen]),
    )
    return seen, {path.relative_to(options.cfp_crops).with_suffix(".jpg"): index for index, path in enumerate(files)}


def look_at_others(options: argparse.Namespace) -> Seen:
    """Return crops to train on: the people with a turned and a frontal face who are not in CFP, five frontal of each.

    All yaws are looked at first, as they cost a third of an embedding.
    """
    cache = options.cache / "others.npz"
    if cache.is_file():
        return dict(np.load(cache))
    source = IdentityFolders(options.crops, exclude=read_names(options.cfp / "Data" / "list_name.txt"), min_images=2)
    detector, places = YuNet.load(), np.array_split(np.arange(len(source.labels)), max(len(source.labels) // 64, 1))
    yaws = np.abs(np.concatenate([crop_yaws(detector, source.read(part)) for part in places]))
    kept = np.array(worth_it(np.asarray(source.labels), yaws))
    return look(options.model, cache, source.labels[kept], lambda part: source.read(kept[part]))


def worth_it(labels: np.ndarray, yaws: np.ndarray) -> list[int]:
    """Return the turned faces, and at most five frontal ones, of the people who have both."""
    found = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        turned, frontal = own[yaws[own] >= LEAST_TURNED], own[yaws[own] <= DreamSection().frontal_degrees]
        found += [*turned, *frontal[:5]] if len(turned) and len(frontal) else []
    return sorted(found)


if __name__ == "__main__":
    main()
