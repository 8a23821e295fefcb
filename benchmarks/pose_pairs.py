"""Which small training tells people apart when one head is turned? Pairs of people held out of the training set.

    python benchmarks/pose_pairs.py hold --crops LFW,PUBFIG83 --exclude cfp_names.txt --people 150 --out names.txt
    marginface train RECIPE --out RUN --set data.exclude=names.txt …
    python benchmarks/pose_pairs.py measure RUN [RUN …] --crops LFW,PUBFIG83 --exclude cfp_names.txt --held names.txt

``hold`` writes the excluded names and those of people drawn by chance. ``measure`` embeds the crops of these people,
with the mirrored crop, and judges each run on ordinary pairs and on turned ones: one face within 15° of the front, the
other 30° or more away from it, as the detector sees the crops; at most 40 genuine pairs of a person. Accuracies are
five-fold over people; differences are to the first run, one test over people.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
import torch

from marginface.data.crops.folder import IdentityFolders
from marginface.data.crops.names import identity_key, read_names
from marginface.data.sampling.holdout import PairIndex, verification_pairs
from marginface.data.source import CropSource, subset
from marginface.detection import YuNet
from marginface.detection.yaw import crop_yaws
from marginface.embedding import load_embedder
from marginface.evaluation.scoring.scores import PairScores, score_pairs
from marginface.metrics.comparison import paired_difference

FRONT, TURNED = 15.0, 30.0  # degrees
MOST_OF_A_PERSON, FOLDS = 40, 5


def people_of(crops: str, exclude: Path) -> CropSource:
    folders = [Path(folder) for folder in crops.split(",")]
    return IdentityFolders(folders, exclude=read_names(exclude), min_images=2)


def hold(options: argparse.Namespace) -> None:
    """Write the names of people drawn by chance below those that are excluded anyway."""
    source = people_of(options.crops, options.exclude)
    chosen = np.random.default_rng(options.seed).choice(len(source.identities), options.people, replace=False)
    names = [source.identities[number] for number in sorted(chosen)]
    options.out.write_text("\n".join([*read_names(options.exclude), *names]) + "\n", encoding="utf-8")
    print(f"{len(names)} people with {np.isin(source.labels, chosen).sum():,} crops held out")


def turned_pairs(labels: np.ndarray, yaws: np.ndarray, seed: int = 0) -> PairIndex:
    """Return pairs of a frontal and a turned crop, as many genuine as impostor ones; folds share no person."""
    random = np.random.default_rng(seed)
    front, turned = np.flatnonzero(np.abs(yaws) <= FRONT), np.flatnonzero(np.abs(yaws) >= TURNED)
    fold_of = random.permutation(labels.max() + 1) % FOLDS
    parts, folds = [], []
    for fold in range(FOLDS):
        ours = [side[fold_of[labels[side]] == fold] for side in (front, turned)]
        every = random.permutation(np.array(list(product(*ours))))
        same = labels[every[:, 0]] == labels[every[:, 1]]
        genuine = every[same]
        place = np.array([np.sum(labels[genuine[:at, 0]] == labels[genuine[at, 0]]) for at in range(len(genuine))])
        genuine = genuine[place < MOST_OF_A_PERSON]
        parts += [genuine, every[~same][: len(genuine)]]
        folds += [fold] * (len(parts[-1]) + len(parts[-2]))
    both = np.concatenate(parts)
    mark = labels[both[:, 0]] == labels[both[:, 1]]
    return PairIndex(both[:, 0].copy(), both[:, 1].copy(), mark, np.array(folds))


def line(name: str, scores: PairScores, first: PairScores, people: tuple[np.ndarray, np.ndarray]) -> str:
    right, right_of_first = (each.accuracy.accepted == each.genuine for each in (scores, first))
    difference = paired_difference(right_of_first[None], right[None], *people)
    low, high = (100 * value for value in difference.interval().to_list())
    tars = " ".join(f"{100 * point.tar:.1f} % at {point.far:g}" for point in scores.tar_at_far[:2])
    return (
        f"{name:34} {100 * scores.accuracy.mean:.2f} % AUC {scores.auc:.4f} TAR {tars}; "
        f"to the first {100 * difference.mean:+.2f} [{low:+.2f}, {high:+.2f}]"
    )


def measure(options: argparse.Namespace) -> None:
    source = people_of(options.crops, options.exclude)
    held = {identity_key(name) for name in read_names(options.held)}
    chosen = [number for number, name in enumerate(source.identities) if identity_key(name) in held]
    source = subset(source, chosen)
    crops, labels = source.read(np.arange(len(source.labels))), source.labels
    yaws = crop_yaws(YuNet.load(), crops)
    pairs = {"ordinary": verification_pairs(source, 1500, FOLDS), "turned": turned_pairs(labels, yaws)}
    found: dict[str, dict[str, PairScores]] = {kind: {} for kind in pairs}
    for run in options.runs:
        embeddings = load_embedder(run, mirror=True).embed(crops)
        for kind, these in pairs.items():
            found[kind][run] = score_pairs(embeddings, these.first, these.second, these.genuine, these.fold)
    for kind, these in pairs.items():
        print(f"{kind}: {len(these):,} pairs, {len(np.unique(labels[these.first]))} people")
        for run, scores in found[kind].items():
            people = labels[these.first], labels[these.second]
            print(line(Path(run).name, scores, found[kind][options.runs[0]], people))
    if options.json:
        numbers = {kind: {run: scores.to_dict() for run, scores in runs.items()} for kind, runs in found.items()}
        options.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    holding, measuring = commands.add_parser("hold"), commands.add_parser("measure")
    measuring.add_argument("runs", nargs="+")
    for command in (holding, measuring):
        command.add_argument("--crops", required=True)
        command.add_argument("--exclude", type=Path, required=True)
    holding.add_argument("--people", type=int, default=150)
    holding.add_argument("--seed", type=int, default=0)
    holding.add_argument("--out", type=Path, required=True)
    measuring.add_argument("--held", type=Path, required=True)
    measuring.add_argument("--json", type=Path)
    holding.set_defaults(run=hold)
    measuring.set_defaults(run=measure)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.run(options)


if __name__ == "__main__":
    main()
