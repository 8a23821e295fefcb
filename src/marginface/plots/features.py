"""Pictures of features in two and three dimensions: in the plane, on the circle, on the sphere, with the class centers.

A class has one color and one marker everywhere, and its key stands beside it: nothing hangs on color alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from marginface.errors import InputError
from marginface.plots.style import COLORS, GRID, INK, new_figure
from marginface.values import DoubleArray, FloatArray, IntArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLASS_COLORS = (*COLORS, "#882255", "#999933", "#7b8794")  # three more, told apart from those and from each other
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "<", ">", "p", "h", "*")
PANEL, CAPTION, HEAD, LEGEND_LINE = 2.7, 0.26, 0.3, 0.2  # inches
SECTOR = 95.0  # percent of a class inside its arc
VIEW = (0.72, 0.48, 0.50)  # from where the sphere is seen first; the second look is from the opposite side
_INNER, _ARC, _LABEL = 0.86, (1.05, 1.10), 1.27  # radii on the circle of features: inner edge, arcs, labels


@dataclass(frozen=True, slots=True, eq=False)
class FeaturePicture:
    """Features (N, D) with D = 2 or 3 and labels (N,), class centers (C, D), and the name of each class."""

    features: FloatArray
    labels: IntArray
    centers: FloatArray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        size = self.features.shape[-1]
        if self.features.ndim != 2 or size not in (2, 3) or self.centers.shape != (len(self.names), size):
            raise InputError(
                f"a picture is of features (N, 2) or (N, 3) and a center for each name; got {self.features.shape}, "
                f"{self.centers.shape} and {len(self.names)} names"
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """Return what stands in the picture for each class: short names themselves, else A, B, C …, 27, 28 …."""
        if all(len(name) <= 2 for name in self.names):
            return self.names
        return tuple(chr(ord("A") + place) if place < 26 else str(place + 1) for place in range(len(self.names)))


Draw = Callable[["Axes", FeaturePicture], None]


def feature_figure(
    pictures: Mapping[str, FeaturePicture], held_out: Mapping[str, FeaturePicture], *, columns: int = 5
) -> Figure:
    """Draw one column per loss, by name, and below each other what there is to see of it.

    In two dimensions: the features in the plane as the network gives them, their directions on the circle, and the
    directions of the held-out features. In three: both sides of the sphere, of the training and the held-out features.
    More losses than ``columns`` continue below.
    """
    names = list(pictures)
    across = min(columns, len(names))
    blocks = [names[start : start + across] for start in range(0, len(names), across)]
    first = pictures[names[0]]
    rows = _rows(first.features.shape[1])
    figure, grid = _grid(len(blocks) * len(rows), across, block=len(rows), legend=_legend_lines(first, across))
    for number, line in enumerate(grid):
        title, is_held_out, draw = rows[number % len(rows)]
        for panel, name in zip(line, blocks[number // len(rows)], strict=False):
            draw(panel, (held_out if is_held_out else pictures)[name])
            _title(panel, name if number % len(rows) == 0 else "", title)
    _legend(figure, first, across)
    return figure


def loss_figure(picture: FeaturePicture, held_out: FeaturePicture) -> Figure:
    """Draw what there is to see of one loss, side by side; see feature_figure."""
    rows = _rows(picture.features.shape[1])
    figure, (line,) = _grid(1, len(rows), head=0.0)
    for panel, (title, is_held_out, draw) in zip(line, rows, strict=True):
        draw(panel, held_out if is_held_out else picture)
        _title(panel, "", title)
    return figure


def _grid(
    rows: int, columns: int, *, block: int = 1, head: float = HEAD, legend: int = 0
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure of square panels without axes in rows, a head above each block, and lines of a legend below."""
    width = columns * PANEL
    height = rows * (PANEL + CAPTION) + head * math.ceil(rows / block) + legend * LEGEND_LINE
    figure, panels = new_figure(rows * columns, columns=columns, width=width, height=height)
    figure.set_layout_engine("none")
    for place, panel in enumerate(panels):
        row, column = divmod(place, columns)
        bottom = height - head * (row // block + 1) - (row + 1) * PANEL - row * CAPTION
        panel.set_position((column / columns, bottom / height, 1 / columns, PANEL / height))
        panel.set_axis_off()
        panel.set_aspect("equal")
    return figure, [panels[start : start + columns] for start in range(0, rows * columns, columns)]


def _names_across(columns: int) -> int:
    return max(columns, 2)


def _legend_lines(picture: FeaturePicture, columns: int) -> int:
    return 0 if picture.keys == picture.names else math.ceil(len(picture.names) / _names_across(columns)) + 1


def _legend(figure: Figure, picture: FeaturePicture, columns: int) -> None:
    """Say below which key is whom, unless the keys are the names."""
    if picture.keys == picture.names:
        return
    from matplotlib.lines import Line2D

    pairs = enumerate(zip(picture.keys, picture.names, strict=True))
    handles = [
        Line2D([], [], linestyle="", label=f"{key}  {name}", **class_style(place)) for place, (key, name) in pairs
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        ncols=_names_across(columns),
        fontsize=8,
        frameon=False,
        labelcolor=INK,
        borderaxespad=0.3,
    )


def class_style(label: int) -> dict[str, Any]:
    """Return the color and the marker of a class."""
    return {"color": CLASS_COLORS[label % len(CLASS_COLORS)], "marker": MARKERS[label % len(MARKERS)]}


def _rows(size: int) -> list[tuple[str, bool, Draw]]:
    if size == 2:
        return [
            ("features in the plane, training images", False, _draw_plane),
            ("directions, training images", False, _draw_circle),
            ("directions, held-out images", True, _draw_circle),
        ]
    return [
        ("sphere, training images", False, _draw_front),
        ("the other side", False, _draw_back),
        ("sphere, held-out images", True, _draw_front),
        ("the other side, held-out", True, _draw_back),
    ]


def _title(panel: Axes, name: str, what: str) -> None:
    if name:
        panel.set_title(name, color=INK, fontsize=10, fontweight="bold", pad=4)
    panel.text(0.5, 0.0, what, transform=panel.transAxes, ha="center", va="top", fontsize=8, color=INK)


def _draw_plane(panel: Axes, picture: FeaturePicture) -> None:
    """Draw the features as they are, and the class centers as rays of one length."""
    points = picture.features.astype(np.float64)
    reach = float(np.linalg.norm(points, axis=1).max())
    for angle in (0, math.pi / 2):
        panel.plot(*_ray(angle, -1.2 * reach, 1.2 * reach), color=GRID, linewidth=0.8, zorder=0)
    _scatter(panel, picture, points, size=1.0)
    angles = _angles_of(picture.centers)
    for label, angle in enumerate(angles.tolist()):
        panel.plot(*_ray(angle, 0, 1.08 * reach), color=class_style(label)["color"], linewidth=1.1, zorder=3)
    _keys(panel, picture, angles, 1.2 * reach)
    _limits(panel, 1.32 * reach)
    length = f"longest {reach:.3g}"
    panel.text(0.98, 0.03, length, transform=panel.transAxes, ha="right", fontsize=6.5, color="#52606d")


def _draw_circle(panel: Axes, picture: FeaturePicture) -> None:
    """Draw the directions in a ring, the arc that holds 95 % of each class, and the class centers as rays.

    Within the ring the distance from the middle means nothing: it keeps the points apart.
    """
    directions = _directions(picture.features)
    jitter = _INNER + (1 - _INNER) * ((np.arange(len(directions)) * 0.618034) % 1)
    _scatter(panel, picture, directions * jitter[:, None], size=0.8)
    turn = np.linspace(0, math.tau, 200)
    for radius in (_INNER - 0.02, 1.02):
        panel.plot(radius * np.cos(turn), radius * np.sin(turn), color=GRID, linewidth=0.8, zorder=0)
    middles = np.array([_middle(directions[picture.labels == label]) for label in range(len(picture.keys))])
    order = np.argsort(np.argsort(middles))
    for label, angle in enumerate(_angles_of(picture.centers).tolist()):
        color = class_style(label)["color"]
        panel.plot(*_ray(angle, 0, _INNER - 0.02), color=color, linewidth=1.1, zorder=3)
        half = _half_sector(directions[picture.labels == label], float(middles[label]))
        arc = np.linspace(middles[label] - half, middles[label] + half, 60)
        radius = _ARC[int(order[label]) % 2]
        panel.plot(radius * np.cos(arc), radius * np.sin(arc), color=color, linewidth=2.4, solid_capstyle="butt")
    _keys(panel, picture, middles, _LABEL)
    _limits(panel, 1.4)


def _draw_front(panel: Axes, picture: FeaturePicture) -> None:
    _draw_sphere(panel, picture, np.array(VIEW))


def _draw_back(panel: Axes, picture: FeaturePicture) -> None:
    _draw_sphere(panel, picture, -np.array(VIEW))


def _draw_sphere(panel: Axes, picture: FeaturePicture, towards: DoubleArray) -> None:
    """Draw the half of the sphere that is seen from a direction, without perspective."""
    camera = _camera(towards)
    for line in _graticule():
        seen = line @ camera.T
        shown = np.where(seen[:, 2:] > 0, seen[:, :2], np.nan)
        panel.plot(shown[:, 0], shown[:, 1], color=GRID, linewidth=0.6, zorder=0)
    turn = np.linspace(0, math.tau, 200)
    panel.plot(np.cos(turn), np.sin(turn), color="#9aa5b1", linewidth=0.9, zorder=1)
    seen = _directions(picture.features) @ camera.T
    points = np.where(seen[:, 2:] > 0, seen[:, :2], np.nan)
    _scatter(panel, picture, points, size=1.0)
    centers = _directions(picture.centers) @ camera.T
    for label, (x, y, depth) in enumerate(centers.tolist()):
        if depth > 0:
            panel.plot([x], [y], "*", color=class_style(label)["color"], markersize=11, zorder=4, **_OUTLINE)
            away = np.array([x, y]) - np.nan_to_num(points[picture.labels == label]).mean(axis=0)
            away = away / np.linalg.norm(away) if np.linalg.norm(away) > 0.03 else np.array([0.0, 1.0])
            _key(panel, picture.keys[label], label, *(np.array([x, y]) + 0.16 * away).tolist())
    _limits(panel, 1.2)


_OUTLINE: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.8}


