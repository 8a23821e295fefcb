"""Do the quality cues mean anything? Which photos go wrong when they are spoiled, and what if the worst are left out?

    python benchmarks/quality.py D --part spoil   [--people 200] [--only turned] [--out FILE.json]
    python benchmarks/quality.py D --part discard [--out FILE.json] [--keep FILE.npz]
    python benchmarks/quality.py D --part gates   [--keep FILE.npz]
    python benchmarks/quality.py D --part norms   [--keep FILE.npz]

D is a folder with lfw/, cfp/ and pubfig83/ (research data, not part of this repository). The model is SFace with the
default detector; a face is the one nearest the center, as the protocols of these sets say.

spoil    One photo of each of some people of LFW is spoiled (blurred, darkened, shrunk, turned …) step by step and
         compared with another, untouched one of everybody. Counted at the shipped threshold of FMR 1e-3: photos without
         a face, genuine pairs refused (FNMR, with its interval by Wilson, 95 %), impostor pairs accepted (FMR) with one
         photo spoiled and with both.
discard  Nothing is spoiled. Of all genuine pairs of a data set those with the lowest quality (the lower of the two
         photos) are left out, by each cue in turn: how does the FNMR fall? This is the error-versus-discard curve of
         ISO/IEC 29794-1. A cue that says nothing leaves it flat. Intervals are over people (bootstrap, 95 %).
gates    How many photos of each data set the gates refuse, and the FNMR of pairs that pass.
norms    FNMR and FMR by the feature norm alone: of genuine pairs by the shorter of the two, of impostor pairs of CFP
         whose two photos are in one range.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from marginface.environment import describe_environment
from marginface.images import read_image
from marginface.matching.calibration import shipped_calibration
from marginface.metrics import wilson_interval
from marginface.pipeline import EmbeddedPhoto, Recognizer
from marginface.quality import CUES, GATES, Quality, shortfalls
from marginface.values import DoubleArray, FloatArray, ImageArray, IntArray

FMR = 1e-3  # at the threshold that comes with the package for it
NORMS = (0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0, 2.0)  # edges of ranges, of the usual length
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2)  # of the pairs left out
RESAMPLES = 500
MOST_PHOTOS = 24  # of a person in PubFig83, so that 83 people do not make a million pairs
Spoiler = Callable[[ImageArray], ImageArray]


def linear_gain(image: ImageArray, gain: float) -> ImageArray:
    """Return the photo as if this much light had fallen on it, in 8 bits of sRGB."""
    share = image / 255
    light = np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92) * gain
    light = np.clip(light, 0, 1)
    back = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, light * 12.92)
    return np.rint(back * 255).astype(np.uint8)


def shrunk(image: ImageArray, share: float) -> ImageArray:
    return cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


def turned(image: ImageArray, degrees: float) -> ImageArray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


def moved(image: ImageArray, pixels: int) -> ImageArray:
    return cv2.filter2D(image, -1, np.full((1, pixels), 1 / pixels))


def flattened(image: ImageArray, share: float) -> ImageArray:
    middle = image.mean()
    return np.rint((image - middle) * share + middle).astype(np.uint8)


def noisy(image: ImageArray, sigma: float) -> ImageArray:
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def compressed(image: ImageArray, quality: float) -> ImageArray:
    _, content = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.ascontiguousarray(cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1])


SPOILERS: dict[str, tuple[Callable[[ImageArray, float], ImageArray], tuple[float, ...]]] = {
    "blur, sigma in pixels": (lambda image, sigma: cv2.GaussianBlur(image, (0, 0), sigma), (1, 2, 3, 4, 6)),
    "motion, pixels": (lambda image, pixels: moved(image, int(pixels)), (5, 9, 15)),
    "shrunk to a share": (shrunk, (0.5, 0.35, 0.25, 0.2, 0.15)),
    "light, share of it": (linear_gain, (0.25, 0.0625, 0.015625, 0.004)),
    "light, times": (linear_gain, (2, 4, 8)),
    "contrast, share of it": (flattened, (0.25, 0.1, 0.05)),
    "turned in the image, degrees": (turned, (15, 45, 90, 180)),
    "noise, sigma in steps of 255": (noisy, (20, 40)),
    "JPEG quality": (compressed, (10, 5)),
}


@dataclass(frozen=True, eq=False)
class Looked:
    """What was made of N photos: vectors (N, D), zero without a face; people (N,); cues (N, C), NaN where not told."""

    vectors: FloatArray
    people: IntArray
    cues: DoubleArray

    @property
    def found(self) -> np.ndarray:
        return np.linalg.norm(self.vectors, axis=1) > 0


def looked(photos: list[EmbeddedPhoto], people: list[int], size: int) -> Looked:
    vectors = np.zeros((len(photos), size), np.float32)
    cues = np.full((len(photos), len(CUES)), np.nan)
    for row, photo in enumerate(photos):
        if photo.faces:
            vectors[row] = photo.faces[0].embedding.vector
            cues[row] = [photo.faces[0].quality.get(name, np.nan) for name in CUES]
    return Looked(vectors, np.array(people), cues)


def rates(first: Looked, second: Looked, threshold: float) -> dict[str, object]:
    """Return the error rates of photos against photos; row i of both is of one person, of which there is one row."""
    there = first.found & second.found
    likeness = first.vectors[there] @ second.vectors[there].T
    same = np.eye(len(likeness), dtype=bool)
    refused = int((likeness[same] < threshold).sum())
    return {
        "fnmr": refused / len(same) if len(same) else None,
        "fnmr_interval": wilson_interval(refused, len(same)).to_list() if len(same) else None,
        "fmr": float((likeness[~same] >= threshold).mean()) if len(same) > 1 else None,
    }


def spoil(data: Path, recognizer: Recognizer, threshold: float, people: int, only: str) -> list[dict[str, object]]:
    folders = [folder for folder in sorted((data / "lfw").iterdir()) if len(list(folder.glob("*.jpg"))) > 1]
    folders = folders[:: max(1, len(folders) // people)][:people]
    pairs = [sorted(folder.glob("*.jpg"))[:2] for folder in folders]
    size = recognizer.contract.embedding_size
    who = list(range(len(pairs)))
    reference = looked(list(recognizer.embed_all([one for one, _ in pairs], faces="center")), who, size)
    images = [read_image(other) for _, other in pairs]
    plans: list[tuple[str, float, Spoiler]] = [("as they are", 0.0, lambda image: image)]
    for name, (spoiler, levels) in SPOILERS.items():
        if only not in name:
            continue
        plans += [(name, level, lambda image, s=spoiler, x=level: s(image, x)) for level in levels]
    rows = []
    for name, level, spoiler in plans:
        outcomes = list(recognizer.embed_all((spoiler(image) for image in images), faces="center"))
        spoiled = looked(outcomes, who, size)
        medians = {cue: round(float(np.nanmedian(np.abs(spoiled.cues[:, at]))), 4) for at, cue in enumerate(CUES)}
        refused = {
            gate: float(np.mean([bool(shortfalls(one.faces[0].quality, gate)) for one in outcomes if one.faces]))
            for gate in ("usable", "standard", "strict")
        }
        rows.append(
            {
                "spoiled": name,
                "level": level,
                "without_a_face": float(1 - spoiled.found.mean()),
                "one_spoiled": rates(reference, spoiled, threshold),
                "both_spoiled_fmr": rates(spoiled, spoiled, threshold)["fmr"],
                "refused": refused,
                "median_cues": medians,
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def photos_of(data: Path) -> dict[str, list[tuple[Path, int]]]:
    """Return the photos of each data set with the number of their person."""
    lfw = [sorted(folder.glob("*.jpg")) for folder in sorted((data / "lfw").iterdir())]
    cfp = sorted((data / "cfp" / "Data" / "Images").iterdir())
    pubfig = [sorted(folder.glob("*.jpg"))[:MOST_PHOTOS] for folder in sorted((data / "pubfig83").iterdir())]
    sets = {
        "LFW": [photos for photos in lfw if len(photos) > 1],
        "CFP frontal": [sorted((folder / "frontal").glob("*.jpg")) for folder in cfp],
        "CFP profile": [sorted((folder / "profile").glob("*.jpg")) for folder in cfp],
        "PubFig83": [photos for photos in pubfig if photos],
    }
    return {
        name: [(path, who) for who, paths in enumerate(folders) for path in paths] for name, folders in sets.items()
    }


def look_at_all(data: Path, recognizer: Recognizer, keep: Path | None) -> dict[str, Looked]:
    """Return what was made of every photo; kept in a file between runs, where one is named."""
    if keep is not None and keep.is_file():
        with np.load(keep) as values:
            names = {key.split("|")[0] for key in values.files}
            return {name: Looked(*(values[f"{name}|{part}"] for part in ("v", "p", "c"))) for name in sorted(names)}
    result = {}
    for name, photos in photos_of(data).items():
        start = time.perf_counter()
        outcomes = recognizer.embed_all([path for path, _ in photos], faces="center")
        result[name] = looked(list(outcomes), [who for _, who in photos], recognizer.contract.embedding_size)
        print(f"{name}: {len(photos)} photos, {time.perf_counter() - start:.0f} s", flush=True)
    if keep is not None:
        np.savez(keep, **{f"{name}|{part}": array for name, one in result.items() for part, array in _parts(one)})
    return result


def _parts(one: Looked) -> list[tuple[str, np.ndarray]]:
    return [("v", one.vectors), ("p", one.people), ("c", one.cues)]


def genuine_pairs(first: Looked, second: Looked | None = None) -> tuple[DoubleArray, IntArray, DoubleArray]:
    """Return similarity (P,), person (P,) and the worse goodness of each cue (P, C) of all genuine pairs with faces."""
    other = first if second is None else second
    goodness, theirs = goodness_of(first.cues), goodness_of(other.cues)
    rows, columns = [], []
    for person in np.unique(first.people):
        mine = np.flatnonzero((first.people == person) & first.found)
        ours = np.flatnonzero((other.people == person) & other.found)
        a, b = np.triu_indices(len(mine), 1) if second is None else np.indices((len(mine), len(ours))).reshape(2, -1)
        rows.append(mine[a])
        columns.append(ours[b])
    i, j = np.concatenate(rows), np.concatenate(columns)
    likeness = np.einsum("pd,pd->p", first.vectors[i].astype(np.float64), other.vectors[j])
    return likeness, first.people[i], np.fmin(goodness[i], theirs[j])


def goodness_of(cues: DoubleArray) -> DoubleArray:
    """Return how good each cue says a photo is: its score before rounding, or the raw value where it has none."""
    columns = []
    for at, cue in enumerate(CUES.values()):
        score = cue.score
        columns.append(cues[:, at] if score is None else np.array([score(value) for value in cues[:, at]]))
    return np.stack(columns, axis=1)


def curve(errors: np.ndarray, people: IntArray, goodness: DoubleArray) -> dict[str, object]:
    """Return the FNMR when shares of the worst pairs are left out, and the interval over people at a tenth."""
    random = np.random.default_rng(0)
    order = np.lexsort((random.random(len(goodness)), goodness))  # equal ones in any order
    wrong, owner = errors[order], people[order]
    count = int(people.max()) + 1
    starts = [round(share * len(wrong)) for share in SHARES]
    falls = []
    for _ in range(RESAMPLES):
        weight = random.multinomial(count, np.full(count, 1 / count)).astype(np.float64)[owner]
        total = np.cumsum(weight)
        left = np.searchsorted(total, 0.1 * total[-1])
        falls.append((weight * wrong)[left:].sum() / weight[left:].sum() / ((weight * wrong).sum() / total[-1]) - 1)
    low, high = np.quantile(falls, [0.025, 0.975])
    return {
        "fnmr": {f"{share:g}": float(wrong[start:].mean()) for share, start in zip(SHARES, starts, strict=True)},
        "change_at_0.1": float(wrong[round(0.1 * len(wrong)) :].mean() / wrong.mean() - 1),
        "interval": [float(low), float(high)],
        "helps": bool(high < 0),
    }


def pair_sets(sets: dict[str, Looked]) -> dict[str, tuple[DoubleArray, IntArray, DoubleArray]]:
    return {
        "LFW": genuine_pairs(sets["LFW"]),
        "CFP frontal-frontal": genuine_pairs(sets["CFP frontal"]),
        "CFP frontal-profile": genuine_pairs(sets["CFP frontal"], sets["CFP profile"]),
        "PubFig83": genuine_pairs(sets["PubFig83"]),
    }


def norms(sets: dict[str, Looked], threshold: float) -> dict[str, object]:
    """Return the pairs and error rates in each range of the feature norm."""
    at = list(CUES).index("feature_norm")
    scale = CUES["feature_norm"].score
    assert scale is not None
    edges = [scale(value) for value in NORMS]
    result: dict[str, object] = {}
    for name, (likeness, _, goodness) in pair_sets(sets).items():
        place = np.digitize(goodness[:, at], edges)
        rows = {}
        for number, low in enumerate(NORMS[:-1], start=1):
            mine = likeness[place == number]
            rows[f"{low:g}"] = {"pairs": len(mine), "fnmr": float((mine < threshold).mean()) if len(mine) else None}
        result[name] = rows
    frontal, profile = sets["CFP frontal"], sets["CFP profile"]
    vectors = np.concatenate([frontal.vectors, profile.vectors])
    people = np.concatenate([frontal.people, profile.people])
    place = np.digitize(np.concatenate([frontal.cues[:, at], profile.cues[:, at]]), NORMS)
    rows = {}
    for number, low in enumerate(NORMS[:-1], start=1):
        mine = np.flatnonzero(place == number)
        upper = np.triu(people[mine][:, None] != people[mine][None], 1)
        matches = (vectors[mine] @ vectors[mine].T)[upper] >= threshold
        rows[f"{low:g}"] = {"pairs": int(upper.sum()), "fmr": float(matches.mean()) if upper.any() else None}
    result["impostors of CFP"] = rows
    return result


def discard(sets: dict[str, Looked], threshold: float) -> dict[str, object]:
    result: dict[str, object] = {}
    for name, (likeness, people, goodness) in pair_sets(sets).items():
        errors = likeness < threshold
        cues = {cue: curve(errors, people, np.nan_to_num(goodness[:, at])) for at, cue in enumerate(CUES)}
        cues["best possible"] = curve(errors, people, likeness)
        cues["by chance"] = curve(errors, people, np.random.default_rng(1).random(len(errors)))
        result[name] = {
            "pairs": len(errors),
            "people": len(np.unique(people)),
            "fnmr": float(errors.mean()),
            "cues": cues,
        }
    return result


def gates(sets: dict[str, Looked], threshold: float) -> dict[str, object]:
    """Return, for each data set and gate, the share of photos refused, by reason, and the FNMR of pairs that pass."""
    result: dict[str, object] = {}
    for name, one in sets.items():
        qualities = [_quality(row) for row in one.cues]
        entry: dict[str, object] = {"photos": len(one.people), "without_a_face": int((~one.found).sum())}
        for gate in GATES:
            refusals = [shortfalls(quality, gate) for quality in qualities]
            passed = np.array([not refusal for refusal in refusals]) & one.found
            reasons: dict[str, int] = {}
            for refusal in refusals:
                for remark in refusal:
                    reasons[remark.reason.value] = reasons.get(remark.reason.value, 0) + 1
            likeness, _, _ = genuine_pairs(Looked(one.vectors * passed[:, None], one.people, one.cues))
            entry[gate] = {
                "refused": float(1 - passed.sum() / max(one.found.sum(), 1)),
                "reasons": reasons,
                "pairs": len(likeness),
                "fnmr": float((likeness < threshold).mean()) if len(likeness) else None,
            }
        result[name] = entry
    return result


def _quality(row: DoubleArray) -> Quality:
    return Quality({cue: value for cue, value in zip(CUES, row.tolist(), strict=True) if np.isfinite(value)})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=["spoil", "discard", "gates", "norms"], required=True)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--only", default="", help="of spoil: what has this word in its name")
    parser.add_argument("--keep", type=Path, help="a file that keeps what was made of the photos for the next run")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    recognizer = Recognizer.load("sface")
    threshold = shipped_calibration(recognizer.contract.id).threshold(FMR).similarity
    if args.part == "spoil":
        numbers: object = spoil(args.data, recognizer, threshold, args.people, args.only)
    else:
        part = {"discard": discard, "gates": gates, "norms": norms}[args.part]
        numbers = part(look_at_all(args.data, recognizer, args.keep), threshold)
    result = {"part": args.part, "fmr": FMR, "threshold": threshold, "result": numbers}
    text = json.dumps({**result, "environment": describe_environment()}, indent=2)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
