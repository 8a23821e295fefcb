"""What is around and before a drawn face: background, light, glasses, things in the way, the camera."""

from __future__ import annotations

import cv2
import numpy as np

from marginface.data.synthetic.canvas import Canvas, Color, smooth
from marginface.data.synthetic.identity import DrawnIdentity
from marginface.data.synthetic.nuisance import Camera, Light, Nuisance
from marginface.data.synthetic.painting.surface import ellipse, head_outline, on_face, scaled
from marginface.values import DoubleArray, FloatArray, ImageArray

_CORNERS = {"round": 2.0, "square": 5.0, "wide": 3.2}


def paint_background(size: tuple[int, int], random: np.random.Generator) -> ImageArray:
    """Return a blurred scene (height, width, 3): a few colors that run into each other."""
    base = random.uniform(30, 215) + random.normal(0, 22, 3)
    coarse = np.clip(base + random.normal(0, 38, (5, 5, 1)) + random.normal(0, 16, (5, 5, 3)), 0, 255)
    return cv2.resize(coarse.astype(np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC).astype(np.uint8, copy=False)


def paint_glasses(canvas: Canvas, identity: DrawnIdentity, color: Color, *, dark: bool) -> None:
    """Paint glasses; dark lenses hide the eyes."""
    shape = identity.shape
    power = 2 / _CORNERS[identity.glasses]
    height = 0.25 if identity.glasses == "round" else 0.21 if identity.glasses == "square" else 0.18
    angle = np.arange(24) * (2 * np.pi / 24)
    cosine, sine = np.cos(angle), np.sin(angle)
    rim = np.column_stack(
        [np.sign(cosine) * np.abs(cosine) ** power * 0.29, np.sign(sine) * np.abs(sine) ** power * height]
    )
    for side in (-1, 1):
        lens = np.column_stack([rim + np.array([side * (shape.eye_distance + 0.02), 0.03]), np.full(24, 0.98)])
        if dark:
            canvas.fill(lens, (26.0, 26.0, 30.0))
        else:
            canvas.tint(lens[4:12], (255.0, 255.0, 255.0), 0.10, 0.02)
        canvas.line(lens, color, 0.035, closed=True)
        outer = side * (shape.eye_distance + 0.31)
        canvas.line(np.array([[outer, -0.02, 0.98], [side * shape.width * 1.02, -0.02, 0.0]]), color, 0.035)
    inner = shape.eye_distance - 0.27
    canvas.line(np.array([[-inner, 0.0, 1.0], [0, -0.05, 1.05], [inner, 0.0, 1.0]]), color, 0.035)


def paint_occlusion(canvas: Canvas, identity: DrawnIdentity, nuisance: Nuisance, random: np.random.Generator) -> None:
    """Paint what is in the way, if anything."""
    kind = nuisance.occlusion
    if kind == "sunglasses":
        paint_glasses(canvas, identity, (24.0, 24.0, 26.0), dark=True)
    elif kind == "mask":
        _paint_mask(canvas, identity, _random_color(random, 90, 235))
    elif kind == "cap":
        _paint_cap(canvas, identity, _random_color(random, 20, 200))
    elif kind == "hand":
        _paint_fingers(canvas, identity, random)
    elif kind == "strands":
        for _ in range(5):
            x, bend = random.uniform(-0.9, 0.9), random.normal(0, 0.25)
            flat = np.array([[x, -1.2], [x + bend * 0.5, -0.4], [x + bend, random.uniform(0.1, 0.9)]])
            strand = smooth(on_face(flat, lift=0.1), closed=False)
            canvas.line(strand, scaled(identity.colors.hair, random.uniform(0.7, 1.3)), 0.05)
    elif kind == "patch":
        x, y = random.uniform(-0.8, 0.8), random.uniform(-0.5, 1.3)
        blob = ellipse(x, y, random.uniform(0.2, 0.42), random.uniform(0.2, 0.42), depth=1.1)
        blob[:, :2] += random.normal(0, 0.03, (len(blob), 2))
        canvas.fill(smooth(blob), _random_color(random, 10, 245))
    if nuisance.wears_glasses and kind != "sunglasses":
        paint_glasses(canvas, identity, nuisance.glasses_color, dark=False)


def _paint_mask(canvas: Canvas, identity: DrawnIdentity, color: Color) -> None:
    shape = identity.shape
    right = [(0.35, shape.nose_length * 0.62), (0.86 * shape.width, 0.62), (shape.width * shape.jaw * 0.98, 1.1),
             (0.35, shape.chin * 0.99)]  # fmt: skip
    ring = [(0.0, shape.nose_length * 0.42), *right, (0.0, shape.chin + 0.04), *((-x, y) for x, y in reversed(right))]
    canvas.fill(smooth(on_face(np.array(ring), lift=0.1)), color)
    for height in (0.8, 1.0, 1.2):
        fold = np.array([[-0.6, height], [0, height + 0.05], [0.6, height]])
        canvas.line(smooth(on_face(fold, lift=0.12), closed=False), scaled(color, 0.8), 0.02)


def _paint_cap(canvas: Canvas, identity: DrawnIdentity, color: Color) -> None:
    outline = head_outline(identity.shape, grow=1.1)
    top = outline[outline[:, 1] < -0.45]
    order = np.argsort(np.arctan2(top[:, 0], -top[:, 1]))
    canvas.fill(top[order], color)
    canvas.fill(on_face(top[order][:, :2] * 0.96), color)
    brim = np.array([[-1.0, -0.52, 0.5], [-0.5, -0.62, 1.1], [0, -0.66, 1.2], [0.5, -0.62, 1.1], [1.0, -0.52, 0.5],
                     [0.5, -0.42, 1.3], [0, -0.40, 1.4], [-0.5, -0.42, 1.3]])  # fmt: skip
    canvas.fill(smooth(brim), scaled(color, 0.6))


def _paint_fingers(canvas: Canvas, identity: DrawnIdentity, random: np.random.Generator) -> None:
    skin = identity.colors.skin
    x, y = random.uniform(-0.7, 0.7), random.uniform(0.5, 1.4)
    lean = random.normal(0, 0.25)
    for finger in range(4):
        start = np.array([x + finger * 0.17 - 0.25, y + 0.1 * abs(finger - 1.5)])
        flat = start + np.array([[0, 0], [lean * 0.3, 0.4], [lean, 1.3]])
        points = smooth(np.column_stack([flat, np.full(3, 1.15)]), closed=False)
        canvas.line(points, scaled(skin, 0.55), 0.19)
        canvas.line(points, scaled(skin, 0.93 - 0.04 * finger), 0.155)


def light_map(shape: tuple[int, int], center: DoubleArray, radius: DoubleArray, light: Light) -> FloatArray:
    """Return the light (height, width) on an ellipsoid: (1 − share) + share × Lambert's cosine, about 1 on average.

    ``center`` and ``radius`` (2,) are in the same pixels as ``shape``; beside the head the light is even.
    """
    rows, columns = (np.arange(n, dtype=np.float32) + 0.5 for n in shape)
    u = ((columns - center[0]) / radius[0])[None, :]
    v = ((rows - center[1]) / radius[1])[:, None]
    square = u * u + v * v
    x, y, z = light.direction
    lambert = np.clip(u * x + v * y + np.sqrt(np.clip(1 - square, 0.04, 1)) * z, 0, None)
    shade = (1 - light.share) + light.share * lambert * 1.4
    outside = np.clip((square - 0.75) / 1.1, 0, 1)
    mixed: FloatArray = (shade * (1 - outside) + outside * (1 - 0.3 * light.share)).astype(np.float32)
    return mixed


def apply_light(image: ImageArray, center: DoubleArray, radius: DoubleArray, light: Light) -> ImageArray:
    """Return the image under the light: shading, color gain and gamma."""
    small = light_map((image.shape[0] // 4, image.shape[1] // 4), center / 4, radius / 4, light)
    shade = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(image, cv2.merge([shade * gain for gain in light.gain]), dtype=cv2.CV_8U)
    levels = (255 * (np.arange(256) / 255) ** light.gamma).round().astype(np.uint8)
    return cv2.LUT(lit, levels).astype(np.uint8, copy=False)


def photograph(image: ImageArray, camera: Camera, random: np.random.Generator) -> ImageArray:
    """Return the image as the camera gives it: blur, lower resolution, noise, JPEG."""
    if camera.blur > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), camera.blur).astype(np.uint8)
    if camera.resolution < 0.95:
        small = cv2.resize(image, None, fx=camera.resolution, fy=camera.resolution, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    if camera.noise > 0.5:
        grain = random.standard_normal(image.shape, dtype=np.float32) * camera.noise
        image = cv2.add(image, grain, dtype=cv2.CV_8U).astype(np.uint8)
    if camera.quality < 95:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return image


def _random_color(random: np.random.Generator, low: float, high: float) -> Color:
    red, green, blue = random.uniform(low, high, 3)
    return float(red), float(green), float(blue)
