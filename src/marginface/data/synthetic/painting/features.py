"""Eyes, brows, nose and mouth of a drawn face."""

from __future__ import annotations

import math

import numpy as np

from marginface.data.synthetic.canvas import Canvas, smooth
from marginface.data.synthetic.identity import DrawnIdentity, FaceShape
from marginface.data.synthetic.nuisance import Expression
from marginface.data.synthetic.painting.surface import ellipse, mixed, on_face, scaled
from marginface.values import DoubleArray

_TURN = np.linspace(0, math.pi, 9)


def paint_eye(canvas: Canvas, identity: DrawnIdentity, expression: Expression, side: int) -> None:
    """Paint one eye: white, iris, pupil, glint, lids; side −1 is left in the picture."""
    shape, colors = identity.shape, identity.colors
    place = np.array([side * shape.eye_distance, 0.0])
    height = shape.eye_height * expression.lids
    upper = _lid(shape.eye_width, -height, shape.eye_tilt, side) + place
    lower = _lid(shape.eye_width, 0.62 * height, shape.eye_tilt, side) + place
    canvas.fill(on_face(np.concatenate([upper, lower[::-1]])), mixed(colors.skin, (238.0, 236.0, 232.0), 0.82))
    center = place + np.array([expression.gaze * 0.06, -0.008])
    radius = 0.094
    _paint_round(canvas, center, radius, (upper, lower), scaled(colors.iris, 0.62))
    _paint_round(canvas, center, radius * 0.80, (upper, lower), colors.iris)
    _paint_round(canvas, center, radius * 0.46, (upper, lower), (14.0, 12.0, 12.0))
    if height > 0.05:
        canvas.fill(ellipse(center[0] - 0.03, center[1] - 0.03, 0.018, 0.018), (248.0, 248.0, 248.0))
    lash = mixed(scaled(colors.skin, 0.35), (24.0, 18.0, 16.0), 0.6)
    canvas.line(on_face(upper), lash, 0.032)
    canvas.line(on_face(lower[2:-2]), scaled(colors.skin, 0.62), 0.014)
    crease = _lid(shape.eye_width * 1.04, -height - 0.055, shape.eye_tilt, side) + place
    canvas.line(on_face(crease[1:-1]), scaled(colors.skin, 0.66), 0.014)


def _lid(width: float, height: float, tilt: float, side: int) -> DoubleArray:
    """Return the edge of a lid (9, 2) about the eye's center, inner corner first."""
    x = -np.cos(_TURN) * width
    y = np.sin(_TURN) ** 1.15 * height - tilt * x * 1.2
    return np.column_stack([x * side, y])


def _paint_round(
    canvas: Canvas,
    center: DoubleArray,
    radius: float,
    lids: tuple[DoubleArray, DoubleArray],
    color: tuple[float, float, float],
) -> None:
    """Fill a disc between the lids."""
    disc = ellipse(float(center[0]), float(center[1]), radius, radius)[:, :2]
    upper, lower = (lid[np.argsort(lid[:, 0])] for lid in lids)
    low = np.interp(disc[:, 0], upper[:, 0], upper[:, 1])
    high = np.interp(disc[:, 0], lower[:, 0], lower[:, 1])
    disc[:, 1] = np.clip(disc[:, 1], np.minimum(low, high), high)
    canvas.fill(on_face(disc), color)


def paint_brow(canvas: Canvas, identity: DrawnIdentity, expression: Expression, side: int) -> None:
    """Paint one brow, thick at the nose and thin at the temple."""
    shape = identity.shape
    height = -shape.brow_height - expression.brow_raise
    x = np.array([-0.22, -0.08, 0.08, 0.25]) + shape.eye_distance
    rise = np.array([0.02, -0.5, -1.0, 0.25]) * shape.brow_arch - shape.brow_tilt * (x - shape.eye_distance) * 2
    half = np.array([0.85, 1.0, 0.75, 0.2]) * shape.brow_width
    top = np.column_stack([x * side, height + rise - half])
    bottom = np.column_stack([x * side, height + rise + half])[::-1]
    outline = on_face(np.concatenate([top, bottom]), lift=0.03)
    canvas.tint(smooth(outline), identity.colors.brow, 0.88, 0.012)


