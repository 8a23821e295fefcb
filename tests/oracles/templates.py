"""Templates, 1:1 and 1:N written out: dictionaries and loops, straight from the official files, no code of ours."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Vector = list[float]


def unit(vector: Sequence[float]) -> Vector:
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector]


def pooled(
    meta: Path, prefix: str, feature: Callable[[str], Sequence[float]], *, keep_length: bool, by_detection: bool
) -> dict[int, Vector]:
    """Official template number → its unit vector: mean within a media, sum over media."""
    score = {}
    for line in (meta / f"{prefix}_name_5pts_score.txt").read_text().splitlines():
        words = line.split()
        score[words[0]] = float(words[-1])
    images: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for line in (meta / f"{prefix}_face_tid_mid.txt").read_text().splitlines():
        name, template, media = line.split()
        images[int(template)][int(media)].append(name)
    templates = {}
    for template, by_media in images.items():
        total: Vector = []
        for names in by_media.values():
            vectors = []
            for name in names:
                vector = list(feature(name)) if keep_length else unit(feature(name))
                vectors.append([value * score[name] for value in vector] if by_detection else vector)
            mean = [sum(column) / len(names) for column in zip(*vectors, strict=True)]
            total = [a + b for a, b in zip(total, mean, strict=True)] if total else mean
        templates[template] = unit(total)
    return templates


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def pair_scores(meta: Path, prefix: str, templates: Mapping[int, Vector]) -> tuple[list[float], list[float]]:
    """Similarities of the genuine and of the impostor pairs, in the order of the file."""
    scores: tuple[list[float], list[float]] = ([], [])
    for line in (meta / f"{prefix}_template_pair_label.txt").read_text().splitlines():
        first, second, label = (int(word) for word in line.split())
        scores[0 if label else 1].append(dot(templates[first], templates[second]))
    return scores


def searched(
    meta: Path, prefix: str, gallery: str, templates: Mapping[int, Vector]
) -> tuple[list[tuple[float, int]], list[float]]:
    """(similarity, rank) of each mated probe of a gallery, and the best similarity of each other one."""
    entries, probes = (_people(meta / f"{prefix}_1N_{name}.csv") for name in (f"gallery_{gallery}", "probe_mixed"))
    mated, nonmated = [], []
    for probe, person in probes.items():
        scores = {other: dot(templates[probe], templates[entry]) for entry, other in entries.items()}
        if person in scores:
            own = scores[person]
            mated.append((own, 1 + sum(1 for other, value in scores.items() if other != person and value >= own)))
        else:
            nonmated.append(max(scores.values()))
    return mated, nonmated


def _people(path: Path) -> dict[int, int]:
    with path.open(newline="") as lines:
        return {int(row["TEMPLATE_ID"]): int(row["SUBJECT_ID"]) for row in csv.DictReader(lines)}
