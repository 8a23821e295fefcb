"""Hair and beards of a drawn face."""

from __future__ import annotations

import numpy as np

from marginface.data.synthetic.canvas import Canvas, smooth
from marginface.data.synthetic.identity import DrawnIdentity, FaceShape
from marginface.data.synthetic.nuisance import Expression
from marginface.data.synthetic.painting.surface import at_depth, ellipse, head_outline, on_face, scaled
from marginface.values import DoubleArray

_LONG = {"long": 1.9, "wavy": 1.5}


def paint_back_hair(canvas: Canvas, identity: DrawnIdentity) -> None:
    """Paint what is behind the head: long hair, a mass of curls, a bun."""
    shape, color = identity.shape, scaled(identity.colors.hair, 0.72)
    if identity.hair in _LONG:
        end, bulge = _LONG[identity.hair], 1.26 if identity.hair == "wavy" else 1.14
        right = [(0.7, -1.40), (1.12 * bulge, -0.5), (1.16 * bulge, 0.5), (1.10 * bulge, end), (0.6, end + 0.12)]
        flat = np.array([(0.0, -1.62), *right, *((-x, y) for x, y in reversed(right))]) * [shape.width, 1]
        canvas.fill(at_depth(smooth(flat), -0.25), color)
    elif identity.hair == "curly":
        angle = np.arange(28) * (2 * np.pi / 28)
        radius = 1.34 + 0.07 * np.cos(angle * 7) + 0.04 * np.cos(angle * 11)
        flat = np.column_stack([np.cos(angle) * radius * shape.width, np.sin(angle) * radius * 1.05 - 0.42])
        canvas.fill(at_depth(smooth(flat), -0.2), color)
    elif identity.hair == "bun":
        canvas.fill(ellipse(0, shape.crown - 0.25, 0.42, 0.36, depth=-0.5), color)


def paint_front_hair(canvas: Canvas, identity: DrawnIdentity, seed: int) -> None:
    """Paint the hair between the crown and the hairline, with a few lighter and darker strands."""
    edge = _hairline(identity.hair, identity.shape)
    if edge is None:
        return
    color = identity.colors.hair
    outline = head_outline(identity.shape, grow=1.07)
    top = outline[outline[:, 1] < edge[0, 1]]
    order = np.argsort(np.arctan2(top[:, 0], -top[:, 1]))
    cap = np.concatenate([top[order], _temple_depth(smooth(edge[::-1], closed=False))])
    canvas.fill(cap, color)
    canvas.fill(on_face(cap[:, :2] * 0.96), color)  # over the bulge of the forehead when the head turns
    random = np.random.default_rng(seed)
    for factor in (0.68, 1.35, 0.78, 1.22, 0.7, 1.3):
        x = random.uniform(-0.6, 0.6)
        strand = np.array([[x * 0.5, -1.28, 0.4], [x * 0.8, -1.18, 0.5], [x * 0.9, -1.06, 0.55]])
        canvas.line(smooth(strand * [identity.shape.width, 1, 1], closed=False), scaled(color, factor), 0.03)