def paint_nose(canvas: Canvas, identity: DrawnIdentity, light_x: float) -> None:
    """Paint nostrils, wings, the ridge's highlight and its shadow away from the light."""
    shape, skin = identity.shape, identity.colors.skin
    width, tip = shape.nose_width, shape.nose_length
    away = -1 if light_x > 0 else 1
    shadow = np.array([[away * shape.nose_bridge * 0.7, 0.02], [away * (shape.nose_bridge + 0.09), tip * 0.55],
                       [away * (width + 0.04), tip + 0.02], [away * width * 0.45, tip - 0.03]])  # fmt: skip
    canvas.tint(on_face(shadow, lift=0.1), scaled(skin, 0.55), min(0.5, 0.15 + 0.5 * abs(light_x)), 0.03)
    for side in (-1, 1):
        wing = np.array(
            [[side * width * 0.86, tip - 0.10], [side * width * 1.06, tip + 0.0], [side * width * 0.72, tip + 0.085]]
        )
        canvas.line(smooth(on_face(wing, lift=0.08), closed=False), scaled(skin, 0.60), 0.022)
        hole = ellipse(side * width * 0.45, tip + 0.07, width * 0.26, 0.030)
        hole[:, 2] += 0.12
        canvas.fill(hole, scaled(skin, 0.30))
    ridge = ellipse(-away * 0.02, tip - 0.06, width * 0.30, 0.05)
    ridge[:, 2] = shape.nose_height - 0.03
    canvas.tint(ridge, scaled(skin, 1.3), 0.35, 0.03)


def mouth_corner(shape: FaceShape, expression: Expression) -> tuple[float, float]:
    """Return x and y of the right corner of the mouth; a smile widens and lifts it."""
    return shape.mouth_width * (1 + 0.18 * expression.smile), shape.mouth_height - 0.06 * expression.smile


def paint_mouth(canvas: Canvas, identity: DrawnIdentity, expression: Expression, makeup: float) -> None:
    """Paint lips, and teeth in an open mouth."""
    shape, lip = identity.shape, mixed(identity.colors.lip, (170.0, 36.0, 52.0), makeup)
    half, corner = mouth_corner(shape, expression)
    lift, gap = shape.mouth_height - corner, expression.mouth_open
    x = np.array([-1.0, -0.55, -0.16, 0.0, 0.16, 0.55, 1.0]) * half
    bow = np.array([0.0, 0.62, 1.0, 0.80, 1.0, 0.62, 0.0])
    bend = np.array([-1.0, -0.2, 0.06, 0.12, 0.06, -0.2, -1.0]) * lift + shape.mouth_height
    belly = np.array([0.0, 0.66, 0.96, 1.0, 0.96, 0.66, 0.0])
    inner_low = bend + gap * belly
    if gap > 0.02:
        canvas.fill(_band(x, bend - 0.01, inner_low + 0.01), (58.0, 22.0, 24.0))
        canvas.fill(_band(x * 0.86, bend, bend + np.minimum(gap * belly * 0.55, 0.09)), (228.0, 222.0, 212.0))
    canvas.fill(_band(x, bend - shape.upper_lip * bow, bend + 0.012 * belly), scaled(lip, 0.88))
    canvas.fill(_band(x, inner_low - 0.008 * belly, inner_low + shape.lower_lip * belly), lip)
    line = on_face(np.column_stack([x * 1.04, bend]), lift=0.04)
    canvas.line(smooth(line, closed=False), scaled(lip, 0.42), 0.020)
    shine = ellipse(0, shape.mouth_height + gap + shape.lower_lip * 0.5, half * 0.32, shape.lower_lip * 0.22)
    canvas.tint(shine, scaled(lip, 1.45), 0.45, 0.02)


def _band(x: DoubleArray, top: DoubleArray, bottom: DoubleArray) -> DoubleArray:
    """Return the closed curve (K, 3) between two edges, a little before the face."""
    upper = smooth(np.column_stack([x, top]), closed=False)
    lower = smooth(np.column_stack([x, bottom]), closed=False)
    return on_face(np.concatenate([upper, lower[::-1]]), lift=0.04)
