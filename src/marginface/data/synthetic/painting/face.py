"""The head of a drawn identity in three dimensions, painted back to front on a canvas."""

from __future__ import annotations

import numpy as np

from marginface.data.synthetic.canvas import Canvas, Color, smooth
from marginface.data.synthetic.identity import DrawnIdentity, FaceShape
from marginface.data.synthetic.nuisance import Expression, Nuisance
from marginface.data.synthetic.painting.features import mouth_corner, paint_brow, paint_eye, paint_mouth, paint_nose
from marginface.data.synthetic.painting.hair import paint_back_hair, paint_beard, paint_front_hair
from marginface.data.synthetic.painting.surface import ellipse, head_outline, on_face, scaled
from marginface.values import DoubleArray


def landmarks3d(shape: FaceShape, expression: Expression) -> DoubleArray:
    """Return the five landmarks (5, 3) in head units: eyes, tip of the nose, corners of the mouth."""
    eye = shape.eye_distance
    mouth, corner = mouth_corner(shape, expression)
    flat = np.array([[-eye, 0], [eye, 0], [0, shape.nose_length - 0.08], [-mouth, corner], [mouth, corner]])
    points = on_face(flat)
    points[2, 2] = shape.nose_height
    return points


def paint_head(canvas: Canvas, identity: DrawnIdentity, nuisance: Nuisance, clothes: Color) -> None:
    """Paint a head with neck and shoulders."""
    shape, skin = identity.shape, identity.colors.skin
    covered = nuisance.occlusion == "cap"
    paint_back_hair(canvas, identity)
    _paint_neck(canvas, shape, skin, clothes)
    for side in (-1, 1):
        _paint_ear(canvas, shape, skin, side)
    outline = head_outline(shape)
    canvas.fill(outline, skin)
    for ring in (0.92, 0.78, 0.62):  # the bulge of the face makes its outline when the head turns
        canvas.fill(on_face(outline[:, :2] * ring), skin)
    _shade_skin(canvas, identity, nuisance.expression)
    canvas.emboss(0.075)
    _paint_spots(canvas, identity)
    paint_beard(canvas, identity, nuisance.expression)
    for side in (-1, 1):
        paint_eye(canvas, identity, nuisance.expression, side)
        paint_brow(canvas, identity, nuisance.expression, side)
    paint_nose(canvas, identity, nuisance.light.direction[0])
    paint_mouth(canvas, identity, nuisance.expression, nuisance.makeup)
    if not covered:
        paint_front_hair(canvas, identity, nuisance.scene_seed)


def _paint_neck(canvas: Canvas, shape: FaceShape, skin: Color, clothes: Color) -> None:
    chin, half = shape.chin, 0.52 * shape.jaw / 0.8
    neck = np.array(
        [[-half, 0.9, -0.4], [half, 0.9, -0.4], [half * 1.1, chin + 0.6, -0.3], [-half * 1.1, chin + 0.6, -0.3]]
    )
    canvas.fill(neck, scaled(skin, 0.72))
    top = chin + 0.42
    shoulders = np.array([[-0.55, top, -0.2], [0, top + 0.22, 0], [0.55, top, -0.2], [1.5, top + 0.25, -0.3],
                          [2.4, top + 0.7, -0.3], [2.6, top + 3, -0.3], [-2.6, top + 3, -0.3], [-2.4, top + 0.7, -0.3],
                          [-1.5, top + 0.25, -0.3]])  # fmt: skip
    canvas.fill(smooth(shoulders), clothes)


def _paint_ear(canvas: Canvas, shape: FaceShape, skin: Color, side: int) -> None:
    x, size = side * (shape.width + shape.ear_out * 0.6), shape.ear_size
    outer = ellipse(x, 0.25, 0.09 + shape.ear_out * 0.7, size, depth=-0.12)
    inner = ellipse(x + side * 0.02, 0.25, 0.04 + shape.ear_out * 0.35, size * 0.62, depth=-0.10)
    canvas.fill(outer, scaled(skin, 0.88))
    canvas.fill(inner, scaled(skin, 0.68))


def _shade_skin(canvas: Canvas, identity: DrawnIdentity, expression: Expression) -> None:
    """Put the soft relief of the face into the canvas: sockets, nose, cheeks, lip and chin."""
    shape = identity.shape
    lift = -0.05 * max(expression.smile, 0.0)
    for side in (-1, 1):
        eye = side * shape.eye_distance
        _shade_ellipse(canvas, eye - side * 0.05, -0.06, 0.27, 0.17, -0.26)
        _shade_ellipse(canvas, side * 0.16, -0.02, 0.06, 0.16, -0.22)
        _shade_ellipse(canvas, eye * 1.15, 0.42 + lift, 0.22, 0.15, 0.14)
        _shade_ellipse(canvas, side * shape.width * 0.86, 0.75, 0.16, 0.50, -0.14)
        if shape.lines > 0:
            fold = np.array([[side * (shape.nose_width + 0.08), shape.nose_length - 0.02],
                             [side * (shape.mouth_width + 0.12), shape.mouth_height - 0.1],
                             [side * (shape.mouth_width + 0.13), shape.mouth_height + 0.05],
                             [side * (shape.mouth_width + 0.06), shape.mouth_height - 0.1]])  # fmt: skip
            canvas.shade(smooth(on_face(fold)), -min(0.4, shape.lines * (1 + 1.2 * max(expression.smile, 0.0))))
        _shade_ellipse(canvas, side * (shape.nose_bridge + 0.05), shape.nose_length * 0.6, 0.06, 0.24, -0.20)
    _shade_ellipse(canvas, 0, shape.nose_length + 0.09, shape.nose_width * 1.1, 0.055, -0.42)
    _shade_ellipse(canvas, 0, shape.nose_length * 0.5, shape.nose_bridge * 0.7, shape.nose_length * 0.5, 0.20)
    _shade_ellipse(canvas, 0, shape.nose_length - 0.05, shape.nose_width * 0.45, 0.07, 0.28)
    _shade_ellipse(canvas, 0, -0.55, 0.42, 0.20, 0.10)
    _shade_ellipse(canvas, 0, shape.mouth_height + 0.24, 0.18, 0.05, -0.30)
    _shade_ellipse(canvas, 0, shape.chin - 0.2, 0.17, 0.09, 0.14)


def _shade_ellipse(canvas: Canvas, x: float, y: float, width: float, height: float, amount: float) -> None:
    canvas.shade(ellipse(x, y, width, height), amount)


def _paint_spots(canvas: Canvas, identity: DrawnIdentity) -> None:
    skin = identity.colors.skin
    for x, y, radius in identity.freckles:
        canvas.fill(ellipse(x, min(y, 0.75), radius, radius), scaled(skin, 0.82))
    for x, y, radius in identity.moles:
        canvas.fill(ellipse(x, y, radius, radius), scaled(skin, 0.42))
