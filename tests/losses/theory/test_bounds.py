"""The bounds against the tables of the papers and against centers placed by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from marginface.errors import InputError
from marginface.losses import CosFace, MarginHead, NormFace
from marginface.losses.normface import smallest_scale
from marginface.losses.theory import (
    adacos_scale,
    bounds,
    loss_bound,
    magface_penalty_bound,
    scale_bound,
    sphereface_margin_bound,
    widest_class_angle,
)


def simplex(classes: int) -> torch.Tensor:
    """C unit vectors in C dimensions whose cosines are all −1/(C − 1)."""
    corners = torch.eye(classes, dtype=torch.float64) - 1 / classes
    return torch.nn.functional.normalize(corners)


@pytest.mark.parametrize(
    ("classes", "scales", "adacos"),
    [
        (10, (1.98, 3.96, 6.11, 8.19, 10.27), 3.11),
        (10_572, (9.26, 11.46, 13.86, 16.17, 18.47), 13.10),
        (85_742, (11.36, 13.56, 15.95, 18.27, 20.57), 16.06),
        (360_232, (12.79, 14.99, 17.39, 19.70, 22.00), 18.09),
        (2_059_906, (14.54, 16.74, 19.13, 21.44, 23.75), 20.56),
    ],
)
def test_the_scales_of_the_table(classes: int, scales: tuple[float, ...], adacos: float) -> None:
    computed = [scale_bound(classes, posterior) for posterior in (0.5, 0.9, 0.99, 0.999, 0.9999)]
    assert computed == pytest.approx(scales, abs=0.0051)
    assert adacos_scale(classes) == pytest.approx(adacos, abs=0.0051)


@pytest.mark.parametrize(
    ("classes", "margin", "posterior"), [(2, 0.0, 0.6), (4, 0.0, 0.9), (6, 0.35, 0.99), (9, 0.9, 0.6)]
)
def test_at_the_bound_a_perfect_feature_on_a_simplex_has_the_posterior(
    classes: int, margin: float, posterior: float
) -> None:
    scale = scale_bound(classes, posterior, perfect=1 - margin)
    head = MarginHead(classes, classes, margin=CosFace(margin), scale=scale).double()
    with torch.no_grad():
        head.centers.copy_(simplex(classes))
    loss = head(simplex(classes), torch.arange(classes)).item()
    assert math.exp(-loss) == pytest.approx(posterior, rel=1e-6)


def test_with_centers_at_90_degrees_the_bound_divides_by_one_minus_m() -> None:
    expected = math.log(999 * 0.9 / 0.1) / 0.65
    assert scale_bound(1000, 0.9, perfect=0.65, other=0.0) == pytest.approx(expected)


def test_a_margin_without_room_needs_an_infinite_scale_and_a_posterior_below_chance_none() -> None:
    assert scale_bound(10, 0.9, perfect=-0.2) == math.inf
    assert scale_bound(10, 0.1) == pytest.approx(0, abs=1e-12)
    assert scale_bound(10, 0.05) == 0


def test_the_loss_bound_is_the_loss_on_a_simplex_and_the_smallest_scale_its_inverse() -> None:
    head = MarginHead(7, 7, margin=NormFace(), scale=4.0).double()
    with torch.no_grad():
        head.centers.copy_(simplex(7))
    assert head(simplex(7), torch.arange(7)).item() == pytest.approx(loss_bound(7, 4.0), rel=1e-6)
    for classes in (10, 10_572):
        assert loss_bound(classes, smallest_scale(classes, 1e-4)) == pytest.approx(1e-4, rel=1e-9)
    assert scale_bound(10_572, math.exp(-1e-4)) == pytest.approx(smallest_scale(10_572), rel=1e-12)


@pytest.mark.parametrize(("classes", "margin"), [(3, 1.5), (4, 1.0), (5, 0.691), (8, 0.293), (10, 0.191), (20, 0.049)])
def test_the_largest_margins_of_cosface_in_the_plane(classes: int, margin: float) -> None:
    assert 1 - math.cos(widest_class_angle(classes, 2)) == pytest.approx(margin, abs=5e-4)


@pytest.mark.parametrize(("classes", "size"), [(2, 1), (2, 512), (4, 3), (5, 4), (5, 100)])
def test_up_to_one_class_more_than_dimensions_the_simplex_is_the_bound(classes: int, size: int) -> None:
    assert 1 - math.cos(widest_class_angle(classes, size)) == pytest.approx(classes / (classes - 1))


def nearest(points: np.ndarray) -> float:
    """Return the least angle between two of these points."""
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    return min(math.acos(float(np.clip(a @ b, -1, 1))) for a, b in itertools.combinations(unit, 2))


def icosahedron() -> np.ndarray:
    golden = (1 + math.sqrt(5)) / 2
    corners = [(0, a, b * golden) for a in (1, -1) for b in (1, -1)]
    return np.array([np.roll(corner, turn) for corner in corners for turn in range(3)], dtype=np.float64)


def test_the_bound_in_space_is_met_by_octahedron_and_icosahedron() -> None:
    octahedron = np.concatenate([np.eye(3), -np.eye(3)])
    assert widest_class_angle(6, 3) == pytest.approx(nearest(octahedron))
    assert widest_class_angle(12, 3) == pytest.approx(nearest(icosahedron()))


@pytest.mark.parametrize(("classes", "size"), [(5, 2), (5, 3), (9, 3), (30, 3), (7, 5), (10, 5), (40, 6), (3, 1)])
def test_no_random_placing_beats_the_bound(classes: int, size: int) -> None:
    generator = np.random.default_rng(classes + size)
    best = max(nearest(generator.standard_normal((classes, size))) for _ in range(200))
    assert best <= widest_class_angle(classes, size) + 1e-9
    if size > 3 and classes <= 2 * size:
        axes = np.concatenate([np.eye(size), -np.eye(size)])[:classes]
        assert nearest(axes) == pytest.approx(widest_class_angle(classes, size))


def test_the_bounds_of_sphereface_and_magface() -> None:
    assert sphereface_margin_bound(2) == pytest.approx(3.732, abs=1e-3)
    assert sphereface_margin_bound(1000) == 3
    assert magface_penalty_bound(64.0) == pytest.approx(22.59, abs=0.005)
    assert 20 < magface_penalty_bound(64.0) < 35  # the two values of the public code, on both sides


def test_the_penalty_of_magface_is_where_the_loss_is_no_longer_falling_at_the_largest_norm() -> None:
    """−s·cos(θ + m(a)) can fall by at most s·K per norm; λ·g has to rise against it, K = m'(a), g = a/u² + 1/a."""
    scale, low, high = 64.0, 10.0, 110.0
    slope = (0.8 - 0.45) / (high - low)
    penalty_slope = 1 / high**2 - 1 / low**2  # of g at the least norm, where it is steepest
    assert scale * slope + magface_penalty_bound(scale) * penalty_slope == pytest.approx(0, abs=1e-12)


