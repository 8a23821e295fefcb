"""One image of one drawn identity: a crop in the ArcFace template, or a larger photo with the face somewhere in it."""

from __future__ import annotations

import cv2
import numpy as np

from marginface.data.synthetic.canvas import Canvas, Projection, affine, rotation_matrix, turn
from marginface.data.synthetic.identity import DrawnIdentity
from marginface.data.synthetic.nuisance import Nuisance
from marginface.data.synthetic.painting.face import landmarks3d, paint_head
from marginface.data.synthetic.painting.scene import apply_light, paint_background, paint_occlusion, photograph
from marginface.geometry import CROP_SIZE, TEMPLATE, similarity_transform
from marginface.values import DoubleArray, ImageArray

SUPERSAMPLE = 2


def draw_crop(identity: DrawnIdentity, nuisance: Nuisance, random: np.random.Generator) -> ImageArray:
    """Return an aligned crop (112, 112, 3): the landmarks lie on the template but for the detector's jitter."""
    rotation, flat = _turned_landmarks(identity, nuisance)
    target = TEMPLATE.astype(np.float64) + random.normal(0, 1, (5, 2)) * nuisance.jitter
    matrix = np.asarray(similarity_transform(flat, target), dtype=np.float64)
    image = _render(identity, nuisance, Projection(rotation, matrix * SUPERSAMPLE), (CROP_SIZE, CROP_SIZE), random)
    return photograph(image, nuisance.camera, random)


def draw_scene(
    identity: DrawnIdentity, nuisance: Nuisance, random: np.random.Generator, size: tuple[int, int], face_share: float
) -> tuple[ImageArray, DoubleArray]:
    """Return a photo (height, width, 3) and the true landmarks (5, 2); the head is face_share of the height."""
    rotation, flat = _turned_landmarks(identity, nuisance)
    height, width = size
    scale = face_share * height / (identity.shape.chin - identity.shape.crown)
    place = np.array([width * random.uniform(0.4, 0.6), height * random.uniform(0.42, 0.52)])
    matrix = np.column_stack([np.eye(2) * scale, place - flat[:2].mean(axis=0) * scale])
    image = _render(identity, nuisance, Projection(rotation, matrix * SUPERSAMPLE), size, random)
    return photograph(image, nuisance.camera, random), affine(flat, matrix)


def _turned_landmarks(identity: DrawnIdentity, nuisance: Nuisance) -> tuple[DoubleArray, DoubleArray]:
    pose = nuisance.pose
    rotation = rotation_matrix(pose.yaw, pose.pitch, pose.roll)
    return rotation, turn(landmarks3d(identity.shape, nuisance.expression), rotation)


def _render(
    identity: DrawnIdentity,
    nuisance: Nuisance,
    projection: Projection,
    size: tuple[int, int],
    random: np.random.Generator,
) -> ImageArray:
    """Paint at twice the size, shrink by area, light it."""
    large = (size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE)
    canvas = Canvas(paint_background(large, random), projection)
    red, green, blue = random.uniform(20, 230, 3)
    paint_head(canvas, identity, nuisance, (float(red), float(green), float(blue)))
    paint_occlusion(canvas, identity, nuisance, random)
    shape = identity.shape
    center = projection(np.array([[0, (shape.crown + shape.chin) / 2, 0.3]]))[0]
    radius = np.array([shape.width * 1.25, (shape.chin - shape.crown) / 2 * 1.2]) * projection.scale
    small: ImageArray = cv2.resize(canvas.image, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return apply_light(small, center / SUPERSAMPLE, radius / SUPERSAMPLE, nuisance.light)
