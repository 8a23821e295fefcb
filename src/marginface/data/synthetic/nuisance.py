"""What changes from image to image: pose, expression, light, camera, things in the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from marginface.data.synthetic.canvas import Color

OCCLUSIONS = ("none", "mask", "sunglasses", "hand", "strands", "patch", "cap")


@dataclass(frozen=True, slots=True)
class Pose:
    """Turn of the head in radians: yaw to the viewer's right, pitch down, roll clockwise."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Expression:
    """How the face is held: smile −1 to 1, the mouth's opening, brows raised, lids as a factor, gaze −1 to 1."""

    smile: float
    mouth_open: float
    brow_raise: float
    lids: float
    gaze: float


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp: direction (x, y, z) of length 1, how much of the light it is (0 to 1), gain per color, gamma."""

    direction: tuple[float, float, float]
    share: float
    gain: Color
    gamma: float


@dataclass(frozen=True, slots=True)
class Camera:
    """Loss on the way: blur (sigma in pixels of a crop), noise (of 255), resolution (fraction kept), JPEG quality."""

    blur: float
    noise: float
    resolution: float
    quality: int


@dataclass(frozen=True, slots=True)
class Nuisance:
    """Everything about one image that is not who is on it; ``jitter`` is the error of the landmarks in pixels."""

    pose: Pose
    expression: Expression
    light: Light
    camera: Camera
    occlusion: str
    wears_glasses: bool
    glasses_color: Color
    makeup: float
    jitter: float
    scene_seed: int


def draw_nuisance(random: np.random.Generator, *, glasses_habit: float, strength: float) -> Nuisance:
    """Return the circumstances of one image; strength 0 is a passport photo, 1 is daily life."""
    occluded = random.random() < 0.22 * strength
    kind = str(random.choice(OCCLUSIONS[1:], p=[0.12, 0.18, 0.18, 0.17, 0.2, 0.15]))
    return Nuisance(
        pose=_draw_pose(random, strength),
        expression=_draw_expression(random, strength),
        light=_draw_light(random, strength),
        camera=_draw_camera(random, strength),
        occlusion=kind if occluded else "none",
        wears_glasses=bool(random.random() < glasses_habit),
        glasses_color=_gray_or_brown(random),
        makeup=float(random.uniform(0, 1) ** 2) * strength,
        jitter=1.6 * strength,
        scene_seed=int(random.integers(2**31)),
    )


def _cut_normal(random: np.random.Generator, spread: float, cuts: float = 2.0) -> float:
    return spread * float(np.clip(random.normal(), -cuts, cuts))


def _draw_pose(random: np.random.Generator, strength: float) -> Pose:
    yaw, pitch, roll = (_cut_normal(random, math.radians(spread) * strength) for spread in (24, 11, 9))
    return Pose(yaw, pitch, roll)


def _draw_expression(random: np.random.Generator, strength: float) -> Expression:
    opened = max(0.0, random.normal(-0.2, 0.7)) * 0.16
    return Expression(
        smile=float(np.clip(random.normal(0.25, 0.5), -1, 1)) * strength,
        mouth_open=float(min(opened, 0.26)) * strength,
        brow_raise=_cut_normal(random, 0.05 * strength),
        lids=float(np.clip(1 + random.normal(0, 0.2) * strength, 0.35, 1.35)),
        gaze=_cut_normal(random, 0.4 * strength),
    )


def _draw_light(random: np.random.Generator, strength: float) -> Light:
    direction = np.array([random.normal(0, 0.9) * strength, random.normal(-0.35, 0.5 * strength), 0.75])
    x, y, z = direction / np.linalg.norm(direction)
    tint = np.exp(random.normal(0, [0.13, 0.05, 0.16]) * strength + random.normal(-0.02, 0.2) * strength)
    gain = (float(tint[0]), float(tint[1]), float(tint[2]))
    share = float(random.uniform(0.25, 0.35 + 0.5 * strength))
    return Light((float(x), float(y), float(z)), share, gain, float(np.exp(random.normal(0, 0.22) * strength)))


def _draw_camera(random: np.random.Generator, strength: float) -> Camera:
    poor = random.random() < 0.3 * strength
    return Camera(
        blur=float(random.uniform(0, 1.5)) * strength if poor else 0.0,
        noise=float(random.gamma(2, 2.5)) * strength,
        resolution=float(random.uniform(0.3, 1.0)) if random.random() < 0.25 * strength else 1.0,
        quality=int(random.integers(25, 96)) if random.random() < 0.6 * strength else 95,
    )


def _gray_or_brown(random: np.random.Generator) -> Color:
    red, green, blue = np.array([40, 34, 32]) + random.uniform(0, 60) * np.array([1, random.uniform(0.4, 1), 0.6])
    return float(red), float(green), float(blue)