def _hairline(style: str, shape: FaceShape) -> DoubleArray | None:
    """Return the hairline (K, 2) from left to right, or None for no hair."""
    h, side = shape.hairline, shape.width * 1.04
    lines = {
        "receding": [(-side, 0.0), (-0.93, -0.45), (-0.62, h - 0.28), (-0.2, h - 0.08), (0.2, h - 0.08),
                     (0.62, h - 0.28), (0.93, -0.45), (side, 0.0)],
        "short": [(-side, 0.05), (-0.92, -0.3), (-0.74, h + 0.05), (-0.3, h), (0.3, h), (0.74, h + 0.05),
                  (0.92, -0.3), (side, 0.05)],
        "side": [(-side, 0.1), (-0.9, -0.3), (-0.66, h + 0.14), (-0.1, h + 0.22), (0.35, h - 0.12), (0.5, h - 0.22),
                 (0.78, h + 0.1), (0.92, -0.3), (side, 0.1)],
        "fringe": [(-side, 0.4), (-0.9, -0.1), (-0.78, -0.42), (-0.4, -0.5), (-0.1, -0.44), (0.2, -0.52), (0.55, -0.45),
                   (0.78, -0.42), (0.9, -0.1), (side, 0.4)],
        "long": [(-side, 0.9), (-0.93, 0.2), (-0.80, -0.45), (-0.3, h - 0.1), (0.0, h - 0.22), (0.3, h - 0.1),
                 (0.80, -0.45), (0.93, 0.2), (side, 0.9)],
        "wavy": [(-side, 0.8), (-0.84, 0.3), (-0.92, -0.1), (-0.62, -0.5), (-0.1, h + 0.1), (0.25, h - 0.2),
                 (0.6, -0.6), (0.94, -0.1), (0.85, 0.3), (side, 0.8)],
        "curly": [(-side, 0.1), (-0.92, -0.2), (-0.82, -0.5), (-0.6, h), (-0.4, h + 0.08), (-0.15, h - 0.02),
                  (0.1, h + 0.06), (0.4, h), (0.6, h + 0.04), (0.82, -0.5), (0.92, -0.2), (side, 0.1)],
        "bun": [(-side, 0.1), (-0.9, -0.35), (-0.6, h - 0.05), (0.0, h - 0.12), (0.6, h - 0.05), (0.9, -0.35),
                (side, 0.1)],
    }  # fmt: skip
    return np.array(lines[style]) * [shape.width, 1] if style in lines else None


def paint_beard(canvas: Canvas, identity: DrawnIdentity, expression: Expression) -> None:
    """Paint the beard: soft stubble, moustache, goatee or a full beard."""
    shape, color = identity.shape, scaled(identity.colors.hair, 0.85)
    drop = expression.mouth_open
    if identity.beard in ("stubble", "full"):
        alpha, soft = (0.26, 0.08) if identity.beard == "stubble" else (0.86, 0.035)
        jaw = shape.width * shape.jaw
        half, top = shape.mouth_width + 0.1, shape.mouth_height
        right = [(half, top - 0.14), (jaw * 1.0, top - 0.25), (shape.width * 0.96, 0.4), (jaw * 1.07, 1.05),
                 (shape.chin_width + 0.14, shape.chin * 0.95)]  # fmt: skip
        left = [(-x, y) for x, y in right]
        upper = [(0.0, top - shape.upper_lip - 0.12)]
        ring = [*upper, *right, (0.0, shape.chin + 0.03), *reversed(left)]
        canvas.tint(smooth(on_face(np.array(ring))), color, alpha, soft)
    if identity.beard in ("moustache", "goatee"):
        half, top = shape.mouth_width * 1.05, shape.mouth_height - shape.upper_lip
        band = [(-half, top + 0.1), (-half * 0.6, top - 0.06), (0, top - 0.09), (half * 0.6, top - 0.06),
                (half, top + 0.1), (half * 0.5, top + 0.035), (0, top + 0.02), (-half * 0.5, top + 0.035)]  # fmt: skip
        canvas.tint(smooth(on_face(np.array(band), lift=0.05)), color, 0.85, 0.02)
    if identity.beard == "goatee":
        low = shape.mouth_height + shape.lower_lip + drop
        canvas.tint(ellipse(0, (low + shape.chin) / 2 + 0.06, 0.24, (shape.chin - low) / 2), color, 0.85, 0.03)


def _temple_depth(flat: DoubleArray) -> DoubleArray:
    """Return points (K, 3) that lie back at the temples and forward at the brow."""
    reach = np.abs(flat[:, 0]).max()
    return at_depth(flat, 0.12 + 0.5 * (1 - (flat[:, 0] / reach) ** 2))