def test_all_bounds_come_with_meaning_and_source() -> None:
    rows = bounds(10_572, 512, 0.99, margin=0.35)
    values = {(row.name, row.meaning.split("; ")[-1]): row.value for row in rows}
    assert values[("scale", "no margin, centers on a simplex")] == pytest.approx(13.86, abs=0.005)
    assert values[("scale of cosface", "m = 0.35, centers at 90°")] == pytest.approx(21.32, abs=0.005)
    assert all(row.meaning and row.source and row.side in {"at least", "at most", "is"} for row in rows)
    assert len(bounds(2, 2, 0.9)) == len(rows) - 3  # no margin asked for, and AdaCos has no scale for two classes


def test_the_bounds_of_ten_classes_in_eight_dimensions_by_hand() -> None:
    """The logarithm of 9·0.9/0.1 over 10/9, 0.65 + 1/9 and 0.65; the nearest two of ten centers are at 90° at most."""
    rows = bounds(10, 8, 0.9, margin=0.35, scale=10.0)
    wanted = [3.955, 5.773, 6.761, 1.0, 1.5708, 3.0, 3.5292, 1.345e-4, 3.1074]
    assert [row.value for row in rows] == pytest.approx(wanted, rel=2e-4)
    assert [row.side for row in rows] == ["at least"] * 3 + ["at most"] * 2 + ["at least"] * 3 + ["is"]
    for wrong in ({"scale": 0.0}, {"scale": math.inf}, {"margin": -0.01}, {"margin": 2.01}):
        with pytest.raises(InputError, match="got"):
            bounds(10, 8, 0.9, **wrong)
    assert bounds(10, 8, 0.9, margin=0.0)[1].value == bounds(10, 8, 0.9)[0].value
    assert bounds(10, 8, 0.9, margin=2.0)[1].value == math.inf


@pytest.mark.parametrize(
    "call",
    [
        lambda: scale_bound(1, 0.9),
        lambda: scale_bound(10, 1.0),
        lambda: scale_bound(10, 0.0),
        lambda: loss_bound(1, 4.0),
        lambda: loss_bound(10, 0.0),
        lambda: loss_bound(10, math.inf),
        lambda: widest_class_angle(1, 2),
        lambda: widest_class_angle(3, 0),
        lambda: sphereface_margin_bound(1),
        lambda: adacos_scale(2),
        lambda: magface_penalty_bound(64.0, norms=(110.0, 10.0)),
        lambda: magface_penalty_bound(0.0),
        lambda: magface_penalty_bound(-1.0),
    ],
)
def test_a_value_out_of_range_is_refused(call) -> None:
    with pytest.raises(InputError, match="got"):
        call()