def _camera(towards: DoubleArray) -> DoubleArray:
    """Return the rotation (3, 3) whose rows are right, up and towards the eye."""
    eye = towards / np.linalg.norm(towards)
    right = np.cross([0.0, 0.0, 1.0], eye)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(eye, right), eye])


def _graticule() -> list[DoubleArray]:
    """Return circles of latitude and meridians, every 30°, as points (200, 3)."""
    turn = np.linspace(0, math.tau, 200)
    latitudes = [
        np.stack([math.cos(a) * np.cos(turn), math.cos(a) * np.sin(turn), np.full(200, math.sin(a))], axis=1)
        for a in np.radians([-60, -30, 0, 30, 60]).tolist()
    ]
    meridians = [
        np.stack([math.cos(a) * np.cos(turn), math.sin(a) * np.cos(turn), np.sin(turn)], axis=1)
        for a in np.radians(np.arange(0, 180, 30)).tolist()
    ]
    return [*latitudes, *meridians]


def _scatter(panel: Axes, picture: FeaturePicture, points: DoubleArray, *, size: float) -> None:
    """Draw the points of every class in its style, the larger the fewer there are."""
    area = size * min(max(4000 / len(points), 5.0), 16.0)
    for label in range(len(picture.keys)):
        own = points[picture.labels == label]
        style = class_style(label)
        panel.scatter(
            own[:, 0],
            own[:, 1],
            s=area,
            c=style["color"],
            marker=style["marker"],
            alpha=0.55,
            linewidths=0,
            zorder=2,
            rasterized=True,
        )


