"""All pairs, searches among distractors and searches with several right answers, written out as loops."""

from __future__ import annotations

from collections.abc import Sequence

Vector = Sequence[float]


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def every_pair(
    vectors: Sequence[Vector | None], people: Sequence[object], sides: Sequence[bool] | None = None
) -> tuple[list[float], list[float]]:
    """Similarities of the genuine and of the impostor pairs; −1 where a photo has no face (None)."""
    scores: tuple[list[float], list[float]] = ([], [])
    for i in range(len(vectors)):
        for j in range(i + 1, len(vectors)):
            if sides is None or sides[i] != sides[j]:
                a, b = vectors[i], vectors[j]
                value = -1.0 if a is None or b is None else dot(a, b)
                scores[0 if people[i] == people[j] else 1].append(value)
    return scores


def shares_among(
    probes: Sequence[Vector | None], people: Sequence[object], distractors: Sequence[Vector | None], rank: int
) -> float:
    """Of every ordered pair of photos of a person: how often is the enrolled one within the rank among distractors?"""
    hits = searches = 0
    for i in range(len(probes)):
        for j in range(len(probes)):
            if i == j or people[i] != people[j]:
                continue
            searches += 1
            a, b = probes[i], probes[j]
            if a is None or b is None:
                continue
            own = dot(a, b)
            before = sum(1 for other in distractors if other is not None and dot(a, other) >= own)
            hits += before + 1 <= rank
    return hits / searches


def impostors_among(probes: Sequence[Vector | None], distractors: Sequence[Vector | None]) -> list[float]:
    return [-1.0 if a is None or b is None else dot(a, b) for a in probes for b in distractors]


def area_under_precision(
    probe: Vector | None, person: object, gallery: Sequence[Vector | None], people: Sequence[object]
) -> tuple[float, int]:
    """Average precision by walking down the list, trapezoid by trapezoid, and the rank of the first mate (0: none).

    An entry of another person that is as similar as a mate stands before it; a mate without a face is never met.
    """
    mates = sum(1 for name in people if name == person)
    if probe is None:
        return 0.0, 0
    listed = [(dot(probe, vector), name == person) for vector, name in zip(gallery, people, strict=True) if vector]
    listed.sort(key=lambda entry: (-entry[0], entry[1]))
    area, met, first = 0.0, 0, 0
    recall, precision = 0.0, 1.0
    for place, (_, is_mate) in enumerate(listed, 1):
        if is_mate:
            met += 1
            first = first or place
        now = met / place
        area += (met / mates - recall) * (now + precision) / 2
        recall, precision = met / mates, now
    return area, first
