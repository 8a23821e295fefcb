"""Does a threshold for searches keep its rate of false positives? Calibrated on some people, tried on others.

    python benchmarks/fpir.py D/lfw --out benchmarks/results/fpir_sface.json [--without FILE] [--memory FILE]

Photos, a folder per person, without those of a list of exclusions; the face nearest the center is used. In each of
--splits random splits of the people the calibration is made on --calibrated of them, every pair: once of all photos of
theirs, once of one photo each, drawn. Of the others N = 10, 100, 1000 are enrolled with one photo each, drawn; everyone
else is a stranger who is searched with one photo, drawn. Small galleries are drawn --galleries times in a split. The
threshold is `calibration.identification_threshold(fpir, N)`; nothing is tuned on the searches.

For each N and target, over all searches: the bounds that the calibration has for the FPIR (mean over splits); the
observed FPIR with Student's interval over splits (a split is one trial: searches in it share people); how far single
galleries lie apart; the share of galleries whose own Wilson interval holds the target, or is above it. Two ratios say
where a difference comes from: the FMR of the comparisons made over the FMR the threshold was set for (other people,
counted otherwise, than those of the calibration), and the observed FPIR over 1 − (1 − FMR)^N at the FMR of the
comparisons made (false matches that come together, on one probe).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from marginface.data.crops.exclusions import Exclusions, read_exclusions
from marginface.embedding import load_embedder
from marginface.environment import describe_environment
from marginface.evaluation.calibration import people_photos
from marginface.evaluation.reading import EmbeddingMemory, Reader, Vectors, cropping_of, protocol_cropper
from marginface.matching.calibration import Calibration, Making, Origin, calibrate
from marginface.metrics import fpir_of_search, student_t_interval, wilson_interval
from marginface.values import FloatArray, IntArray

SIZES = (10, 100, 1000)
FPIRS = (0.1, 0.01)


@dataclass(frozen=True)
class Trial:
    """One gallery: strangers searched, those for whom somebody was returned, and all comparisons that matched."""

    split: int
    size: int
    target: float
    fmr: float
    bounds: tuple[float, float]  # of the FPIR, by the calibration's bounds of the FMR
    searches: int
    returned: int
    matches: int

    @property
    def fpir(self) -> float:
        return self.returned / self.searches

    @property
    def observed_fmr(self) -> float:
        return self.matches / self.searches / self.size


@dataclass(frozen=True)
class Plan:
    """Splits, people of the calibration, photos of each (0: all), small galleries in a split."""

    splits: int
    calibrated: int
    photos: int
    galleries: int


def embed(folder: Path, model: str, exclusions: Exclusions, memory: Path | None) -> tuple[FloatArray, IntArray, str]:
    """Return the embeddings of all photos with a face, whose they are, and the contract."""
    embedder, photos, cropper = load_embedder(model), people_photos([folder], exclusions), protocol_cropper()
    kept = None if memory is None else EmbeddingMemory(memory, cropping_of(cropper))
    contract = embedder.contract
    vectors, found = Reader(cropper=cropper, memory=kept).embed(
        photos.paths, Vectors(contract.id, contract.embedding_size, embedder.embed)
    )
    return vectors[found], photos.people[found], contract.id


def one_photo_each(people: IntArray, chosen: IntArray, rng: np.random.Generator) -> IntArray:
    """Return the place of a drawn photo of each chosen person."""
    return np.array([rng.choice(np.flatnonzero(people == person)) for person in chosen], np.int64)


def some_photos(people: IntArray, chosen: IntArray, most: int, rng: np.random.Generator) -> IntArray:
    """Return the places of at most so many drawn photos of each chosen person; 0: of all."""
    places = (np.flatnonzero(people == person) for person in chosen)
    return np.concatenate([rng.permutation(own)[: most or None] for own in places])


def trials_of_split(
    vectors: FloatArray, people: IntArray, parts: tuple[IntArray, IntArray], split: int, plan: Plan
) -> list[Trial]:
    calibrated, others = parts
    rng = np.random.default_rng(1000 + split)
    mine = some_photos(people, calibrated, plan.photos, rng)
    made = Making(date=date.today(), cropping="", alignment="")
    calibration = calibrate(vectors[mine], people[mine], Origin("0" * 16, "", "", 0, made)).calibration
    found = []
    for size in SIZES:
        for _ in range(plan.galleries if size < 1000 else 1):
            order = one_photo_each(people, rng.permutation(others), rng)
            found += search(vectors[order[size:]] @ vectors[order[:size]].T, calibration, split)
    return found


def search(similarities: FloatArray, calibration: Calibration, split: int) -> list[Trial]:
    """Return what strangers (S, N) found in one gallery at each target."""
    searches, size = similarities.shape
    found = []
    for target in FPIRS:
        threshold = calibration.identification_threshold(target, size)
        above = similarities >= threshold.similarity
        returned, matches = int(above.any(axis=1).sum()), int(above.sum())
        low, high = (fpir_of_search(fmr, size) for fmr in threshold.fmr_bounds or (0.0, 1.0))
        found.append(Trial(split, size, target, threshold.fmr, (low, high), searches, returned, matches))
    return found


def summary(trials: list[Trial]) -> dict[str, object]:
    """Return what the trials of one size and target come to."""
    splits = sorted({trial.split for trial in trials})
    of_split = [float(np.mean([trial.fpir for trial in trials if trial.split == one])) for one in splits]
    target = trials[0].target
    intervals = [wilson_interval(trial.returned, trial.searches) for trial in trials]
    fmr = float(np.mean([trial.observed_fmr for trial in trials]))
    fpir = float(np.mean(of_split))
    interval = student_t_interval(of_split)
    return {
        "gallery": trials[0].size,
        "target_fpir": target,
        "observed_fpir": fpir,
        "bounds_of_the_calibration": np.mean([trial.bounds for trial in trials], axis=0).tolist(),
        "interval_over_splits": interval.to_list(),
        "single_galleries_5_50_95_percent": np.quantile([trial.fpir for trial in trials], [0.05, 0.5, 0.95]).tolist(),
        "galleries_whose_interval_holds_the_target": float(
            np.mean([one.low <= target <= one.high for one in intervals])
        ),
        "galleries_whose_interval_is_above_it": float(np.mean([one.low > target for one in intervals])),
        "target_fmr": trials[0].fmr,
        "observed_fmr_over_target": fmr / trials[0].fmr,
        "observed_fpir_over_binomial": fpir / fpir_of_search(fmr, trials[0].size),
        "galleries": len(trials),
        "searches": sum(trial.searches for trial in trials),
        "returned": sum(trial.returned for trial in trials),
    }


def run(vectors: FloatArray, people: IntArray, plan: Plan) -> list[dict[str, object]]:
    """Return a summary for each size and target."""
    everybody, trials = np.unique(people), list[Trial]()
    for split in range(plan.splits):
        order = np.random.default_rng(split).permutation(everybody)
        parts = order[: plan.calibrated], order[plan.calibrated :]
        trials += trials_of_split(vectors, people, parts, split, plan)
    groups = [[one for one in trials if (one.size, one.target) == (size, fpir)] for size in SIZES for fpir in FPIRS]
    return [summary(group) for group in groups]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", default="sface")
    parser.add_argument("--without", type=Path, help="a list of people and photos to leave out")
    parser.add_argument("--memory", type=Path, help="file that keeps embeddings between runs")
    parser.add_argument("--calibrated", type=int, default=2000, help="people of the calibration")
    parser.add_argument("--photos", type=int, default=0, dest="photos_each", help="of each in the calibration; 0: all")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--galleries", type=int, default=20, help="small galleries in a split")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    start = time.perf_counter()
    exclusions = Exclusions() if args.without is None else read_exclusions(args.without)
    vectors, people, contract = embed(args.photos, args.model, exclusions, args.memory)
    embedded = time.perf_counter()
    plans = {
        name: Plan(args.splits, args.calibrated, photos, args.galleries)
        for name, photos in (("calibrated on all photos", 0), ("calibrated on one photo each", 1))
    }
    result = {
        "question": __doc__.splitlines()[0],
        "model": args.model,
        "contract": contract,
        "people": len(np.unique(people)),
        "photos": len(people),
        "calibrated_people": args.calibrated,
        "splits": args.splits,
        "results": {name: run(vectors, people, plan) for name, plan in plans.items()},
        "seconds": {"embedding": round(embedded - start, 1), "splits": round(time.perf_counter() - embedded, 1)},
        "environment": describe_environment(),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
