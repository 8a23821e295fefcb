from __future__ import annotations

import math

import numpy as np
import pytest

from marginface.errors import InputError
from marginface.metrics import class_geometry, pairwise_angles


def by_the_definition(features: np.ndarray, labels: np.ndarray, classes: int) -> tuple[list[float], list[float]]:
    """Spread and gap of each class, one feature at a time."""
    directions, angles = [], []
    for label in range(classes):
        own = [feature / math.sqrt(sum(x * x for x in feature)) for feature in features[labels == label]]
        mean = sum(own) / len(own)
        direction = mean / math.sqrt(float(mean @ mean))
        directions.append(direction)
        angles.append([math.acos(min(1.0, max(-1.0, float(unit @ direction)))) for unit in own])
    spread = [math.sqrt(sum(angle**2 for angle in own) / len(own)) for own in angles]
    reach = [float(np.quantile(own, 0.95)) for own in angles]
    gap = [
        min(math.acos(float(directions[i] @ directions[j])) - reach[i] - reach[j] for j in range(classes) if j != i)
        for i in range(classes)
    ]
    return spread, gap


@pytest.mark.parametrize("size", [2, 3, 5])
def test_spread_and_gap_are_those_of_the_definition(size: int) -> None:
    random = np.random.default_rng(size)
    labels = np.arange(60) % 4
    features = random.normal(size=(4, size))[labels] + 0.2 * random.normal(size=(60, size))
    geometry = class_geometry(features, labels, 4)
    spread, gap = by_the_definition(features, labels, 4)
    np.testing.assert_allclose(geometry.spread, spread, atol=1e-7)
    np.testing.assert_allclose(geometry.gap, gap, atol=1e-7)


def test_lengths_and_rotations_change_nothing() -> None:
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(30, 2)) + np.array([3, 1]), np.arange(30) % 2
    turn = np.array([[math.cos(1.0), -math.sin(1.0)], [math.sin(1.0), math.cos(1.0)]])
    first = class_geometry(features, labels, 2)
    second = class_geometry((features * random.uniform(0.1, 9, (30, 1))) @ turn, labels, 2)
    np.testing.assert_allclose(first.spread, second.spread, atol=1e-12)
    np.testing.assert_allclose(first.gap, second.gap, atol=1e-12)


def test_the_gap_falls_below_zero_where_classes_overlap() -> None:
    angles = np.radians([0.0, 20, 10, 30, 180, 181])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    gap = class_geometry(features, np.array([0, 0, 1, 1, 2, 2]), 3).gap
    assert gap[0] < 0
    assert gap[1] < 0
    assert gap[2] > math.radians(140)


def test_small_angles_keep_their_digits() -> None:
    """arccos of a float64 cosine cannot tell 1e-9 from 0."""
    assert pairwise_angles(np.array([[1.0, 0.0], [1.0, 1e-9]]))[0, 1] == pytest.approx(1e-9, rel=1e-6)


def test_what_was_given_stays_as_it_was_and_what_comes_back_is_frozen() -> None:
    features = np.array([[3.0, 0.0], [0.0, 4.0]])
    geometry = class_geometry(features, np.array([0, 1]), 2)
    np.testing.assert_array_equal(features, [[3.0, 0.0], [0.0, 4.0]])
    with pytest.raises(ValueError, match="read-only"):
        geometry.gap[0] = 1


@pytest.mark.parametrize(
    ("features", "labels", "classes", "message"),
    [
        (np.ones((2, 2)), np.array([0, 0]), 2, r"classes \[1\] have none"),
        (np.ones((2, 2)), np.array([0]), 2, "a label for each feature"),
        (np.ones((2, 2)), np.array([0, 0]), 1, "two classes or more"),
        (np.zeros((2, 2)), np.array([0, 1]), 2, "has no direction"),
        (np.ones(2), np.array([0, 1]), 2, r"\(N, D\)"),
    ],
)
def test_what_has_no_geometry_is_refused(features: np.ndarray, labels: np.ndarray, classes: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        class_geometry(features, labels, classes)
