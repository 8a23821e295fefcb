"""Slow and obvious versions of the metrics: loops over pairs and thresholds, no sorting, no vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence


def rates(genuine: Sequence[float], impostor: Sequence[float], threshold: float) -> tuple[float, float]:
    """FAR and TAR when a pair is accepted at or above the threshold."""
    far = sum(1 for value in impostor if value >= threshold) / len(impostor)
    tar = sum(1 for value in genuine if value >= threshold) / len(genuine)
    return far, tar


def all_thresholds(genuine: Sequence[float], impostor: Sequence[float]) -> list[float]:
    return [math.inf, *sorted({*genuine, *impostor}, reverse=True)]


def area_by_counting(genuine: Sequence[float], impostor: Sequence[float]) -> float:
    wins = 0.0
    for a in genuine:
        for b in impostor:
            wins += 1.0 if a > b else 0.5 if a == b else 0.0
    return wins / (len(genuine) * len(impostor))


def best_tar_within(genuine: Sequence[float], impostor: Sequence[float], far: float) -> float:
    """The highest TAR of any threshold whose FAR is not above the target."""
    points = [rates(genuine, impostor, threshold) for threshold in all_thresholds(genuine, impostor)]
    return max(tar for achieved, tar in points if achieved <= far + 1e-12)


def nearest_point(genuine: Sequence[float], impostor: Sequence[float], far: float) -> tuple[float, float]:
    """FAR and TAR of the threshold whose FAR is nearest to the target; of equals the lowest threshold."""
    points = [rates(genuine, impostor, threshold) for threshold in all_thresholds(genuine, impostor)]
    return min(reversed(points), key=lambda point: round(abs(point[0] - far), 12))


def accuracies_by_fold(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], genuine: Sequence[bool], fold: Sequence[int]
) -> tuple[list[float], list[float]]:
    """The insightface protocol as described: unit vectors in, accuracy and distance threshold per fold out."""
    distances = [sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a, b in zip(first, second, strict=True)]
    thresholds = [step * 0.01 for step in range(400)]
    accuracies, chosen = [], []
    for test_fold in sorted(set(fold)):
        best, best_accuracy = 0.0, -1.0
        for threshold in thresholds:
            train = [(d < threshold) == g for d, g, f in zip(distances, genuine, fold, strict=True) if f != test_fold]
            if sum(train) / len(train) > best_accuracy:
                best, best_accuracy = threshold, sum(train) / len(train)
        test = [(d < best) == g for d, g, f in zip(distances, genuine, fold, strict=True) if f == test_fold]
        accuracies.append(sum(test) / len(test))
        chosen.append(best)
    return accuracies, chosen


def best_thresholds(scores: Sequence[float], genuine: Sequence[bool]) -> tuple[float, list[float]]:
    """The most right decisions of any threshold (accepted: at or above), and the scores that give it as a threshold."""
    right = {}
    for threshold in [*sorted(set(scores)), math.inf]:
        right[threshold] = sum((value >= threshold) == same for value, same in zip(scores, genuine, strict=True))
    most = max(right.values())
    return most, [threshold for threshold, count in right.items() if count == most]


def sphereface_by_fold(
    rows: Sequence[Sequence[float]], genuine: Sequence[bool], fold: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Accuracy and threshold per fold as SphereFace's script has them, one row of similarities a fold."""
    accuracies, chosen = [], []
    grid = [step / 10_000 for step in range(-10_000, 10_001)]
    for test_fold in sorted(set(fold)):
        pairs = list(zip(rows[test_fold], genuine, fold, strict=True))
        train = [(value, same) for value, same, f in pairs if f != test_fold]
        right = [sum(v > t if same else v < t for v, same in train) for t in grid]
        most = max(right)
        best = [t for t, count in zip(grid, right, strict=True) if count == most]
        threshold = sum(best) / len(best)
        test = [v > threshold if same else v < threshold for v, same, f in pairs if f == test_fold]
        accuracies.append(sum(test) / len(test))
        chosen.append(threshold)
    return accuracies, chosen