def _keys(panel: Axes, picture: FeaturePicture, angles: DoubleArray, radius: float) -> None:
    """Write the key of each class near its angle, moved along the circle where two would overlap."""
    for label, angle in enumerate(_apart(angles, math.radians(17)).tolist()):
        _key(panel, picture.keys[label], label, radius * math.cos(angle), radius * math.sin(angle))


def _key(panel: Axes, text: str, label: int, x: float, y: float) -> None:
    from matplotlib.patheffects import withStroke

    panel.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=8.5,
        fontweight="bold",
        color=class_style(label)["color"],
        zorder=5,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


def _apart(angles: DoubleArray, least: float) -> DoubleArray:
    """Return the angles, pushed along the circle until neighbors are ``least`` apart, as far as there is room."""
    least = min(least, math.tau / len(angles))
    order = np.argsort(angles)
    moved = angles[order].copy()
    for _ in range(200):
        step = np.diff(np.append(moved, moved[0] + math.tau))
        lack = np.maximum(least - step, 0)
        if lack.max() < 1e-3:
            break
        moved += 0.5 * (np.roll(lack, 1) - lack)
    result = np.empty_like(moved)
    result[order] = moved
    return result


def _directions(features: FloatArray) -> DoubleArray:
    wide = features.astype(np.float64)
    return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12))


def _angles_of(vectors: FloatArray | DoubleArray) -> DoubleArray:
    return np.arctan2(vectors[:, 1].astype(np.float64), vectors[:, 0].astype(np.float64))


def _middle(directions: DoubleArray) -> float:
    mean = directions.mean(axis=0)
    return math.atan2(mean[1], mean[0])


def _half_sector(directions: DoubleArray, middle: float) -> float:
    """Return the angle around the middle within which 95 % of the directions are."""
    turned = np.mod(_angles_of(directions) - middle + math.pi, math.tau) - math.pi
    return float(np.percentile(np.abs(turned), SECTOR))


def _ray(angle: float, start: float, end: float) -> tuple[list[float], list[float]]:
    return [start * math.cos(angle), end * math.cos(angle)], [start * math.sin(angle), end * math.sin(angle)]


def _limits(panel: Axes, reach: float) -> None:
    panel.set_xlim(-reach, reach)
    panel.set_ylim(-reach, reach)
