"""Which way to group unknown faces, and at which threshold?

    OMP_NUM_THREADS=1 python benchmarks/cluster.py CROPS... [--names FILE] [--not-names FILE] [--out FILE.json]
        [--thresholds 0.25,0.3,… | --fpirs 0.1,0.5] [--ways average,complete,components,hdbscan] [--long-tail]

CROPS are folders of aligned crops, a folder per person; people of the same name in several are one. Every way is tried
at every similarity; BCubed F is what is compared. --names keeps only the people that a file lists, --not-names leaves
those of another out (the first word of each line). --long-tail keeps of each person a number of photos drawn from 1/n,
as an album has them: many people once, few often; --lone 0.67 keeps a single one of two thirds of them. --fpirs takes
the thresholds that ``marginface cluster --fpir`` takes for so many faces.

    average      average linkage: matching.cluster, the way of ``marginface cluster``
    complete     complete linkage: every pair of a group is at the threshold
    components   connected components: a group hangs together by single pairs
    hdbscan      HDBSCAN (Campello et al., 2013), groups of two or more; it finds its thresholds itself
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist

from marginface.embedding import load_embedder
from marginface.environment import describe_environment
from marginface.images import list_images, read_image
from marginface.matching.calibration import shipped_calibration
from marginface.matching.cluster import cluster
from marginface.metrics import clustering_score
from marginface.pipeline.clusters import threshold_among

Way = Callable[[np.ndarray, float], np.ndarray]


def embedded(crops: list[Path], cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the embeddings (N, D) of all crops and the person's name of each (N,), made once."""
    if not cache.is_file():
        embedder = load_embedder("sface")
        photos = [(photo, photo.relative_to(root).parts[0]) for root in crops for photo in list_images(root)]
        vectors = np.vstack([embedder.embed(read_image(photo)[np.newaxis]) for photo, _ in photos])
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, vectors=vectors, names=np.array([name for _, name in photos]))
    with np.load(cache) as held:
        return held["vectors"], held["names"]


def kept(names: np.ndarray, only: Path | None, without: Path | None) -> np.ndarray:
    """Say which faces are of the people that are meant."""
    chosen = np.ones(len(names), bool)
    if only is not None:
        chosen &= np.isin(names, first_words(only))
    if without is not None:
        chosen &= ~np.isin(names, first_words(without))
    return chosen


def first_words(file: Path) -> list[str]:
    return [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def long_tail(names: np.ndarray, lone: float, seed: int = 0) -> np.ndarray:
    """Say which faces to keep: one of a share of the people; of the others a number drawn from 1/n."""
    random, chosen = np.random.default_rng(seed), np.zeros(len(names), bool)
    for name in np.unique(names):
        own = random.permutation(np.flatnonzero(names == name))
        weights = 1 / np.arange(1, len(own) + 1)
        count = 1 if random.random() < lone else random.choice(len(own), p=weights / weights.sum()) + 1
        chosen[own[:count]] = True
    return chosen


def average(vectors: np.ndarray, threshold: float) -> np.ndarray:
    return cluster(vectors, threshold).labels


def complete(vectors: np.ndarray, threshold: float) -> np.ndarray:
    return fcluster(linkage(pdist(vectors, "cosine"), "complete"), 1 - threshold, "distance")


def components(vectors: np.ndarray, threshold: float) -> np.ndarray:
    pairs = np.nonzero(vectors @ vectors.T >= threshold)
    graph = coo_matrix((np.ones(len(pairs[0]), bool), pairs), shape=(len(vectors),) * 2)
    return connected_components(graph, directed=False)[1]


def hdbscan(vectors: np.ndarray, _: float) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    labels = HDBSCAN(min_cluster_size=2, copy=True).fit_predict(vectors)  # Euclidean and cosine order unit rows alike
    alone = labels < 0
    labels[alone] = labels.max() + 1 + np.arange(alone.sum())
    return labels


WAYS: dict[str, Way] = {"average": average, "complete": complete, "components": components, "hdbscan": hdbscan}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path, nargs="+")
    parser.add_argument("--names", type=Path)
    parser.add_argument("--not-names", type=Path)
    parser.add_argument("--long-tail", action="store_true")
    parser.add_argument("--lone", type=float, default=0.0, help="with --long-tail: share of people with one photo")
    parser.add_argument("--thresholds", default="0.25,0.3,0.35,0.4,0.45,0.5,0.55,0.6")
    parser.add_argument("--fpirs", default="")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--cache", type=Path, required=True, help="an .npz file where embeddings are kept")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    vectors, names = embedded(given.crops, given.cache)
    chosen = kept(names, given.names, given.not_names)
    vectors, names = vectors[chosen], names[chosen]
    if given.long_tail:
        tail = long_tail(names, given.lone)
        vectors, names = vectors[tail], names[tail]
    people = np.unique(names, return_inverse=True)[1]
    thresholds = [float(text) for text in given.thresholds.split(",")]
    if given.fpirs:
        shipped = shipped_calibration(load_embedder("sface").contract.id)
        rates = [float(text) for text in given.fpirs.split(",")]
        thresholds = [threshold_among(shipped, rate, len(names)).similarity for rate in rates]
    rows = []
    for way in given.ways.split(","):
        for threshold in [0.0] if way == "hdbscan" else thresholds:
            started = time.perf_counter()
            groups = WAYS[way](vectors, threshold)
            seconds = round(time.perf_counter() - started, 1)
            row = {"way": way, "threshold": threshold, "seconds": seconds, **clustering_score(groups, people).to_dict()}
            rows.append(row)
            low, high = row["bcubed"]["f_interval"]
            print(
                f"{way:<11} {threshold:.3f}  BCubed P {row['bcubed']['precision']:.3f} R {row['bcubed']['recall']:.3f} "
                f"F {row['bcubed']['f']:.4f} [{low:.4f}, {high:.4f}]  pairs P {row['pairwise']['precision']:.3f} "
                f"R {row['pairwise']['recall']:.3f}  {row['groups']:,} groups of {row['people']:,} people, "
                f"{row['faces']:,} faces  {seconds} s",
                flush=True,
            )
    if given.out is not None:
        report = {"crops": [str(crop.name) for crop in given.crops], "results": rows}
        given.out.write_text(json.dumps({**report, "environment": describe_environment()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
