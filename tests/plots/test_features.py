from __future__ import annotations

import base64
import io
import math
import re

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")

from marginface.errors import InputError
from marginface.plots import render
from marginface.plots.features import CAPTION, HEAD, FeaturePicture, _apart, class_style, feature_figure, loss_figure


def picture(size: int = 2, names: tuple[str, ...] = ("0", "1", "2")) -> FeaturePicture:
    random = np.random.default_rng(0)
    labels = np.arange(60) % len(names)
    centers = random.normal(size=(len(names), size)).astype(np.float32)
    features = (centers[labels] + 0.1 * random.normal(size=(60, size))).astype(np.float32)
    return FeaturePicture(features, labels, centers, names)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize(("size", "rows"), [(2, 3), (3, 4)])
def test_a_column_for_each_loss_and_a_new_line_of_them_when_they_are_many(size: int, rows: int) -> None:
    pictures = {f"loss {place}": picture(size) for place in range(3)}
    figure = feature_figure(pictures, pictures, columns=2)
    assert len(figure.axes) == 2 * rows * 2
    assert [axes.get_title() for axes in figure.axes if axes.get_title()] == list(pictures)
    assert render(figure, "png").startswith(b"\x89PNG")
    assert len(loss_figure(picture(size), picture(size)).axes) == rows


def test_the_name_of_a_loss_has_room_below_the_lines_above_it() -> None:
    pictures = {f"loss {place}": picture() for place in range(3)}
    figure = feature_figure(pictures, pictures, columns=2)
    height = figure.get_size_inches()[1]
    above, heading = figure.axes[4].get_position(), figure.axes[6].get_position()
    assert (above.y0 - heading.y1) * height == pytest.approx(CAPTION + HEAD)
    assert (1 - figure.axes[0].get_position().y1) * height == pytest.approx(HEAD)
    assert min(axes.get_position().y0 for axes in figure.axes) * height >= CAPTION - 1e-9


def test_long_names_get_a_letter_and_a_legend() -> None:
    people = ("Ann Able", "Bob Best", "Cy Cole")
    figure = feature_figure({"softmax": picture(names=people)}, {"softmax": picture(names=people)})
    assert {"A", "B", "C"} <= set(texts(figure))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["A  Ann Able", "B  Bob Best", "C  Cy Cole"]
    assert feature_figure({"softmax": picture()}, {"softmax": picture()}).legends == []


def test_the_points_of_every_class_are_seen_in_the_svg_however_small() -> None:
    random, labels = np.random.default_rng(0), np.arange(1400) % 10
    angles = labels * math.tau / 10 + 0.03 * random.normal(size=1400)
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    shown = FeaturePicture(features, labels, features[:10], tuple("0123456789"))
    drawn = re.findall(rb"data:image/png;base64,([^\"]+)", render(loss_figure(shown, shown)))
    assert len(drawn) == 3  # the plane, and the circle twice
    for panel in drawn:
        image = Image.open(io.BytesIO(base64.b64decode(panel)))
        assert len(clusters(np.asarray(image.convert("RGBA"))[..., 3] > 0)) == 10


def clusters(seen: np.ndarray) -> set[int]:
    """Return the tenths of a turn around the middle of a picture in which something is drawn."""
    rows, columns = np.nonzero(seen)
    turn = np.arctan2(rows - seen.shape[0] / 2, columns - seen.shape[1] / 2) / math.tau
    return set(np.round(turn * 10).astype(int) % 10)


def test_the_plane_shows_every_feature_where_it_is() -> None:
    shown = picture()
    axes = loss_figure(shown, shown).axes[0]
    drawn = np.concatenate([np.asarray(points.get_offsets()) for points in axes.collections])
    expected = np.concatenate([shown.features[shown.labels == label] for label in range(3)])
    np.testing.assert_allclose(drawn, expected, atol=1e-6)
    assert max(map(abs, axes.get_xlim())) > np.linalg.norm(shown.features, axis=1).max()


def test_both_sides_of_the_sphere_together_show_every_feature_once() -> None:
    shown = picture(3)
    front, back = loss_figure(shown, shown).axes[:2]
    seen = [
        np.isfinite(np.concatenate([np.ma.filled(points.get_offsets(), np.nan) for points in axes.collections])[:, 0])
        for axes in (front, back)
    ]
    np.testing.assert_array_equal(seen[0], ~seen[1])


def test_ten_classes_differ_in_color_and_in_marker() -> None:
    styles = [class_style(label) for label in range(10)]
    assert len({style["color"] for style in styles}) == 10
    assert len({style["marker"] for style in styles}) == 10


def test_keys_are_pushed_apart_and_stay_in_order() -> None:
    angles = np.array([0.0, 0.01, -0.02, 3.0, math.pi - 1e-3, -math.pi + 1e-3])
    moved = _apart(angles, math.radians(17))
    around = np.sort(np.mod(moved, math.tau))
    steps = np.diff(np.append(around, around[0] + math.tau))
    assert steps.min() > math.radians(16.5)
    np.testing.assert_array_equal(np.argsort(moved[:4]), np.argsort(angles[:4]))


def test_the_same_features_give_the_same_bytes() -> None:
    first, second = (render(feature_figure({"x": picture()}, {"x": picture()}), "svg") for _ in range(2))
    assert first == second


def test_four_dimensions_and_missing_centers_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(N, 2\) or \(N, 3\)"):
        picture(4)
    with pytest.raises(InputError, match="a center for each name"):
        FeaturePicture(np.ones((2, 2), np.float32), np.array([0, 1]), np.ones((1, 2), np.float32), ("0", "1"))
